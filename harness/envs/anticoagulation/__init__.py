"""Anticoagulation: simulated patients whose dose has to be found and kept.

`metrics.py` has the measures of this field, exactly as defined, `scores.py` and `bleeding.py` the risk scores of atrial
fibrillation and what counts as a major bleeding; `warfarin/` is the tasks `warfarin` and `warfarin-maintenance`,
`doac/` the task `doac`.
"""
