"""The rules of the sepsis simulator of Oberst and Sontag (2019), as data.

Facts from the published code, github.com/clinicalml/gumbel-max-scm, folder sepsisSimDiabetes: branch `master` at
7aa8ce4 (the paper's) and branch `sim-v2` at 854229e (corrected). The source of each number is the method of `MDP.py`
named beside it. All numbers are published; none was fitted here.

A decision is followed by four moves, in this order, each from where the one before it left the vital sign:

1. antibiotics given (every time, also if they ran before), or withdrawn if they ran;
2. ventilation likewise;
3. vasopressor likewise;
4. fluctuation of what was left alone: heart rate and blood pressure if antibiotics neither run nor were withdrawn,
   blood pressure only if the same holds of the vasopressor, oxygen if it holds of ventilation, and glucose unless a
   vasopressor is given (also in a patient without diabetes, whose glucose it does not raise).

Every draw concerns one vital sign, so given state and action the four are independent.

The bug: in the original, a fluctuation that should raise the glucose of a patient without diabetes by one level sets
it to `min(1, level + 1)` (level 2 is normal), so from any level but the lowest to "low". Glucose then never rises above
low again, and who has lost normal glucose downwards is never discharged. It was reported as issue 1 of the repository
(2 February 2020). `sim-v2` has `min(4, level + 1)` there, and `MDP.py` of the two branches differ in nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import numpy as np

from harness.mdp.tabular import FloatArray

LOW, NORMAL, HIGH = 0, 1, 2
"""Levels of heart rate and systolic pressure; oxygen saturation has the first two (`State.get_num_abnormal`)."""

HEART_RATE = ("low", "normal", "high")
PRESSURE = ("low", "normal", "high")
OXYGEN = ("low", "normal")
GLUCOSE = ("very low", "low", "normal", "high", "very high")
NORMAL_GLUCOSE = 2
"""Every other level counts as abnormal in the code, "low" and "high" too; a comment in `State.py` says otherwise."""

ABNORMAL_IS_DEATH = 3
"""With this many abnormal vital signs the patient dies. With none, and no treatment running, the patient is
discharged (`State.check_absorbing_state`)."""

DEATH_REWARD, DISCHARGE_REWARD = -1.0, 1.0
"""Paid on entering such a state; every other reward is 0 (`calculateReward`)."""

DISCOUNT = 0.99
"""Discount at which the paper's policies were computed (`DISCOUNT_Pol` in plots-main-paper.ipynb; the same notebook
adds up returns undiscounted)."""

# --------------------------------------------------------------------------- the first state: `generate_random_state`

DIABETES = 0.2
"""Prevalence before rejection (`p_diabetes`)."""

START_HEART_RATE = (0.25, 0.5, 0.25)
START_PRESSURE = (0.25, 0.5, 0.25)
START_OXYGEN = (0.2, 0.8)
START_GLUCOSE = ((0.05, 0.15, 0.6, 0.15, 0.05), (0.01, 0.05, 0.15, 0.6, 0.19))
"""Without and with diabetes. No treatment runs at first. A draw that is a death or a discharge is thrown away and all
of it drawn anew, diabetes included (`get_new_state`)."""


# --------------------------------------------------------------------------- moves of one vital sign


class Glucose(StrEnum):
    """Which published behaviour of glucose."""

    CORRECTED = "corrected"
    """Branch `sim-v2`."""
    ORIGINAL = "original"
    """Branch `master`, the paper's, with the bug."""


def moves(levels: int, jumps: Mapping[tuple[int, int], float]) -> FloatArray:
    """Transition matrix of a vital sign that jumps (from, to) with the given probabilities and else stays.

    >>> moves(2, {(0, 1): 0.75})
    array([[0.25, 0.75],
           [0.  , 1.  ]])
    """
    matrix = np.zeros((levels, levels))
    for (before, after), probability in jumps.items():
        matrix[before, after] += probability
    matrix[np.diag_indices(levels)] += 1.0 - matrix.sum(axis=1)
    return matrix


def fluctuation(levels: int, probability: float) -> FloatArray:
    """One level down, and one up, with `probability` each; a step over the end leaves the level as it is."""
    down = {(i, i - 1): probability for i in range(1, levels)}
    up = {(i, i + 1): probability for i in range(levels - 1)}
    return moves(levels, down | up)


ANTIBIOTICS_GIVEN = moves(3, {(HIGH, NORMAL): 0.5})
"""Heart rate, and independently systolic pressure (`transition_antibiotics_on`)."""

ANTIBIOTICS_WITHDRAWN = moves(3, {(NORMAL, HIGH): 0.1})
"""Heart rate, and independently systolic pressure (`transition_antibiotics_off`)."""

VENTILATION_GIVEN = moves(2, {(LOW, NORMAL): 0.7})
"""Oxygen saturation (`transition_vent_on`)."""

VENTILATION_WITHDRAWN = moves(2, {(NORMAL, LOW): 0.1})
"""Oxygen saturation (`transition_vent_off`)."""

VASOPRESSOR_GIVEN = (
    moves(3, {(LOW, NORMAL): 0.7, (NORMAL, HIGH): 0.7}),
    moves(3, {(LOW, NORMAL): 0.5, (LOW, HIGH): 0.4, (NORMAL, HIGH): 0.9}),
)
"""Systolic pressure without and with diabetes (`transition_vaso_on`)."""

VASOPRESSOR_GIVEN_GLUCOSE = (moves(5, {}), moves(5, {(i, i + 1): 0.5 for i in range(4)}))
"""Glucose without and with diabetes (`transition_vaso_on`)."""

VASOPRESSOR_WITHDRAWN = (
    moves(3, {(NORMAL, LOW): 0.1, (HIGH, NORMAL): 0.1}),
    moves(3, {(NORMAL, LOW): 0.05, (HIGH, NORMAL): 0.05}),
)
"""Systolic pressure without and with diabetes (`transition_vaso_off`)."""

FLUCTUATION = 0.1
"""Chance of a step down, and of a step up, of heart rate, pressure and oxygen (`transition_fluctuate`)."""

GLUCOSE_FLUCTUATION = {
    Glucose.CORRECTED: (fluctuation(5, 0.1), fluctuation(5, 0.3)),
    Glucose.ORIGINAL: (
        moves(5, {(0, 1): 0.1, (1, 0): 0.1, (2, 1): 0.2, (3, 2): 0.1, (3, 1): 0.1, (4, 3): 0.1, (4, 1): 0.1}),
        fluctuation(5, 0.3),
    ),
}
"""Glucose without and with diabetes (`transition_fluctuate`)."""
