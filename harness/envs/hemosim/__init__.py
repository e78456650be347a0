"""The environments of the package `hemosim`, unchanged, behind the project's contracts.

`package.py` loads it; `observations.py` and `actions.py`: what agents see and order, in clinical units; `scaling.py`:
between those and the package's vectors; `tasks.py`: the five tasks; `spec.py`: what an audit found wrong with each;
`environment.py`: how they are played.
"""
