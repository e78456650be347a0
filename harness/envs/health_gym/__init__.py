"""Health Gym's three data sets as tasks: `hypotension`, `sepsis-hg` and `art-hiv`.

Each plays on an MDP that `harness build-mdp` made; without one, on that of a stand-in, which `stand_in.py` makes once.
"""
