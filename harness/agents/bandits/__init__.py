"""Searching for dangerous drug combinations with bandits.

`combinations` is what is searched, `optim_neural_ts` searches it, with `neural_ts` for what is thought, `training` for
how that is learnt and `differential_evolution` for what is asked next; `checkpoint` and `train` keep it on disk, and
`ensemble` uses it. For drugs of one's own: `over_drugs`, `train`, `load_ensemble`, then `screen` or `rank_pairs`.
"""
