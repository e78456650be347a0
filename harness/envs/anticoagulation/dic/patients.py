"""Patients with DIC, each from named random streams of its own seed.

`patient` is who they are and what befalls them (one uniform number a step, for bleeding), `laboratory` the errors of
their results. Everything is drawn beforehand for every step, so no order changes a patient's luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from harness.core.seeds import stream
from harness.envs.anticoagulation.dic import constants as c
from harness.envs.anticoagulation.dic.model import KEEPS_UNTREATED, State, Which
from harness.mdp.tabular import FloatArray, IntArray

LABS = ("platelets", "pt", "fibrinogen", "d_dimer")
TRAITS = 4
"""Uniform numbers of a patient: cause, bleeding, whether the cause yields, and how fast."""

VALUES = 5
"""Normal numbers: drive, platelets, fibrinogen, factors, organs."""

LAB_CV = np.array([c.LAB_CV[lab] for lab in LABS])


@dataclass(frozen=True, eq=False)
class Patients:
    """Everything about n patients, also what nobody can know.

    Attributes
    ----------
    arrival : State
    chance : float array, shape (n, T)
        Uniform numbers: a patient bleeds after a step where its number lies below the probability.
    error : float array, shape (n, T + 1, 4)
        Factors by which laboratory results are wrong at each decision, in the order of `LABS`.
    """

    arrival: State
    chance: FloatArray
    error: FloatArray

    def __len__(self) -> int:
        return len(self.arrival)

    def __getitem__(self, who: Which) -> Patients:
        """Some of the patients."""
        return Patients(**{f.name: getattr(self, f.name)[who] for f in fields(self)})


def draw(seeds: Sequence[int]) -> Patients:
    """The patients that belong to some seeds."""
    n = len(seeds)
    u, z, error = np.empty((n, TRAITS + c.STEPS)), np.empty((n, VALUES)), np.empty((n, c.STEPS + 1, len(LABS)))
    for i, seed in enumerate(seeds):
        patient = stream(seed, "patient")
        patient.random(out=u[i])
        patient.standard_normal(out=z[i])
        stream(seed, "laboratory").standard_normal(out=error[i])
    return Patients(_arrival(u[:, :TRAITS], z), u[:, TRAITS:], laboratory_error(error))


def laboratory_error(z: FloatArray) -> FloatArray:
    """Factors by which results are wrong, of standard normal numbers (..., 4)."""
    return 1.0 + LAB_CV * z


def _arrival(u: FloatArray, z: FloatArray) -> State:
    """Uniform numbers (n, 4) and normal ones (n, 5) made into patients."""
    cause: IntArray = np.searchsorted(np.cumsum(c.SHARE)[:-1], u[:, 0], side="right")
    drive = np.array(c.DRIVER)[cause] * np.exp(c.DRIVER_SD * z[:, 0])
    medians = np.array([c.PLATELETS, c.FIBRINOGEN, c.FACTORS])[:, cause]
    scatter = np.exp(np.array(c.ARRIVAL_SD)[:, None] * z[:, 1:4].T)
    platelets, fibrinogen, factors = medians * scatter * drive ** -np.array(c.ARRIVAL_EXPONENT)[:, None]
    organs = np.array(c.ORGANS)[cause] + c.ORGANS_PER_DRIVER * np.log(drive) + c.ORGANS_SD * z[:, 4]
    yields = u[:, 2] < c.CONTROLLABLE
    shortest, longest = np.array([c.FAILED_HOURS, c.CONTROLLED_HOURS])[yields.astype(np.int64)].T
    hours = shortest + (longest - shortest) * u[:, 3]
    fibrinogen = np.clip(fibrinogen, 0.2, 8.0)
    none = np.zeros(len(u))
    return State(
        cause=cause,
        keeps=np.minimum(np.exp(-c.STEP_HOURS / hours), KEEPS_UNTREATED),
        treated=np.zeros(len(u), dtype=np.bool_),
        drive=drive,
        platelets=np.clip(platelets, 5.0, 400.0),
        fibrinogen=fibrinogen,
        factors=np.clip(factors, 10.0, 110.0),
        d_dimer=c.D_DIMER_MADE / c.D_DIMER_CLEARED * drive * fibrinogen,
        lysis=np.array(c.FIBRINOLYSIS)[cause],
        organs=np.clip(organs, 0.02, 0.9),
        volume=none,
        bleeding=u[:, 1] < np.array(c.BLEEDS)[cause],
        alive=none + 1.0,
    )
