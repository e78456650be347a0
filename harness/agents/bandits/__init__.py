"""Searching for dangerous drug combinations with bandits."""
