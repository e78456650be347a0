"""Heparin: an infusion by the aPTT (`heparin`), with a laboratory (`heparin-labs`), and HIT (`heparin-hit`, in `hit/`).

Patients are arrays everywhere, the time first; the environment is a batch of one.

    constants.py     every number, beside its source, and which were chosen rather than published
    setting.py       what sets the two tasks apart
    model.py         saturable kinetics: from infusion to aPTT;  patients.py: who they are, from named random streams
    actions.py       what can be ordered;  laboratory.py: samples and their way;  infusion.py: n patients hour by hour
    policies.py      nomograms and protocols
    posterior.py     Bayes: what the aPTTs say of a patient, and the orders that this speaks for
    hindsight.py     what is best for a patient of whom everything is known
    vector.py        numbered actions and features, for learners
    environment.py   the tasks;  shown.py: what is seen;  spec.py: what the evidence is worth
"""
