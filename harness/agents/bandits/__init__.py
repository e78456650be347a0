"""Bandits: searches for dangerous drug combinations, and contextual bandits as agents of tabular tasks.

`combinations` is what is searched, `optim_neural_ts` searches it, with `neural_ts` for what is thought, `training` for
how that is learnt and `differential_evolution` for what is asked next; `checkpoint` and `train` keep it on disk, and
`ensemble` uses it. `records` are combinations that an environment's patients took, and `asking` is the agent that asks
what a search on them suspects. For drugs of one's own: `combinations.from_sets`, `train`, `load_ensemble`, `screen`.

`contextual` lets a bandit learn on simulated patients by their features (`contexts`), one linear model an action
(`linear`); `linucb` and `thompson` say what is tried.
"""
