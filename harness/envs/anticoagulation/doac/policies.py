"""Rules by which drugs are ordered, on arrays of patients."""

from __future__ import annotations

import numpy as np

from harness.envs.anticoagulation.doac import constants as c
from harness.envs.anticoagulation.doac.course import Orders, Policy, View
from harness.envs.anticoagulation.doac.hazards import HOLDS, MOLECULE, NONE, days_to_hold
from harness.envs.anticoagulation.doac.rules import broken, label_drug
from harness.envs.anticoagulation.doac.status import Status
from harness.mdp.tabular import IntArray

PREFERENCE = ("apixaban", "dabigatran", "edoxaban", "rivaroxaban", "warfarin", "none")
"""Drugs as `label` thinks of them, by what the trials found."""


def label(first: str = PREFERENCE[0]) -> Policy:
    """The clinic's reference: what breaks no rule, at the label's dose.

    The drug that is taken is kept where it can be; otherwise `first`, then the others of `PREFERENCE`. Before a
    procedure it is left out as long as needed.
    """
    order = [c.MOLECULES.index(name) for name in (first, *(name for name in PREFERENCE if name != first))]

    def policy(view: View) -> Orders:
        drug = permitted(view.status, view.drug, order)
        return Orders(drug, held(view.status, drug))

    return policy


def permitted(status: Status, taken: IntArray, order: list[int]) -> IntArray:
    """The first drug that can be ordered without breaking a rule: that taken, then by molecule; shape (n,)."""
    who = np.arange(len(taken))
    doses = label_drug(status)
    allowed = np.asarray(~broken(status).all(axis=-1))  # some number of days left out is right for what may be ordered
    chosen = np.full(len(taken), NONE)
    done = np.zeros(len(taken), dtype=np.bool_)
    wanted = [MOLECULE[taken], *(np.full(len(taken), molecule) for molecule in order)]
    for place, molecule in enumerate(wanted):
        drug = doses[who, molecule]
        fits = allowed[who, drug] & ~done & ((place > 0) | (drug != NONE))  # to take nothing is no habit to be kept
        chosen, done = np.where(fits, drug, chosen), done | fits
    return chosen


def held(status: Status, drug: IntArray) -> IntArray:
    """Days that a drug is to be left out before the procedure, shape (n,)."""
    return np.asarray(days_to_hold(status)[np.arange(len(drug)), drug])


def constant(name: str, *, hold: bool = False) -> Policy:
    """One drug at one dose for everyone, always; with `hold` left out before procedures as long as needed."""
    place = c.DRUGS.index(name)

    def policy(view: View) -> Orders:
        drug = np.full(len(view.drug), place)
        return Orders(drug, held(view.status, drug) if hold else np.zeros_like(drug))

    return policy


def chance(rng: np.random.Generator) -> Policy:
    """Any drug at any dose, any number of days left out: chance."""

    def policy(view: View) -> Orders:
        n = len(view.drug)
        return Orders(rng.integers(len(c.DRUGS), size=n), rng.integers(len(HOLDS), size=n))

    return policy


def hemosim(view: View) -> Orders:
    """The guideline baseline of hemosim 0.2.2, which knows of clearance and HAS-BLED only.

    Apixaban below 50 mL/min (low dose) or with HAS-BLED of 3 or more, else rivaroxaban.
    """
    low = view.status.crcl < 50.0
    apixaban = np.where(low, c.DRUGS.index("apixaban_2.5"), c.DRUGS.index("apixaban_5"))
    drug = np.where(low | (view.status.has_bled >= 3), apixaban, c.DRUGS.index("rivaroxaban_20"))
    return Orders(drug, np.zeros_like(drug))
