"""Disseminated intravascular coagulation."""
