"""How a patient with DIC fares in six hours: arrays over patients.

A hidden drive consumes platelets, fibrinogen and clotting factors, and damages organs by clots in small vessels;
bleeding loses the same three. Within a step the drive and whether a patient bleeds stand still, so that everything
relaxes exponentially towards where it would settle, exactly.

The structure and nearly all numbers are assumed (`constants.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from harness.envs.anticoagulation.dic import constants as c
from harness.envs.anticoagulation.dic.actions import DRUG_OF, GIVES_CRYO, GIVES_PLASMA, GIVES_PLATELETS, TREATS_CAUSE
from harness.mdp.tabular import BoolArray, FloatArray, IntArray

Which = IntArray | BoolArray | slice

H = c.STEP_HOURS
KEEPS_UNTREATED = float(np.exp(-H / c.UNTREATED_HOURS))
KEEPS_VOLUME = float(np.exp(-H / c.KEPT_HOURS))
KEEPS_ORGANS = float(np.exp(-H * c.ORGANS_HEALED))
KEEPS_D_DIMER = float(np.exp(-H * c.D_DIMER_CLEARED))
THROMBOSIS, KEEPS_LYSIS = np.array(c.THROMBOSIS), np.exp(-H / np.array(c.FIBRINOLYSIS_HOURS))
CANCER = c.CAUSES.index("cancer")
LEUKAEMIA = c.CAUSES.index("leukaemia")
CONSUMES = 1.0 - np.array(c.CONSUMPTION_SPARED)
DAMAGES = 1.0 - np.where(np.arange(len(c.CAUSES))[:, None] == CANCER, c.ORGANS_SPARED_CANCER, c.ORGANS_SPARED)
ONSET_BY_DRUG, STOP_BY_DRUG = np.array(c.HEPARIN_ONSET), np.array(c.HEPARIN_STOP)
TXA = c.DRUGS.index("txa")


@dataclass(frozen=True, eq=False)
class State:
    """n patients at one time, also what cannot be seen.

    Attributes
    ----------
    cause : int array, shape (n,)
        Place in `constants.CAUSES`.
    keeps : float array, shape (n,)
        Share of the drive that is left after a step once the cause is treated.
    treated : bool array, shape (n,)
        Whether the cause is.
    drive : float array, shape (n,)
    platelets, fibrinogen, factors, d_dimer : float array, shape (n,)
        10^9/L, g/L, percent, mg/L.
    lysis : float array, shape (n,)
        Excess fibrinolysis, 1 at most.
    organs : float array, shape (n,)
        Organ failure, from 0 to 1.
    volume : float array, shape (n,)
        Litres of components in the circulation.
    bleeding : bool array, shape (n,)
    alive : float array, shape (n,)
        Probability to have lived until now.
    """

    cause: IntArray
    keeps: FloatArray
    treated: BoolArray
    drive: FloatArray
    platelets: FloatArray
    fibrinogen: FloatArray
    factors: FloatArray
    d_dimer: FloatArray
    lysis: FloatArray
    organs: FloatArray
    volume: FloatArray
    bleeding: BoolArray
    alive: FloatArray

    def __len__(self) -> int:
        return len(self.cause)

    def __getitem__(self, which: Which) -> State:
        """Some of the patients."""
        return State(**{f.name: getattr(self, f.name)[which] for f in fields(self)})


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of n patients within a step, each shape (n,).

    Attributes
    ----------
    after : State
        With whether they bled before; `bleed` draws whether they do now.
    bleeds : float array
        Probability to bleed at the end of the step.
    death, overload : float array
        Probability of each within the step, for who was alive.
    units : int array
        Bags of components given.
    reward : float array
        Minus what bleeding, components and overload cost, weighted by `alive`; survival is counted at the end.
    """

    after: State
    bleeds: FloatArray
    death: FloatArray
    overload: FloatArray
    units: IntArray
    reward: FloatArray

    def bleed(self, chance: FloatArray) -> State:
        """The state at the end of the step, bleeding where a uniform number lies below its probability."""
        return _with_bleeding(self.after, chance < self.bleeds)

    def either(self, value: Callable[[State], FloatArray]) -> FloatArray:
        """Mean of a value of states over whether the patients bleed."""
        n = len(self.after)
        yes, no = np.ones(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
        bleeding, not_bleeding = value(_with_bleeding(self.after, yes)), value(_with_bleeding(self.after, no))
        return self.bleeds * bleeding + (1 - self.bleeds) * not_bleeding


def _with_bleeding(state: State, bleeding: BoolArray) -> State:
    return State(**{**vars(state), "bleeding": bleeding})


def prothrombin_time(factors: FloatArray) -> FloatArray:
    """Seconds, of clotting factors in percent of normal."""
    return np.asarray(c.PT_NORMAL * (100.0 / factors) ** c.PT_EXPONENT)


def step(state: State, orders: IntArray) -> Outcome:
    """Six hours after some orders, places in `actions.ACTIONS`, shape (n,). Components are given at once."""
    s, drug, bleeding = state, DRUG_OF[orders], state.bleeding
    platelets_given, plasma_given, cryo_given = GIVES_PLATELETS[orders], GIVES_PLASMA[orders], GIVES_CRYO[orders]
    treated = s.treated | TREATS_CAUSE[orders]
    worth = 1.0 / (1.0 + c.RECOVERY_LOST * s.drive)
    platelets = s.platelets + c.PLATELET_RISE * worth * platelets_given
    fibrinogen = s.fibrinogen + worth * (c.CRYO_RISE * cryo_given + c.PLASMA_FIBRINOGEN * plasma_given)
    factors = s.factors + c.PLASMA_FACTORS * plasma_given
    lysis = s.lysis * np.where(drug == TXA, c.TXA_LYSIS_LEFT, 1.0)

    consumed = s.drive * CONSUMES[drug]
    lost = [consumes * consumed + bleeds * bleeding for consumes, bleeds in zip(c.CONSUMED, c.BLED, strict=True)]
    platelets = _settled(platelets, c.PLATELETS_NORMAL, c.PLATELETS_HOURS, lost[0])
    fibrinogen = _settled(fibrinogen, c.FIBRINOGEN_NORMAL, c.FIBRINOGEN_HOURS, lost[1] + c.LYSED * lysis)
    factors = _settled(factors, c.FACTORS_NORMAL, c.FACTORS_HOURS, lost[2])
    made = c.D_DIMER_MADE / c.D_DIMER_CLEARED * s.drive * fibrinogen
    d_dimer = made + (s.d_dimer - made) * KEEPS_D_DIMER

    litres = c.LITRES["platelets"] * platelets_given + c.LITRES["plasma"] * plasma_given + c.LITRES["cryo"] * cryo_given
    volume = s.volume * KEEPS_VOLUME + litres * np.where(bleeding, c.KEPT_BLEEDING, 1.0)
    overload = 1.0 - np.exp(-c.OVERLOAD_RATE * np.maximum(volume - c.OVERLOAD_FROM, 0.0))
    settles = c.ORGANS_DAMAGED / c.ORGANS_HEALED * THROMBOSIS[s.cause] * DAMAGES[s.cause, drug] * s.drive
    organs = settles + (s.organs - settles) * KEEPS_ORGANS
    harm = c.FUEL * s.drive * ((litres > 0.0) & ~bleeding) + c.OVERLOAD_ORGANS * overload
    harm += c.TXA_ORGANS * s.drive * (drug == TXA) * (1.0 - s.lysis)
    organs = np.minimum(organs + harm * (1.0 - organs), 1.0)

    death = 1.0 - np.exp(-hazard(s.organs, bleeding))
    units = c.UNITS["platelets"] * platelets_given + c.UNITS["plasma"] * plasma_given + c.UNITS["cryo"] * cryo_given
    bleeding_days = H / 24.0 * bleeding
    cost = c.COST_BLEEDING_DAY * bleeding_days + c.COST_UNIT * units + c.COST_OVERLOAD * overload
    keeps = np.where(treated, s.keeps, KEEPS_UNTREATED)
    lysis_kept = KEEPS_LYSIS[s.cause] * np.where(treated & (s.cause == LEUKAEMIA), s.keeps, 1.0)
    after = State(
        s.cause, s.keeps, treated, s.drive * keeps, platelets, fibrinogen, factors, d_dimer, s.lysis * lysis_kept,
        organs, volume, bleeding, s.alive * (1.0 - death),
    )  # fmt: skip
    return Outcome(after, _bleeds(after, lysis, drug), death, overload, units, -s.alive * cost)


def _settled(x: FloatArray, normal: float, hours: float, lost: FloatArray) -> FloatArray:
    """What x is after a step that tends to `normal` within `hours` and of which a share `lost` goes every hour."""
    rate = 1.0 / hours + lost
    settles = normal / hours / rate
    return np.asarray(settles + (x - settles) * np.exp(-H * rate))


def _bleeds(s: State, lysis: FloatArray, drug: IntArray) -> FloatArray:
    """Probability to bleed at the end of a step, from who bled before it."""
    risks = (
        _between(s.platelets, *c.PLATELETS_RISKY),
        _between(s.fibrinogen, *c.FIBRINOGEN_RISKY),
        _between((100.0 / s.factors) ** c.PT_EXPONENT, *c.PT_RISKY),
    )
    odds = c.ONSET + sum(weight * risk for weight, risk in zip(c.ONSET_OF, risks, strict=True))
    odds = odds + c.ONSET_ORGANS * s.organs + c.ONSET_LYSIS * lysis + ONSET_BY_DRUG[drug]
    haemostasis = (1.0 - risks[0]) * (1.0 - risks[1]) * (1.0 - risks[2])
    stops = (c.STOP + c.STOP_HAEMOSTASIS * haemostasis) * STOP_BY_DRUG[drug] * (1.0 - c.STOP_LYSIS * lysis)
    return np.asarray(np.where(s.bleeding, 1.0 - stops, 1.0 / (1.0 + np.exp(-odds))))


def _between(x: FloatArray, begins: float, highest: float) -> FloatArray:
    """0 where a risk begins, 1 where it is highest, straight in between."""
    return np.clip((x - begins) / (highest - begins), 0.0, 1.0)


def hazard(organs: FloatArray, bleeding: BoolArray | float) -> FloatArray:
    """Hazard of death in a step, shape (n,)."""
    return np.asarray(np.exp(c.HAZARD + c.HAZARD_ORGANS * organs + c.HAZARD_BLEEDING * bleeding))


def survival(state: State) -> FloatArray:
    """Probability to live on day 28, from the end of the episode, shape (n,).

    By day: the drive and the organs go on as they do, nothing is given any more, and nobody bleeds.
    """
    keeps = np.where(state.treated, state.keeps, KEEPS_UNTREATED) ** (24.0 / H)
    heals = KEEPS_ORGANS ** (24.0 / H)
    drive, organs, total = state.drive, state.organs, np.zeros(len(state))
    for _ in range(c.FOLLOWED_DAYS - int(c.STEPS * H / 24.0)):
        total = total + 24.0 / H * hazard(organs, 0.0)
        settles = c.ORGANS_DAMAGED / c.ORGANS_HEALED * THROMBOSIS[state.cause] * drive
        organs = np.clip(settles + (organs - settles) * heals, 0.0, 1.0)
        drive = drive * keeps
    return np.asarray(state.alive * np.exp(-total))
