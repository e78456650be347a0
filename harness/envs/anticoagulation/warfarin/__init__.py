"""Warfarin: the dose of a patient with atrial fibrillation is found (`warfarin`) and kept (`warfarin-maintenance`).

Patients are arrays everywhere; the environment is a batch of one.

    constants.py     every number, beside its source, and which were chosen rather than published
    model.py         Hamberg 2010: from doses to INR;  hamberg2007.py: the earlier model, to check doses against
    patients.py      who they are, drawn from named random streams
    actions.py       what can be ordered at a visit;  clinic.py: n patients from visit to visit
    algorithms.py    starting doses by IWPC and Gage;  policies.py: nomograms and protocols
    particles.py     Bayes: what the INRs say of a patient, and the dose that this speaks for
    oracle.py        what is best for a patient of whom everything is known
    environment.py   the tasks;  shown.py: what is seen;  spec.py: what the evidence is worth
"""
