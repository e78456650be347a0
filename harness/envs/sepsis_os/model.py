"""The tabular MDP that the rules amount to, by products of the four vital signs' conditional distributions.

States and actions have their published indices (`State.get_state_idx('full')`, `Action.get_action_idx`): a state is
(diabetic, heart rate, pressure, oxygen, glucose, antibiotics, vasopressor, ventilation), the last varying fastest, and
an action is 4 antibiotics + 2 ventilation + vasopressor. Nothing is sampled.

Tang et al. (2022) made the same matrix of the corrected simulator as a product of 1440 x 1440 matrices; entries that
they printed and their optimum from another first state are reproduced (tests/envs/test_sepsis_os.py).

References
----------
Tang, Makar, Sjoding, Doshi-Velez, Wiens: Leveraging Factored Action Spaces for Efficient Offline Reinforcement Learning
in Healthcare. NeurIPS 2022; code: github.com/MLD3/OfflineRL_FactoredActions.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from harness.envs.sepsis_os import rules
from harness.envs.sepsis_os.rules import Glucose
from harness.mdp.build import from_arrays
from harness.mdp.tabular import BoolArray, FloatArray, IntArray, TabularMDP

SHAPE = (2, 3, 3, 2, 5, 2, 2, 2)
N_STATES, N_ACTIONS = 1440, 8
N_SEEN = N_STATES // 2
"""States that differ in what can be seen, i.e. in anything but diabetes; `state % N_SEEN` is what is seen."""

VITALS, TREATMENTS = 3 * 3 * 2 * 5, 2 * 2 * 2

DIABETIC, HEART_RATE, PRESSURE, OXYGEN, GLUCOSE, ANTIBIOTICS, VASOPRESSOR, VENTILATION = np.indices(SHAPE).reshape(
    8, -1
)
"""Level of each variable in every state, shape (1440,)."""

GIVE_ANTIBIOTICS, GIVE_VENTILATION, GIVE_VASOPRESSOR = np.indices((2, 2, 2)).reshape(3, -1)
"""What each action gives, shape (8,)."""


def abnormal() -> IntArray:
    """How many vital signs are abnormal in every state, shape (1440,)."""
    signs = (HEART_RATE != rules.NORMAL, PRESSURE != rules.NORMAL, OXYGEN != rules.NORMAL)
    return np.asarray(np.sum((*signs, rules.NORMAL_GLUCOSE != GLUCOSE), axis=0), dtype=np.int64)


DEAD: BoolArray = abnormal() >= rules.ABNORMAL_IS_DEATH
DISCHARGED: BoolArray = (abnormal() == 0) & ~(ANTIBIOTICS | VASOPRESSOR | VENTILATION).astype(np.bool_)
TERMINAL: BoolArray = DEAD | DISCHARGED
"""The states that end an episode: 832 deaths and 2 discharges. Decisions are left in 606."""


def start() -> FloatArray:
    """Exact distribution of the first state, shape (1440,).

    Drawing until the draw is no terminal state is conditioning on that. It takes the diabetics from 20 % to 19.0 %.
    """
    glucose = np.array(rules.START_GLUCOSE)[DIABETIC, GLUCOSE]
    draw = np.array([1 - rules.DIABETES, rules.DIABETES])[DIABETIC] * glucose
    for probabilities, level in (
        (rules.START_HEART_RATE, HEART_RATE),
        (rules.START_PRESSURE, PRESSURE),
        (rules.START_OXYGEN, OXYGEN),
    ):
        draw = draw * np.array(probabilities)[level]
    kept = np.where(TERMINAL | (ANTIBIOTICS | VASOPRESSOR | VENTILATION).astype(np.bool_), 0.0, draw)
    return np.asarray(kept / kept.sum(), dtype=np.float64)


def transitions(glucose: Glucose) -> FloatArray:
    """P(s' | s, a), shape (1440, 8, 1440); in terminal states, what the rules would go on to do."""
    diabetic, on, was_on = DIABETIC[:, None], GIVE_ANTIBIOTICS, ANTIBIOTICS[:, None]
    vaso_on, vaso_was_on = GIVE_VASOPRESSOR, VASOPRESSOR[:, None]
    heart_rate = _heart_rate()[was_on, on, HEART_RATE[:, None]]
    pressure = _pressure()[diabetic, was_on, on, vaso_was_on, vaso_on, PRESSURE[:, None]]
    oxygen = _oxygen()[VENTILATION[:, None], GIVE_VENTILATION, OXYGEN[:, None]]
    sugar = _glucose(glucose)[diabetic, vaso_on, GLUCOSE[:, None]]
    vitals = np.einsum("sah,sap,sao,sag->sahpog", heart_rate, pressure, oxygen, sugar)
    P = np.zeros((N_STATES, N_ACTIONS, 2, VITALS, TREATMENTS))
    running = 4 * GIVE_ANTIBIOTICS + 2 * GIVE_VASOPRESSOR + GIVE_VENTILATION
    P[np.arange(N_STATES)[:, None], np.arange(N_ACTIONS), diabetic, :, running] = vitals.reshape(
        N_STATES, N_ACTIONS, VITALS
    )
    return P.reshape(N_STATES, N_ACTIONS, N_STATES)


def _course(given: FloatArray, withdrawn: FloatArray, left_alone: FloatArray) -> FloatArray:
    """What becomes of a vital sign by [whether the treatment ran, whether it is given, level before, level after]."""
    return np.array([[left_alone, given], [withdrawn, given]])


def _heart_rate() -> FloatArray:
    """By [antibiotics ran, antibiotics given, before, after]."""
    return _course(rules.ANTIBIOTICS_GIVEN, rules.ANTIBIOTICS_WITHDRAWN, rules.fluctuation(3, rules.FLUCTUATION))


def _oxygen() -> FloatArray:
    """By [ventilation ran, ventilation given, before, after]."""
    return _course(rules.VENTILATION_GIVEN, rules.VENTILATION_WITHDRAWN, rules.fluctuation(2, rules.FLUCTUATION))


def _pressure() -> FloatArray:
    """By [diabetes, antibiotics ran, antibiotics given, vasopressor ran, vasopressor given, before, after]."""
    antibiotics = _course(rules.ANTIBIOTICS_GIVEN, rules.ANTIBIOTICS_WITHDRAWN, np.eye(3))
    found = []
    for given, withdrawn in zip(rules.VASOPRESSOR_GIVEN, rules.VASOPRESSOR_WITHDRAWN, strict=True):
        both = antibiotics[:, :, None, None] @ _course(given, withdrawn, np.eye(3))
        both[0, 0, 0, 0] = rules.fluctuation(3, rules.FLUCTUATION)  # neither ran, neither is given
        found.append(both)
    return np.array(found)


def _glucose(behaviour: Glucose) -> FloatArray:
    """By [diabetes, vasopressor given, before, after]."""
    return np.stack([rules.GLUCOSE_FLUCTUATION[behaviour], rules.VASOPRESSOR_GIVEN_GLUCOSE], axis=1)


@lru_cache(maxsize=2)
def mdp(glucose: Glucose) -> TabularMDP:
    """The MDP with one of the two behaviours of glucose; a terminal state pays when it is entered."""
    entering = np.where(DEAD, rules.DEATH_REWARD, np.where(DISCHARGED, rules.DISCHARGE_REWARD, 0.0))
    return from_arrays(
        transitions(glucose),
        np.broadcast_to(entering, (N_STATES, N_ACTIONS, N_STATES)),
        start(),
        terminal=TERMINAL,
        discount=rules.DISCOUNT,
    )
