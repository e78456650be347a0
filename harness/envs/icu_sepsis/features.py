"""The 47 features of a state, in order, and how each is put into words.

They are centres of clusters of patients. Columns and their order are those of the AI Clinician (Komorowski, Celi,
Badawi, Gordon and Faisal, Nature Medicine 2018;24:1716), on which ICU-Sepsis is built: four columns shifted by a
constant, thirty-two z-scores, eleven z-scores of log(0.1 + x). The cohort's means and standard deviations are not
published with the data, so a z-score stays one: no value in mmHg or mmol/L can honestly be given.

Two of the shifted columns are read by what the published numbers can be: `max_dose_vaso` reaches 3.72 + 0.5, so it
is not a fraction but the mean dose in µg/kg/min; `re_admission` runs from 0.1 upwards, so it is a fraction plus 0.1.
"""

from __future__ import annotations

from typing import Final

MECHVENT, MAX_DOSE_VASO, RE_ADMISSION = 1, 2, 3
"""Positions of the shifted columns; position 0 is a gender code, which is not shown."""

SHIFT: Final = {MECHVENT: 0.5, MAX_DOSE_VASO: 0.5, RE_ADMISSION: -0.1}
"""What is added to a shifted column to get the fraction (or the dose) itself."""

Z_SCORES: Final = {
    4: "age", 5: "weight", 6: "GCS", 7: "heart rate", 8: "systolic BP", 9: "mean BP", 10: "diastolic BP",
    11: "respiratory rate", 12: "temperature", 13: "FiO2", 14: "potassium", 15: "sodium", 16: "chloride",
    17: "glucose", 18: "magnesium", 19: "calcium", 20: "haemoglobin", 21: "white cells", 22: "platelets", 23: "PTT",
    24: "PT", 25: "arterial pH", 26: "PaO2", 27: "PaCO2", 28: "base excess", 29: "bicarbonate", 30: "lactate",
    32: "SIRS", 33: "shock index", 34: "PaO2/FiO2", 35: "fluid balance", 36: "SpO2", 37: "BUN", 38: "creatinine",
    39: "AST", 40: "ALT", 41: "bilirubin", 42: "INR", 43: "total fluids in", 44: "fluids in last 4 h",
    45: "total urine", 46: "urine last 4 h",
}  # fmt: skip
"""Position to name of the z-scores. Position 31 is left out: it is the SOFA, which is known in points. 36 to 46 are
z-scores of the logarithm; 44 is doubled in the data."""

SCALE: Final = {44: 0.5}
"""What undoes the doubling of column 44 (`input_4hourly`)."""

NEAR: Final = 0.5
FAR: Final = 1.5
"""Bounds of the words, in standard deviations: up to `NEAR` a finding is not worth a word, from `FAR` it is 'very'."""


def word(z: float) -> str:
    """How far from the cohort's mean a z-score is, in words.

    >>> word(-1.7), word(-0.6), word(0.2), word(2.4)
    ('very low', 'low', 'near the mean', 'very high')
    """
    if abs(z) < NEAR:
        return "near the mean"
    side = "high" if z > 0 else "low"
    return f"very {side}" if abs(z) >= FAR else side
