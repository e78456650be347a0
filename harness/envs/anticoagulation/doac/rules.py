"""What speaks against an order: contraindications, interactions, doses, indication, and days left out.

Doses, kidneys, livers and interactions by US prescribing information ([Label]; "recalled": from memory, with good
certainty); what is indicated and preferred by the guideline of the ACC, AHA, ACCP and HRS of 2023 (Joglar et al.,
Circulation 2024;149:e1, recalled). Where labels leave a choice to the physician, the cautious reading counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from harness.envs.anticoagulation.doac import constants as c
from harness.envs.anticoagulation.doac.hazards import HOLDS, IS_DOAC, MOLECULE, NONE, WARFARIN, days_to_hold
from harness.envs.anticoagulation.doac.status import ACTIVE_BLEEDING, COMEDICATIONS, NO_VALVE, Status
from harness.mdp.tabular import BoolArray, IntArray

OLD, LIGHT, CREATININE, OF_THREE = 80, 60.0, 1.5, 2
"""Apixaban is halved with two of: 80 years or more, 60 kg or less, creatinine of 1.5 mg/dL or more [Label]."""

RIVAROXABAN_REDUCED = 50.0
"""Rivaroxaban 15 mg up to this clearance, mL/min [Label]."""

RIVAROXABAN_BESIDE = 80.0
"""Below this clearance rivaroxaban is not to be combined with moderate inhibitors of CYP3A and P-gp [Label,
recalled]."""

DABIGATRAN_LEAST, DABIGATRAN_REDUCED, DABIGATRAN_BESIDE = 15.0, 30.0, 50.0
"""Dabigatran: none below the first; 75 mg up to the second, and there none with an inhibitor of P-gp; 75 mg up to the
third with dronedarone or ketoconazole [Label]."""

EDOXABAN_LEAST, EDOXABAN_REDUCED, EDOXABAN_MOST = 15.0, 50.0, 95.0
"""Edoxaban: none below the first or above the last; 30 mg up to the second [Label]."""

UNTREATED_UP_TO, TREATED_FROM = 0, 2
"""CHA2DS2-VASc without the point for sex up to which anticoagulation is not indicated, and from which it is."""

SLACK = 1
"""Days more than needed that may be left out."""

MECHANISMS = {
    "P-gp inhibitor": ("verapamil", "dronedarone", "amiodarone", "ketoconazole", "clarithromycin"),
    "moderate CYP3A and P-gp inhibitor": ("verapamil", "dronedarone"),
    "strong CYP3A and P-gp inhibitor": ("ketoconazole",),
    "CYP3A and P-gp inducer": ("rifampicin", "carbamazepine"),
    "halves dabigatran": ("dronedarone", "ketoconazole"),
}
"""What other drugs are [Label]. Clarithromycin inhibits CYP3A strongly as well, but the labels of apixaban and
rivaroxaban ask for no change with it."""


class Kind(StrEnum):
    """What a rule is about."""

    CONTRAINDICATION = "contraindication"
    INTERACTION = "interaction"
    DOSE = "dose"
    INDICATION = "indication"
    HOLD = "hold"


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes
    ----------
    name : str
    kind : Kind
    reason : str
        For traces.
    breaks : function of a status
        Which orders break it, shape (..., drugs); of rules about days left out (..., drugs, holds).
    """

    name: str
    kind: Kind
    reason: str
    breaks: Callable[[Status], BoolArray]


def is_drug(molecule: str) -> BoolArray:
    """Which of `DRUGS` are of a molecule, shape (drugs,)."""
    return np.asarray(c.MOLECULES.index(molecule) == MOLECULE)


def beside(status: Status, mechanism: str) -> BoolArray:
    """Who takes another drug of a mechanism, shape (..., 1)."""
    return np.isin(COMEDICATIONS, MECHANISMS[mechanism])[status.comedication][..., None]


APIXABAN, RIVAROXABAN, DABIGATRAN, EDOXABAN = (
    is_drug(name) for name in ("apixaban", "rivaroxaban", "dabigatran", "edoxaban")
)


def apixaban_halved(status: Status) -> BoolArray:
    """Who has two of the three criteria, shape (...)."""
    met = ((status.age >= OLD), (status.weight <= LIGHT), (status.creatinine >= CREATININE))
    return np.asarray(sum(np.asarray(one, dtype=int) for one in met) >= OF_THREE)


def label_drug(status: Status) -> IntArray:
    """Which of `DRUGS` is each molecule at the label's dose, shape (..., molecules)."""
    crcl = status.crcl
    halved = apixaban_halved(status) | beside(status, "strong CYP3A and P-gp inhibitor")[..., 0]
    low = (crcl <= DABIGATRAN_REDUCED) | ((crcl <= DABIGATRAN_BESIDE) & beside(status, "halves dabigatran")[..., 0])

    def choose(reduced: BoolArray, to: str, standard: str) -> IntArray:
        return np.where(reduced, c.DRUGS.index(to), c.DRUGS.index(standard))

    found = (
        np.full(crcl.shape, NONE),
        np.full(crcl.shape, WARFARIN),
        choose(halved, "apixaban_2.5", "apixaban_5"),
        choose(crcl <= RIVAROXABAN_REDUCED, "rivaroxaban_15", "rivaroxaban_20"),
        choose(low, "dabigatran_75", "dabigatran_150"),
        choose(crcl <= EDOXABAN_REDUCED, "edoxaban_30", "edoxaban_60"),
    )
    return np.stack(np.broadcast_arrays(*found), axis=-1)


def _clearance(status: Status) -> IntArray:
    return np.asarray(status.crcl[..., None])


def _wrong_dose(status: Status) -> BoolArray:
    """A dose that is not the label's; where kidneys forbid a drug there is none."""
    meant = label_drug(status)[..., MOLECULE]
    return np.asarray((meant != np.arange(len(c.DRUGS))) & ~_by_kidneys(status))


def _by_kidneys(status: Status) -> BoolArray:
    crcl = _clearance(status)
    edoxaban = (crcl < EDOXABAN_LEAST) | (crcl > EDOXABAN_MOST)
    return np.asarray((DABIGATRAN & (crcl < DABIGATRAN_LEAST)) | (EDOXABAN & edoxaban))


def _risk(status: Status) -> IntArray:
    """CHA2DS2-VASc without the point for sex; with a valve always enough."""
    alone = status.cha2ds2_vasc - np.asarray(status.female, dtype=np.int64)
    return np.asarray(np.where(status.valve != NO_VALVE, TREATED_FROM, alone)[..., None])


def _bleeds(status: Status) -> BoolArray:
    return np.asarray((status.bleeding == ACTIVE_BLEEDING)[..., None])


def _none_though_indicated(status: Status) -> BoolArray:
    return np.asarray((MOLECULE == NONE) & (_risk(status) >= TREATED_FROM) & ~_bleeds(status))


def _warfarin_though_doac(status: Status) -> BoolArray:
    first = (rule for rule in RULES if rule.kind in (Kind.CONTRAINDICATION, Kind.INTERACTION, Kind.DOSE))
    against = np.logical_or.reduce(np.broadcast_arrays(*(rule.breaks(status) for rule in first)))
    suitable = (~against & IS_DOAC).any(axis=-1, keepdims=True)
    return np.asarray((MOLECULE == WARFARIN) & suitable)


def _held(status: Status) -> tuple[BoolArray, IntArray]:
    """Whether days left out matter, shape (..., drugs, 1), and how many are needed."""
    needed = days_to_hold(status)[..., None]
    return needed > 0, needed


RULES: tuple[Rule, ...] = (
    Rule(
        "active-bleeding", Kind.CONTRAINDICATION, "no anticoagulant while a major bleeding goes on",
        lambda s: (MOLECULE != NONE) & _bleeds(s),
    ),
    Rule(
        "valve", Kind.CONTRAINDICATION, "no DOAC with a mechanical valve or moderate to severe mitral stenosis",
        lambda s: IS_DOAC & (s.valve != NO_VALVE)[..., None],
    ),
    Rule(
        "liver", Kind.CONTRAINDICATION,
        "no DOAC in severe liver disease, and neither rivaroxaban nor edoxaban in moderate",
        lambda s: (IS_DOAC & (s.liver == 2)[..., None]) | ((RIVAROXABAN | EDOXABAN) & (s.liver == 1)[..., None]),
    ),
    Rule(
        "kidneys", Kind.CONTRAINDICATION,
        f"no dabigatran below a clearance of {DABIGATRAN_LEAST:g} mL/min, no edoxaban below {EDOXABAN_LEAST:g} or "
        f"above {EDOXABAN_MOST:g}",
        _by_kidneys,
    ),
    Rule(
        "inducer", Kind.INTERACTION, "no DOAC beside rifampicin or carbamazepine",
        lambda s: IS_DOAC & beside(s, "CYP3A and P-gp inducer"),
    ),
    Rule(
        "strong-inhibitor", Kind.INTERACTION,
        "beside ketoconazole no rivaroxaban, and no apixaban in patients whose dose is 2.5 mg without it",
        lambda s: (RIVAROXABAN | (APIXABAN & apixaban_halved(s)[..., None]))
        & beside(s, "strong CYP3A and P-gp inhibitor"),
    ),
    Rule(
        "moderate-inhibitor", Kind.INTERACTION,
        f"no rivaroxaban beside verapamil or dronedarone below a clearance of {RIVAROXABAN_BESIDE:g} mL/min",
        lambda s: RIVAROXABAN
        & beside(s, "moderate CYP3A and P-gp inhibitor")
        & (_clearance(s) < RIVAROXABAN_BESIDE),
    ),
    Rule(
        "p-gp-inhibitor", Kind.INTERACTION,
        f"no dabigatran beside an inhibitor of P-gp below a clearance of {DABIGATRAN_REDUCED:g} mL/min",
        lambda s: DABIGATRAN & beside(s, "P-gp inhibitor") & (_clearance(s) < DABIGATRAN_REDUCED),
    ),
    Rule("label-dose", Kind.DOSE, "not the dose of the label for this patient", _wrong_dose),
    Rule(
        "indicated", Kind.INDICATION, "anticoagulation is indicated, and nothing speaks against it",
        _none_though_indicated,
    ),
    Rule(
        "not-indicated", Kind.INDICATION, "anticoagulation is not indicated at this risk of stroke",
        lambda s: (MOLECULE != NONE) & (_risk(s) <= UNTREATED_UP_TO),
    ),
    Rule(
        "doac-preferred", Kind.INDICATION, "a DOAC is suitable, and preferred to warfarin", _warfarin_though_doac
    ),
    Rule(
        "held-too-short", Kind.HOLD, "left out too few days before the procedure",
        lambda s: _held(s)[0] & (_held(s)[1] > HOLDS),
    ),
    Rule(
        "held-too-long", Kind.HOLD, "left out more days before the procedure than it needs",
        lambda s: _held(s)[0] & (_held(s)[1] + SLACK < HOLDS),
    ),
)  # fmt: skip


def broken(status: Status, *kinds: Kind) -> BoolArray:
    """Which orders break any rule of some kinds (of all without), shape (..., drugs, holds)."""
    wanted = [rule for rule in RULES if not kinds or rule.kind in kinds]
    shape = (*np.broadcast_shapes(*(v.shape for v in vars(status).values())), len(c.DRUGS), len(HOLDS))
    found = np.zeros(shape, dtype=np.bool_)
    for rule in wanted:
        against = rule.breaks(status)
        found |= against if rule.kind is Kind.HOLD else against[..., None]
    return found


def reasons(status: Status, drug: int, hold: int) -> tuple[Rule, ...]:
    """The rules that one order for one patient breaks; `status` has the shape (1,)."""
    found = []
    for rule in RULES:
        against = rule.breaks(status)
        if against[0, drug, hold] if rule.kind is Kind.HOLD else against[0, drug]:
            found.append(rule)
    return tuple(found)
