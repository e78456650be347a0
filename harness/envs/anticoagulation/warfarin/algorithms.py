"""Published equations for the first dose, arrays over patients. All give the expected maintenance dose in mg a day."""

from __future__ import annotations

import numpy as np

from harness.core.errors import UsageError
from harness.envs.anticoagulation.warfarin import constants as c
from harness.envs.anticoagulation.warfarin.actions import DAYS_OF_WEEK
from harness.envs.anticoagulation.warfarin.patients import CYP2C9_NAMES, VKORC1_NAMES, Covariates
from harness.mdp.tabular import FloatArray

IWPC_OF_VKORC1 = {"GG": 0.0, "GA": -0.8677, "AA": -1.6974}
IWPC_VKORC1 = np.array([*(IWPC_OF_VKORC1[name] for name in VKORC1_NAMES), -0.4854])
"""By genotype, and unknown (IWPC 2009, supplement, section S1e)."""

IWPC_CYP2C9 = np.array([0.0, -0.5211, -0.9357, -1.0616, -1.9206, -2.3312, -0.2188])
"""*1/*1, *1/*2, *1/*3, *2/*2, *2/*3, *3/*3, unknown (the same)."""

GAGE_A = np.array([name.count("A") for name in VKORC1_NAMES])
GAGE_2 = np.array([name.count("*2") for name in CYP2C9_NAMES])
GAGE_3 = np.array([name.count("*3") for name in CYP2C9_NAMES])


def iwpc_clinical(patients: Covariates) -> FloatArray:
    """IWPC 2009 (supplement, section S1f) for White patients without an enzyme inducer, mg a day, shape (n,)."""
    root = (
        4.0376
        - 0.2546 * np.floor(patients.age / 10)
        + 0.0118 * patients.height
        + 0.0134 * patients.weight
        - 0.5695 * patients.amiodarone
    )
    return np.asarray(root**2 / DAYS_OF_WEEK)


def iwpc_pharmacogenetic(patients: Covariates) -> FloatArray:
    """IWPC 2009 (supplement, section S1e) for White patients without an enzyme inducer, mg a day, shape (n,).

    A genotype that is not known has a coefficient of its own there.
    """
    root = (
        5.6044
        - 0.2614 * np.floor(patients.age / 10)
        + 0.0087 * patients.height
        + 0.0128 * patients.weight
        + IWPC_VKORC1[patients.vkorc1]
        + IWPC_CYP2C9[patients.cyp2c9]
        - 0.5503 * patients.amiodarone
    )
    return np.asarray(root**2 / DAYS_OF_WEEK)


def gage(patients: Covariates) -> FloatArray:
    """Gage et al. (Clinical Pharmacology and Therapeutics 2008;84:326-331), mg a day, shape (n,).

    For White patients with atrial fibrillation who do not smoke, aiming at `constants.TARGET`. Body surface by Du Bois
    and Du Bois (1916), m².

    Raises
    ------
    UsageError
        If a genotype is not known: the equation has no place for that.
    """
    if (patients.vkorc1 < 0).any() or (patients.cyp2c9 < 0).any():
        raise UsageError("The equation of Gage et al. needs the genotypes; leave genotype=unknown out.")
    surface = 0.007184 * patients.weight**0.425 * patients.height**0.725
    logarithm = (
        0.9751
        - 0.3238 * GAGE_A[patients.vkorc1]
        + 0.4317 * surface
        - 0.4008 * GAGE_3[patients.cyp2c9]
        - 0.00745 * patients.age
        - 0.2066 * GAGE_2[patients.cyp2c9]
        + 0.2029 * c.TARGET
        - 0.2538 * patients.amiodarone
    )
    return np.asarray(np.exp(logarithm))
