"""Trainings as runs: what they are told, go on with, come to, and their learning curves."""
