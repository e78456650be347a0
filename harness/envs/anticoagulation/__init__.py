"""Anticoagulation: simulated patients whose dose has to be found and kept.

`metrics.py` and `four_ts.py` have the measures of this field, exactly as defined; `warfarin/` is the tasks `warfarin`
and `warfarin-maintenance`, `heparin/` the tasks `heparin`, `heparin-labs` and `heparin-hit`.
"""
