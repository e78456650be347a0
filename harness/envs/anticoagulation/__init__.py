"""Anticoagulation: simulated patients whose dose has to be found and kept.

`metrics.py` has the measures of this field, exactly as defined; `warfarin/` is the tasks `warfarin` and
`warfarin-maintenance`.

`isth_dic.py` is the ISTH score of overt DIC; `dic/` is the task `dic`, which is assumption-based.
"""
