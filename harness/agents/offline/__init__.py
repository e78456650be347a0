"""Learning a policy from logged transitions alone, in tables.

`empirical` is what the data say of every state and action. `learners` names the learners, a file each: functions of a
`Dataset` and settings that return a policy (S, A) and its action-values (S, A), or None where there are none.

`neural` learns the same by a network in steps (extra `deep`); `neural_settings` names those learners.
"""
