"""Patients with a thrombosis, each from named random streams of its own seed.

`patient` is who they are and how their elimination drifts from hour to hour, `laboratory` what happens to a sample that
would be drawn at each hour: its error, how long it takes, whether it is lost. Everything is drawn for every hour
beforehand, so no order changes a patient, nor what a later sample would show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.core.seeds import streams
from harness.envs.anticoagulation.drift import drifting
from harness.envs.anticoagulation.heparin import constants as c
from harness.envs.anticoagulation.heparin.model import Pharmacology, Which, acute
from harness.envs.anticoagulation.heparin.setting import Setting
from harness.mdp.tabular import FloatArray

NORMALS = 5
"""Normal numbers of a patient: weight, volume, elimination, slope and base; the drift's follow."""

TESTS = ("aptt", "anti_xa")
"""What can be measured, in the order of `Patients.luck`."""

ERROR, DURATION, FATE = range(3)
"""What `Patients.luck` holds of a sample: two standard normal numbers and, as a third, the one that decides whether it
is lost or from the wrong arm."""


@dataclass(frozen=True, eq=False)
class Patients:
    """Everything about n patients over T hours, also what nobody can know.

    Attributes
    ----------
    weight : float array, shape (n,)
        Whole kg.
    pharmacology : Pharmacology
    elimination : float array, shape (T, n)
        Rate at a concentration of 0 in each hour, per hour: with drift, and faster at first.
    luck : float array, shape (T + 1, 2, 3, n), or (T + 1, 1, 1, n) where tests are not ordered
        Standard normal numbers of a sample that is drawn at an hour for each test: see `ERROR`, `DURATION` and `FATE`.
    """

    weight: FloatArray
    pharmacology: Pharmacology
    elimination: FloatArray
    luck: FloatArray

    @property
    def hours(self) -> int:
        """Length of the episode, T."""
        return len(self.elimination)

    def __len__(self) -> int:
        return len(self.weight)

    def __getitem__(self, who: Which) -> Patients:
        """Some of the patients."""
        return Patients(self.weight[who], self.pharmacology[who], self.elimination[:, who], self.luck[..., who])


def draw(seeds: Sequence[int], setting: Setting, hours: int = c.HOURS) -> Patients:
    """The patients that belong to some seeds, for so many hours of a task."""
    shape = (hours + 1, len(TESTS), 3) if setting.ordered else (hours + 1, 1, 1)  # aPTTs alone, and only their errors
    z = np.empty((len(seeds), NORMALS + hours))
    luck = np.empty((len(seeds), int(np.prod(shape))))
    for row, patient in zip(z, streams(seeds, "patient"), strict=True):
        patient.standard_normal(out=row)
    for row, laboratory in zip(luck, streams(seeds, "laboratory"), strict=True):
        laboratory.standard_normal(out=row)
    weight = weights(z[:, 0])
    found = pharmacology(weight, z[:, 1:NORMALS])
    faster = acute(np.arange(hours))[:, None]
    shocks = z[:, NORMALS:].T
    drift = setting.drift_sd * drifting(shocks[0], shocks, c.DRIFT_HOURS)
    elimination = found.elimination * faster * np.exp(drift)
    return Patients(weight, found, elimination, luck.T.reshape(*shape, len(seeds)))


def weights(z: FloatArray) -> FloatArray:
    """Weights (kg) of standard normal numbers (n,)."""
    spread = np.sqrt(np.log1p((c.WEIGHT_SD / c.WEIGHT_MEAN) ** 2))
    drawn = c.WEIGHT_MEAN * np.exp(spread * z - spread**2 / 2)
    return np.asarray(np.round(np.clip(drawn, c.LIGHTEST, c.HEAVIEST)))


def pharmacology(weight: FloatArray, z: FloatArray) -> Pharmacology:
    """The model's values; `z` (n, 4) is how far each patient is from its like: volume, elimination, slope and base."""
    sized = weight / c.REFERENCE_WEIGHT
    return Pharmacology(
        volume=c.VOLUME * sized**c.VOLUME_EXPONENT * np.exp(c.SD_LOG_VOLUME * z[:, 0]),
        elimination=c.ELIMINATION * sized**c.ELIMINATION_EXPONENT * np.exp(c.SD_LOG_ELIMINATION * z[:, 1]),
        slope=c.SLOPE * np.exp(c.SD_LOG_SLOPE * z[:, 2]),
        base=c.BASE_MEAN + c.BASE_SD * z[:, 3],
    )
