"""Patients like those of the IWPC, each from named random streams of its own seed.

`patient` is who they are, `drift` how their sensitivity changes, `adherence` which doses they miss and `laboratory` the
error that an INR of each day would have. Everything is drawn for every day beforehand, so no order changes a patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from harness.core.seeds import stream
from harness.envs.anticoagulation.drift import drifting
from harness.envs.anticoagulation.warfarin import constants as c
from harness.envs.anticoagulation.warfarin.model import Pharmacology, Which
from harness.mdp.tabular import BoolArray, FloatArray, IntArray

CYP2C9_NAMES = tuple(c.CYP2C9)
VKORC1_NAMES = tuple(c.VKORC1)

UNIFORMS, NORMALS = 4, 6
"""Random numbers of a patient: sex, amiodarone and two genotypes; age, height, weight and three of the model's."""


@dataclass(frozen=True, eq=False)
class Covariates:
    """What can be known of n patients before the first dose.

    Attributes
    ----------
    age : float array, shape (n,)
        Whole years.
    height, weight : float array, shape (n,)
        cm, kg.
    female, amiodarone : bool array, shape (n,)
    cyp2c9, vkorc1 : int array, shape (n,)
        Places in `CYP2C9_NAMES` and `VKORC1_NAMES`; -1 where the genotype is not known.
    """

    age: FloatArray
    height: FloatArray
    weight: FloatArray
    female: BoolArray
    amiodarone: BoolArray
    cyp2c9: IntArray
    vkorc1: IntArray

    def __getitem__(self, who: Which) -> Covariates:
        """Some of the patients."""
        return Covariates(**{f.name: getattr(self, f.name)[who] for f in fields(self)})

    def without_genotype(self) -> Covariates:
        """The same, genotypes not known."""
        unknown = np.full(len(self.age), -1)
        return Covariates(self.age, self.height, self.weight, self.female, self.amiodarone, unknown, unknown)


@dataclass(frozen=True, eq=False)
class Patients:
    """Everything about n patients over T days, also what nobody can know.

    Attributes
    ----------
    covariates : Covariates
    pharmacology : Pharmacology
    drift : float array, shape (n, T)
        Of log EC50 on each day.
    missed : bool array, shape (n, T)
        Days on which no dose is taken.
    error : float array, shape (n, T + 1)
        Logarithm of what an INR measured on that day is wrong by.
    steady_inr : float array, shape (n,)
        INR that the dose of a patient who comes on a steady one holds without drift: anywhere in range.
    """

    covariates: Covariates
    pharmacology: Pharmacology
    drift: FloatArray
    missed: BoolArray
    error: FloatArray
    steady_inr: FloatArray

    @property
    def days(self) -> int:
        """Length of the episode, T."""
        return int(self.drift.shape[1])

    def __len__(self) -> int:
        return len(self.drift)

    def __getitem__(self, who: Which) -> Patients:
        """Some of the patients."""
        return Patients(**{f.name: getattr(self, f.name)[who] for f in fields(self)})


def draw(seeds: Sequence[int], days: int, *, settled: bool = False) -> Patients:
    """The patients that belong to some seeds, for so many days; `settled` ones begin without drift."""
    drawn: dict[str, list[Any]] = {name: [] for name in ("who", "self", "came", "drift", "missed", "error")}
    for seed in seeds:
        patient = stream(seed, "patient")
        drawn["who"].append(patient.random(UNIFORMS))
        drawn["self"].append(patient.standard_normal(NORMALS))
        drawn["came"].append(patient.random())
        drawn["drift"].append(stream(seed, "drift").standard_normal(days))
        drawn["missed"].append(stream(seed, "adherence").random(days))
        drawn["error"].append(stream(seed, "laboratory").standard_normal(days + 1))
    who, normal, came, shocks, taken, errors = (np.array(values) for values in drawn.values())
    covariates = _covariates(who, normal)
    first = np.zeros(len(shocks)) if settled else c.DRIFT_SD * shocks[:, 0]
    return Patients(
        covariates,
        pharmacology(covariates, normal[:, 3:]),
        np.ascontiguousarray(drifting(first, shocks.T, c.DRIFT_DAYS, c.DRIFT_SD).T),
        taken < c.MISSED,
        np.sqrt(np.log1p(c.INR_CV**2)) * errors,
        c.LOW + (c.HIGH - c.LOW) * came,
    )


def _covariates(u: FloatArray, z: FloatArray) -> Covariates:
    """Uniform numbers (n, 4) and normal ones (n, 6, of which three are used) made into patients."""
    female = u[:, 0] < c.FEMALE
    within = np.sqrt(c.HEIGHT_SD**2 - c.SEX_HEIGHT**2 * c.FEMALE * (1 - c.FEMALE))
    mean = c.HEIGHT_MEAN + c.SEX_HEIGHT * np.where(female, c.FEMALE - 1, c.FEMALE)
    height = np.clip(mean + within * z[:, 1], c.SHORTEST, c.TALLEST)
    spread = np.sqrt(np.log1p((c.WEIGHT_SD / c.WEIGHT_MEAN) ** 2))
    tall = (height - c.HEIGHT_MEAN) / c.HEIGHT_SD
    alike = c.HEIGHT_WEIGHT * tall + np.sqrt(1 - c.HEIGHT_WEIGHT**2) * z[:, 2]
    weight = np.exp(np.log(c.WEIGHT_MEAN) - spread**2 / 2 + spread * alike)
    return Covariates(
        age=np.floor(np.clip(c.AGE_MEAN + c.AGE_SD * z[:, 0], c.YOUNGEST, c.OLDEST)),
        height=np.round(height),
        weight=np.round(np.clip(weight, c.LIGHTEST, c.HEAVIEST)),
        female=female,
        amiodarone=u[:, 1] < c.AMIODARONE,
        cyp2c9=pick(c.CYP2C9, u[:, 2]),
        vkorc1=pick(c.VKORC1, u[:, 3]),
    )


def pick(frequencies: dict[str, float], u: FloatArray) -> IntArray:
    """Genotypes (n,) of uniform numbers (n,), as places among those of `frequencies`."""
    edges = np.cumsum(list(frequencies.values()))
    return np.searchsorted(edges[:-1] / edges[-1], u, side="right")


CYP2C9_CLEARANCE = np.array([sum(c.CLEARANCE_OF_ALLELE[a] for a in name.split("/")) for name in CYP2C9_NAMES])
VKORC1_EC50 = np.array([sum(c.EC50_OF_ALLELE[a] for a in name) for name in VKORC1_NAMES])


def pharmacology(covariates: Covariates, z: FloatArray) -> Pharmacology:
    """The model's values of patients of known genotype; `z` (n, 3) is how far each is from its like (CL, V, EC50)."""
    aged = 1 + c.CLEARANCE_PER_YEAR * (covariates.age - c.REFERENCE_AGE)
    sized = (covariates.weight / c.REFERENCE_WEIGHT) ** c.WEIGHT_EXPONENT
    inhibited = np.where(covariates.amiodarone, c.AMIODARONE_CLEARANCE, 1.0)
    return Pharmacology(
        clearance=CYP2C9_CLEARANCE[covariates.cyp2c9] * aged * sized * inhibited * np.exp(c.SD_LOG_CLEARANCE * z[:, 0]),
        volume=c.VOLUME * np.exp(c.SD_LOG_VOLUME * z[:, 1]),
        ec50=c.EC50_SCALE * VKORC1_EC50[covariates.vkorc1] * np.exp(c.SD_LOG_EC50 * z[:, 2]),
    )
