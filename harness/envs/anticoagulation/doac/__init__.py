"""Anticoagulation in atrial fibrillation: which drug at which dose, from quarter to quarter.

`constants.py` every number with its source; `status.py` what is true of patients at a visit; `hazards.py` what is to be
expected of a drug; `rules.py` what labels and guidelines say; `populations.py` and `patients.py` who comes; `course.py`
what happens to them; `policies.py` who decides; `optimum.py` the best that can be done; the rest is the task.
"""
