"""From doses to INR: the K-PD model of Hamberg et al. (2010), a day at a time, arrays over patients.

S-warfarin is in one compartment that empties at the rate CL / V. Its concentration inhibits the synthesis of clotting
factors by E = C^γ / (EC50^γ + C^γ), and the inhibition goes through two chains of three compartments, a fast and a
slow one. With the ends of the chains x and y (0 without warfarin, 1 when all synthesis stops),
INR = BASE + 20 (x + y) / 2.

The chains are linear: a day's step is one matrix, and the inhibition of the day enters by Gauss-Legendre quadrature at
three hours of it. A dose is absorbed at once (published: half of it in 21 minutes). Both together change an INR by less
than 0.02, which the tests check against the differential equations.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from harness.envs.anticoagulation.warfarin import constants as c
from harness.mdp.tabular import BoolArray, FloatArray, IntArray

Which = IntArray | BoolArray

HOURS = 24.0
NODES = 3
"""Hours of a day at which the inhibition is evaluated."""

STATES = len(c.TRANSIT_TIMES) * c.COMPARTMENTS


@dataclass(frozen=True, eq=False)
class Pharmacology:
    """What the model needs of n patients.

    Attributes
    ----------
    clearance : float array, shape (n,)
        Of S-warfarin, L/h.
    volume : float array, shape (n,)
        L.
    ec50 : float array, shape (n,)
        Of S-warfarin, mg/L, without drift.
    """

    clearance: FloatArray
    volume: FloatArray
    ec50: FloatArray

    def __getitem__(self, who: Which) -> Pharmacology:
        """Some of the patients."""
        return Pharmacology(*(values[who] for values in (self.clearance, self.volume, self.ec50)))

    def kinetics(self) -> Kinetics:
        """The same, ready to be simulated."""
        rate = self.clearance / self.volume
        sensitivity = (self.volume * self.ec50) ** -c.HILL
        hours = _day()[0]
        return Kinetics(np.exp(-HOURS * rate), sensitivity[:, None] * np.exp(-c.HILL * rate[:, None] * hours))


@dataclass(frozen=True, eq=False)
class Kinetics:
    """What is left of the drug after a day, (n,), and what an amount does at each node of the day, (n, NODES)."""

    left: FloatArray
    sensitivity: FloatArray

    def __getitem__(self, who: Which) -> Kinetics:
        """Some of the patients."""
        return Kinetics(self.left[who], self.sensitivity[who])


@dataclass(frozen=True, eq=False)
class State:
    """Where n patients are, just before a day's dose.

    Attributes
    ----------
    amount : float array, shape (n,)
        S-warfarin in the body, mg.
    chains : float array, shape (n, 6)
        Inhibition in each compartment: the fast chain, then the slow one.
    """

    amount: FloatArray
    chains: FloatArray

    def __getitem__(self, who: Which) -> State:
        """Some of the patients."""
        return State(self.amount[who], self.chains[who])

    @property
    def inr(self) -> FloatArray:
        """INR, shape (n,)."""
        ends = self.chains[:, c.COMPARTMENTS - 1] + self.chains[:, STATES - 1]
        return np.asarray(c.BASE_INR + c.INR_MAX / 2 * ends)


def untreated(n: int) -> State:
    """`n` patients who never took warfarin."""
    return State(np.zeros(n), np.zeros((n, STATES)))


def after_a_day(state: State, kinetics: Kinetics, dose: FloatArray, drift: FloatArray) -> State:
    """The state a day later.

    Parameters
    ----------
    state : State
    kinetics : Kinetics
    dose : float array, shape (n,)
        Racemic warfarin taken at the beginning of the day, mg.
    drift : float array, shape (n,), or (1,) for all alike
        Of log EC50, that day.
    """
    amount = state.amount + c.S_SHARE * dose
    _, _, step, entry = _day()
    return State(amount * kinetics.left, state.chains @ step + _inhibition(amount, kinetics, drift) @ entry)


def _inhibition(amount: FloatArray, kinetics: Kinetics, drift: FloatArray) -> FloatArray:
    """Inhibition of synthesis at each node of a day that begins with `amount`, shape (n, NODES)."""
    ratio = (amount * np.exp(-drift)) ** c.HILL
    odds = ratio[:, None] * kinetics.sensitivity
    return np.asarray(odds / (1.0 + odds))


@lru_cache(maxsize=1)
def _day() -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Hours of the nodes (3,), hours that each stands for (3,), the chains' step (6, 6), what enters them (3, 6)."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    hours, weights = HOURS * (nodes + 1) / 2, HOURS * weights / 2
    step, entry = np.zeros((STATES, STATES)), np.zeros((NODES, STATES))
    for i, time in enumerate(c.TRANSIT_TIMES):
        rate = c.COMPARTMENTS / time
        block = slice(i * c.COMPARTMENTS, (i + 1) * c.COMPARTMENTS)
        step[block, block] = _passed(rate, HOURS)
        for j in range(NODES):
            entry[j, block] = weights[j] * rate * _passed(rate, HOURS - hours[j])[0]
    return hours, weights, step, entry


def _passed(rate: float, hours: float) -> FloatArray:
    """What of each of three compartments in a row (rows) is in each (columns) after some hours: exp(A t)."""
    q = rate * hours
    return np.asarray(np.exp(-q) * np.array([[1.0, q, q * q / 2], [0.0, 1.0, q], [0.0, 0.0, 1.0]]))


# --------------------------------------------------------------------------- steady states


def maintenance_dose(pharmacology: Pharmacology, inr: FloatArray | float = c.TARGET) -> FloatArray:
    """Racemic mg a day that holds an INR without drift, shape (n,).

    Notes
    -----
    `2 * 24 * CL * EC50 * (E / (1 - E))^(1/γ)` with `E = (INR - BASE) / 20`: the inhibition of the mean concentration.
    It misses the INR of a dose once a day by less than 0.02.
    """
    effect = (np.asarray(inr) - c.BASE_INR) / c.INR_MAX
    concentration = pharmacology.ec50 * (effect / (1 - effect)) ** (1 / c.HILL)
    return np.asarray(HOURS * pharmacology.clearance * concentration / c.S_SHARE)


def steady(kinetics: Kinetics, dose: FloatArray) -> State:
    """The state of patients who have always taken `dose`, racemic mg a day, and had no drift."""
    after_dose = c.S_SHARE * dose / (1 - kinetics.left)
    _, _, step, entry = _day()
    entered = _inhibition(after_dose, kinetics, np.zeros_like(dose)) @ entry
    chains = np.asarray(np.linalg.solve(np.eye(STATES) - step.T, entered.T).T, dtype=np.float64)
    return State(after_dose * kinetics.left, chains)


def steady_inr(kinetics: Kinetics, dose: FloatArray, drift: FloatArray) -> FloatArray:
    """The INR that doses (racemic mg a day) lead to under a drift that stays, averaged over the day; shape (n,)."""
    inhibition = _inhibition(c.S_SHARE * dose / (1 - kinetics.left), kinetics, drift)
    return np.asarray(c.BASE_INR + c.INR_MAX / HOURS * (inhibition @ _day()[1]))


_REWARD_EDGES = np.array(
    [c.FAR_BELOW, c.LOW, *(np.nextafter(limit, np.inf) for limit in (c.HIGH, c.FAR_ABOVE, c.DANGEROUS))]
)
_REWARDS = np.array(
    [c.REWARD_FAR_BELOW, c.REWARD_NEAR, c.REWARD_WITHIN, c.REWARD_NEAR, c.REWARD_FAR_ABOVE, c.REWARD_DANGEROUS]
)


def reward(inr: FloatArray) -> FloatArray:
    """Reward of days with these INRs."""
    return np.asarray(_REWARDS[np.searchsorted(_REWARD_EDGES, inr, side="right")])
