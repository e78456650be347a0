"""Who decides. `registry.py` lists the agents; a factory takes an environment and returns an `Agent`.

A new agent is a module here (or an installed package of yours) and one line in the registry (or the entry-point
group `harness.agents`).
"""
