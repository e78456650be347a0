"""Disseminated intravascular coagulation: components and drugs for a patient who bleeds, or does not (`dic`).

Assumption-based, and kept out of rankings. Patients are arrays everywhere; the environment is a batch of one.

    constants.py     every number, beside its source or marked as assumed or fitted
    actions.py       what can be ordered;  model.py: six hours of a patient
    patients.py      who they are, drawn from named random streams;  course.py: n patients from decision to decision
    policies.py      guideline, thresholds, and rules that never look
    fit.py           fitted value iteration;  fitted.py: the policy it found;  reference.py: what that is worth
    environment.py   the task;  shown.py: what is seen;  spec.py: what the evidence is worth
"""
