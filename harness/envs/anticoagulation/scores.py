"""Risk scores of atrial fibrillation, computed from their components, on arrays of patients."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from harness.mdp.tabular import BoolArray, IntArray

OLDER, OLD, ELDERLY = 65, 75, 65
"""CHA2DS2-VASc counts 65 to 74 years once and 75 or more twice; HAS-BLED counts more than 65."""

UNCONTROLLED = 160.0
"""Systolic blood pressure above which HAS-BLED counts hypertension, mmHg."""

ABNORMAL_CREATININE = 2.26
"""Serum creatinine from which HAS-BLED counts the kidneys, mg/dL: 200 µmol/L."""


def cha2ds2_vasc(
    *,
    age: ArrayLike,
    female: ArrayLike,
    heart_failure: ArrayLike,
    hypertension: ArrayLike,
    diabetes: ArrayLike,
    stroke: ArrayLike,
    vascular_disease: ArrayLike,
) -> IntArray:
    """Risk of stroke in atrial fibrillation, 0 to 9.

    Parameters
    ----------
    age : array
        Years.
    female, heart_failure, hypertension, diabetes, stroke, vascular_disease : bool arrays
        `stroke` is any earlier stroke, TIA or thromboembolism; `vascular_disease` a myocardial infarction, peripheral
        artery disease or aortic plaque.

    References
    ----------
    Lip GYH, Nieuwlaat R, Pisters R, Lane DA, Crijns HJGM. Refining clinical risk stratification for predicting stroke
    and thromboembolism in atrial fibrillation using a novel risk factor-based approach. Chest 2010;137:263-272.

    Examples
    --------
    >>> int(cha2ds2_vasc(age=76, female=True, heart_failure=False, hypertension=True, diabetes=False, stroke=True,
    ...                  vascular_disease=False))
    6
    """
    years = np.asarray(age)
    once = (heart_failure, hypertension, diabetes, vascular_disease, female, years >= OLDER, years >= OLD)
    return _sum(once) + 2 * _one(stroke)


def chads2(
    *, age: ArrayLike, heart_failure: ArrayLike, hypertension: ArrayLike, diabetes: ArrayLike, stroke: ArrayLike
) -> IntArray:
    """The older score, 0 to 6, by which the trials described their patients.

    References
    ----------
    Gage BF, Waterman AD, Shannon W, Boechler M, Rich MW, Radford MJ. Validation of clinical classification schemes for
    predicting stroke. JAMA 2001;285:2864-2870.
    """
    return _sum((heart_failure, hypertension, diabetes, np.asarray(age) >= OLD)) + 2 * _one(stroke)


def has_bled(
    *,
    age: ArrayLike,
    systolic: ArrayLike,
    creatinine: ArrayLike,
    liver_disease: ArrayLike,
    stroke: ArrayLike,
    bleeding: ArrayLike,
    labile_inr: ArrayLike,
    antiplatelet_or_nsaid: ArrayLike,
    alcohol: ArrayLike,
    dialysis_or_transplant: ArrayLike = False,
) -> IntArray:
    """Risk of major bleeding in atrial fibrillation, 0 to 9.

    Parameters
    ----------
    age : array
        Years.
    systolic : array
        Blood pressure, mmHg.
    creatinine : array
        In serum, mg/dL.
    liver_disease, stroke, bleeding, labile_inr, antiplatelet_or_nsaid, alcohol, dialysis_or_transplant : bool arrays
        `bleeding` is any earlier major bleeding or a predisposition to it; `labile_inr` less than 60 % of the time in
        range, on warfarin; `alcohol` 8 or more drinks a week.

    References
    ----------
    Pisters R, Lane DA, Nieuwlaat R, de Vos CB, Crijns HJGM, Lip GYH. A novel user-friendly score (HAS-BLED) to assess
    1-year risk of major bleeding in patients with atrial fibrillation. Chest 2010;138:1093-1100.

    Examples
    --------
    >>> int(has_bled(age=70, systolic=165, creatinine=1.0, liver_disease=False, stroke=True, bleeding=False,
    ...              labile_inr=False, antiplatelet_or_nsaid=True, alcohol=False))
    4
    """
    kidneys: BoolArray = (np.asarray(creatinine) >= ABNORMAL_CREATININE) | np.asarray(dialysis_or_transplant)
    counted = (
        np.asarray(systolic) > UNCONTROLLED, kidneys, liver_disease, stroke, bleeding, labile_inr,
        np.asarray(age) > ELDERLY, antiplatelet_or_nsaid, alcohol,
    )  # fmt: skip
    return _sum(counted)


def _one(present: ArrayLike) -> IntArray:
    return np.asarray(present, dtype=np.int64)


def _sum(present: tuple[ArrayLike, ...]) -> IntArray:
    total = _one(present[0])
    for item in present[1:]:
        total = total + _one(item)
    return total
