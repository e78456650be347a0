"""The tasks, one folder per family. `registry.py` lists them without importing any; `own.py` is users' own MDPs.

A new environment is a folder here (or an installed package of yours) with a function that returns an `Environment`,
one line in the registry (or the entry-point group `harness.environments`), and prompts in `harness/prompts`.
"""
