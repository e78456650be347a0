"""From trajectories of patients to a `TabularMDP`: a recipe says how, `build.py` does it.

Table -> features (`features.py`) -> states (`states.py`), treatments -> actions (`actions.py`), rewards (`rewards.py`)
-> logged transitions (`transitions.py`) -> counts and an MDP (`estimate.py`) -> a folder (`write.py`) that
`harness.mdp.read` reads. `describe.py` says in the data's own units what a state is, `diagnostics.py` what is doubtful.
"""
