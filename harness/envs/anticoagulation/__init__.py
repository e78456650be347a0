"""Anticoagulation: simulated patients whose dose has to be found and kept, or whose drug has to be chosen.

`metrics.py` and `four_ts.py` have the measures of this field, exactly as defined, `scores.py` and `bleeding.py` the
risk scores of atrial fibrillation and what counts as a major bleeding, `isth_dic.py` the score of overt intravascular
coagulation; `warfarin/` is the tasks `warfarin` and `warfarin-maintenance`, `heparin/` the tasks `heparin`,
`heparin-labs` and `heparin-hit`, `doac/` the task `doac`, and `dic/` the task `dic`, which is assumption-based.
"""
