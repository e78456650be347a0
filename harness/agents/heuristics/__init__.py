"""Agents that decide by rules or by a computed plan, one module a task."""
