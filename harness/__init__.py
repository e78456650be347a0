"""Evaluation of agents that make clinical decisions in sequence, against computed optima.

A benchmark, not medical advice. See `harness.core` for the contracts, `harness.mdp` for everything exact,
`harness.envs` for the tasks and `harness.agents` for who decides.
"""

__version__ = "0.1.0"
