"""Patients of a population, each from named random streams of its own seed.

`patient` is who they are; `kidneys`, `other drugs` and `procedures` what happens to them by itself; `events` decides
which strokes and bleedings that are to be expected come about, and `bleeding` what a bleeding is like. Everything is
drawn for every quarter beforehand, so that two drugs can be compared in the very same patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.core.seeds import stream
from harness.envs.anticoagulation.doac import constants as c
from harness.envs.anticoagulation.doac import populations as p
from harness.envs.anticoagulation.doac.hazards import IS_DOAC, MOLECULE
from harness.envs.anticoagulation.doac.populations import CLINIC, Population
from harness.envs.anticoagulation.doac.rules import label_drug
from harness.envs.anticoagulation.doac.status import COMEDICATIONS, NO_BLEEDING, Status
from harness.envs.kidneys import cockcroft_gault
from harness.mdp.tabular import BoolArray, FloatArray, IntArray

UNIFORMS, NORMALS = 24, 4
EVENTS = 3
"""Uniform numbers of a quarter: stroke, major bleeding, non-major bleeding."""
DETAILS = 3

CREATININE = np.round(c.LOWEST_CREATININE * c.CREATININE_STEP ** np.arange(c.CREATININE_LEVELS), 2)
"""mg/dL of each level."""


@dataclass(frozen=True, eq=False)
class Patients:
    """Everything about n patients over T quarters, also what nobody can know.

    Attributes
    ----------
    entry : Status
        At the first visit, without its procedure.
    level : int array, shape (n,)
        Of creatinine, a place in `CREATININE`.
    kidney_disease, losing_weight : bool arrays, shape (n,)
        Chronic, as known at entry.
    drug : int array, shape (n,)
        What they came on, a place in `DRUGS`.
    kidneys, other_drugs : float arrays, shape (n, T)
        Uniform numbers that decide what happens after each visit.
    procedures : float array, shape (n, T)
        The same of what is planned at each visit.
    events : float array, shape (n, T, 3)
    bleeding : float array, shape (n, T, 3)
    """

    entry: Status
    level: IntArray
    kidney_disease: BoolArray
    losing_weight: BoolArray
    drug: IntArray
    kidneys: FloatArray
    other_drugs: FloatArray
    procedures: FloatArray
    events: FloatArray
    bleeding: FloatArray

    @property
    def quarters(self) -> int:
        """Decisions of an episode, T."""
        return int(self.kidneys.shape[1])

    def __len__(self) -> int:
        return len(self.level)


def draw(seeds: Sequence[int], population: Population = CLINIC, quarters: int = c.QUARTERS) -> Patients:
    """The patients of a population that belong to some seeds."""
    return of_numbers(numbers(seeds, quarters), population)


def numbers(seeds: Sequence[int], quarters: int = c.QUARTERS) -> dict[str, FloatArray]:
    """The random numbers of some seeds, by stream; the same make like patients in every population."""
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(("kidneys", "other drugs", "procedures"), (quarters,))
    shapes |= {"events": (quarters, EVENTS), "bleeding": (quarters, DETAILS)}
    found = {name: np.empty((len(seeds), *shape)) for name, shape in shapes.items()}
    found |= {"uniform": np.empty((len(seeds), UNIFORMS)), "normal": np.empty((len(seeds), NORMALS))}
    for i, seed in enumerate(seeds):
        who = stream(seed, "patient")
        found["uniform"][i], found["normal"][i] = who.random(UNIFORMS), who.standard_normal(NORMALS)
        for name, shape in shapes.items():
            found[name][i] = stream(seed, name).random(shape)
    return found


def of_numbers(drawn: dict[str, FloatArray], population: Population) -> Patients:
    """Random numbers made into patients of a population."""
    u, z = drawn["uniform"].T, drawn["normal"].T
    age = np.floor(np.clip(population.age + population.age_sd * z[0], population.youngest, p.OLDEST))
    female = u[0] < population.female
    weight = np.where(female, p.WOMEN_WEIGHT, p.MEN_WEIGHT) * np.exp(p.WEIGHT_SPREAD * z[1] - p.WEIGHT_SPREAD**2 / 2)
    weight = np.round(np.clip(weight + p.WEIGHT_PER_YEAR * (age - 70), p.LIGHTEST, p.HEAVIEST))
    diseased = np.where(u[8] < population.kidney_disease, _between(*p.KIDNEY_DISEASE, u[9]), 1.0)
    usual = np.where(female, p.WOMEN_CREATININE, p.MEN_CREATININE) * (1 + p.CREATININE_PER_YEAR * (age - 70))
    level = _level(population.creatinine * usual * diseased * np.exp(p.CREATININE_SPREAD * z[2]))
    for _ in range(len(CREATININE)):
        low = (cockcroft_gault(age, female, weight, CREATININE[level]) < population.least_crcl) & (level > 0)
        level = level - low
    systolic = np.minimum(p.SYSTOLIC_MEAN + p.SYSTOLIC_SD * z[3], 160.0)
    systolic = np.where(u[10] < population.high_pressure, _between(*p.HIGH_SYSTOLIC, u[11]), systolic)
    entry = Status(
        age=age,
        weight=weight,
        creatinine=CREATININE[level],
        systolic=np.asarray(np.round(systolic), dtype=np.float64),
        female=female,
        heart_failure=u[1] < population.heart_failure,
        hypertension=(u[2] < population.hypertension) | (systolic > 160.0),
        diabetes=u[3] < population.diabetes,
        vascular_disease=u[4] < population.vascular_disease,
        alcohol=u[5] < population.alcohol,
        labile_inr=u[6] < population.labile_inr,
        stroke=u[7] < population.stroke,
        liver=_pick(population.liver, u[12]),
        valve=_pick(population.valve, u[13]),
        comedication=_comedication(population, u[14], u[15], u[16]),
        procedure=np.zeros(len(age), dtype=np.int64),
        bleeding=np.where(u[17] < population.bled, 1, NO_BLEEDING),
    )
    return Patients(
        entry,
        level,
        entry.crcl < p.CHRONIC,
        u[18] < population.losing_weight,
        _came_on(entry, population, u[19], u[20], u[21]),
        drawn["kidneys"],
        drawn["other drugs"],
        drawn["procedures"],
        drawn["events"],
        drawn["bleeding"],
    )


def _between(low: float, high: float, u: FloatArray) -> FloatArray:
    return low + (high - low) * u


def _level(creatinine: FloatArray) -> IntArray:
    """The nearest level, by ratio."""
    place = np.round(np.log(creatinine / c.LOWEST_CREATININE) / np.log(c.CREATININE_STEP))
    highest = len(CREATININE) - 1 - c.INJURY_LEVELS - c.QUARTERS
    return np.asarray(np.clip(place, 0, highest), dtype=np.int64)


def _pick(shares: Sequence[float], u: FloatArray) -> IntArray:
    """1, 2, ... with these probabilities, else 0."""
    edges = np.cumsum(shares)
    place = np.searchsorted(edges, u, side="right")
    return np.asarray(np.where(place < len(edges), place + 1, 0))


def _comedication(population: Population, has: FloatArray, which: FloatArray, aspirin: FloatArray) -> IntArray:
    """Another drug that matters, or aspirin, or none."""
    started = _pick(tuple(c.START_SHARE.values()), which)
    names = np.array([0, *(COMEDICATIONS.index(name) for name in c.START_SHARE)])
    usual = np.where(aspirin < population.antiplatelet, COMEDICATIONS.index("aspirin"), 0)
    return np.where(has < population.comedicated, names[started], usual)


def _came_on(entry: Status, population: Population, u: FloatArray, right: FloatArray, other: FloatArray) -> IntArray:
    """The drug of each patient: most on the label's dose, the others on any of the drug."""
    molecule = np.minimum(np.searchsorted(np.cumsum(population.before), u, side="right"), len(c.MOLECULES) - 1)
    usual = label_drug(entry)[np.arange(len(u)), molecule]
    doses = [np.flatnonzero(m == MOLECULE) for m in range(len(c.MOLECULES))]
    licensed = [d[~np.isin(d, [c.DRUGS.index("apixaban_10"), c.DRUGS.index("dabigatran_110")])] for d in doses]
    any_dose = np.array([licensed[m][int(x * len(licensed[m]))] for m, x in zip(molecule, other, strict=True)])
    return np.where((right < p.RIGHT_DOSE) | ~IS_DOAC[usual], usual, any_dose)
