"""Tabular agents that learn online, many training seeds in lockstep: Sarsa, Q-learning, DQN, discrete SAC and PPO.

Every array has a leading axis of lanes, one for each training seed, and one call of numpy advances all of them by one
decision. `lanes.py` plays the MDP, `entries.py` says where a table keeps which action, `adam.py` optimises, a file per
algorithm learns, `training.py` looks at what was learned, exactly.

Settings default to those of the ICU-Sepsis paper, and what they mean to its published code.

References
----------
Choudhary, Gupta, Thomas: ICU-Sepsis: A Benchmark MDP Built from Real Medical Data. RLC 2024, arXiv:2406.05646,
table 11; code and settings: github.com/icu-sepsis/icu-sepsis_experiments, commit fd068e3 (`src/algos`,
`experiments/PaperPlots`).
"""
