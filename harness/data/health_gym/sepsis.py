"""Sepsis: 2,164 synthetic patients of an intensive-care unit, 20 steps of four hours each.

Names and statistics: Kuo et al., Sci Data 2022;9:693 (mean and standard deviation read off the figures); units: the
project's published `C008_Utils_ReplaceNames.py`, which takes them from the AI Clinician (Komorowski et al., Nat Med
2018;24:1716) and has ionised calcium in mg/dL, while its mean of 1.11 is that of mmol/L. Ranges and plausible bands
are this project's.
"""

from __future__ import annotations

from harness.data.health_gym import CITATION, PHYSIONET
from harness.data.schemas import Category, Column, Published, Schema

NUMBERS: tuple[tuple[str, str, float, float, float, float, float | None, float | None, str, str | None], ...] = (
    # name, unit, least, most, lowest and highest plausible median, published mean and sd, meaning, substance
    ("Age", "years", 0, 130, 30, 85, 65.4, 10, "age", None),
    ("HR", "beats/min", 0, 350, 50, 140, 89, 16, "heart rate", None),
    ("SysBP", "mmHg", 0, 350, 80, 180, 123, 15, "systolic pressure", None),
    ("MeanBP", "mmHg", 0, 300, 50, 115, 81, 9.3, "mean arterial pressure", None),
    ("DiaBP", "mmHg", 0, 250, 30, 95, 58.5, 12.6, "diastolic pressure", None),
    ("RR", "breaths/min", 0, 120, 10, 40, 21.5, 4.3, "respiratory rate", None),
    ("K", "mEq/L", 0, 20, 2.5, 6.5, 4.13, 0.51, "potassium", None),
    ("Na", "mEq/L", 50, 250, 120, 160, 140, 5.2, "sodium", None),
    ("Cl", "mEq/L", 40, 200, 85, 125, 105, 4.4, "chloride", None),
    ("Ca", "mg/dL", 0, 30, 5.5, 12, 8.0, 0.95, "calcium", "calcium"),
    ("IonisedCa", "mmol/L", 0, 10, 0.7, 1.6, 1.11, 0.11, "ionised calcium", None),
    ("CO2", "mEq/L", 0, 90, 12, 40, 25.4, 2.9, "total carbon dioxide", None),
    ("Albumin", "g/dL", 0, 10, 1.5, 5.5, 3.0, 0.45, "albumin", None),
    ("Hb", "g/dL", 0, 30, 6, 18, 10.2, 1.55, "haemoglobin", None),
    ("pH", "", 6, 8.5, 7.0, 7.7, 7.39, 0.074, "arterial pH", None),
    ("BE", "mEq/L", -60, 60, -12, 12, 0.2, 3.6, "base excess", None),
    ("HCO3", "mEq/L", 0, 90, 12, 40, 24.4, 2.6, "bicarbonate", None),
    ("FiO2", "", 0, 1.5, 0.2, 1.0, 0.47, 0.12, "fraction of inspired oxygen", None),
    ("Glucose", "mg/dL", 0, 3000, 60, 300, 142, 48, "glucose", "glucose"),
    ("BUN", "mg/dL", 0, 400, 8, 90, 26, 9.1, "urea nitrogen", "urea nitrogen"),
    ("Creatinine", "mg/dL", 0, 60, 0.4, 4.0, 1.21, 0.46, "creatinine", "creatinine"),
    ("Mg", "mg/dL", 0, 20, 1.2, 3.5, 2.06, 0.35, "magnesium", "magnesium"),
    ("SGOT", "U/L", 0, 60_000, 8, 500, 62, 55, "aspartate aminotransferase", None),
    ("SGPT", "U/L", 0, 60_000, 6, 500, 44, 37, "alanine aminotransferase", None),
    ("TotalBili", "mg/dL", 0, 100, 0.15, 8, 1.64, 1.74, "bilirubin", "bilirubin"),
    ("WbcCount", "10^9/L", 0, 1000, 3, 30, 11.2, 4.7, "white blood cells", None),
    ("PlateletsCount", "10^9/L", 0, 3000, 50, 600, 194, 74, "platelets", None),
    ("PaO2", "mmHg", 0, 800, 50, 300, 115, 43, "arterial oxygen", None),
    ("PaCO2", "mmHg", 0, 250, 22, 80, 40.2, 7.6, "arterial carbon dioxide", None),
    ("Lactate", "mmol/L", 0, 60, 0.5, 6, 1.95, 0.86, "lactate", "lactate"),
    ("InputTotal", "mL", 0, 1_000_000, 50, 100_000, None, None, "fluids given so far", None),
    ("Input4H", "mL", 0, 100_000, 0, 2_000, None, None, "fluids of these four hours", None),
    ("MaxVaso", "mcg/kg/min", 0, 100, 0, 1.0, None, None, "highest rate of vasopressors in these four hours", None),
    ("OutputTotal", "mL", 0, 1_000_000, 50, 100_000, None, None, "urine so far", None),
    ("Output4H", "mL", 0, 100_000, 0, 2_000, None, None, "urine of these four hours", None),
)  # fmt: skip

MEDIANS = {"Input4H": 86.0, "Output4H": 153.0}
"""Of all rows, read off the figures."""

SHARES = {"Gender": 0.266, "ReAd": 0.419, "Mech": 0.430}
"""Of 1, read off the figures."""

MEANING = {
    "Gender": ("male", "female"),
    "ReAd": ("first stay", "readmission"),
    "Mech": ("breathing without a ventilator", "ventilated"),
}

DECILES = {
    "SpO2": "oxygen saturation",
    "Temp": "temperature",
    "PTT": "partial thromboplastin time",
    "PT": "prothrombin time",
    "INR": "international normalised ratio",
}
"""Columns that hold ranks in the cohort; the limits of the deciles are not published."""


def _number(
    name: str, unit: str, low: float, high: float, least: float, most: float, mean: float | None, sd: float | None,
    meaning: str, substance: str | None,
) -> Column:  # fmt: skip
    return Column(
        name=name, kind="float", unit=unit, low=low, high=high, plausible=(least, most), meaning=meaning,
        substance=substance, published=Published(mean=mean, sd=sd, median=MEDIANS.get(name)),
    )  # fmt: skip


SCHEMA = Schema(
    id="sepsis",
    title="Health Gym: sepsis",
    columns=(
        *(_number(*row) for row in NUMBERS),
        *(
            Column(
                name=name,
                kind="flag",
                meaning=f"1 is {MEANING[name][1]}",
                categories=tuple(
                    Category(code=code, meaning=word) for code, word in zip("01", MEANING[name], strict=True)
                ),
                published=Published(shares=(round(1 - share, 3), share)),
            )
            for name, share in SHARES.items()
        ),
        Column(
            name="GCS",
            kind="category",
            meaning="Glasgow Coma Scale, 15 is awake",
            categories=tuple(Category(code=str(n), meaning=f"{n} of 15") for n in range(3, 16)),
        ),
        *(
            Column(
                name=name,
                kind="category",
                meaning=f"{meaning}, as a decile of the cohort and not in a unit",
                categories=tuple(Category(code=str(n), meaning=f"decile {n} of the cohort") for n in range(10)),
            )
            for name, meaning in DECILES.items()
        ),
        Column(name="PatientID", kind="id", meaning="number of the patient"),
        Column(name="Timepoints", kind="time", low=0, high=20, meaning="step of four hours"),
    ),
    patient="PatientID",
    time="Timepoints",
    hours_per_step=4.0,
    step_name="step",
    steps=20,
    access="credentialed",
    file="C001_FakeSepsis.csv",
    where=PHYSIONET,
    blob_sha1="2dc5968c9b4cc674304a0386d9ca2028d41c6ec4",
    patients=2_164,
    index=True,
    citation=CITATION,
    licence="PhysioNet Credentialed Health Data License",
    notes=(
        "SpO2, Temp, PTT, PT and INR are decile codes 0 to 9 of the cohort, not percent, degrees or seconds.",
        "There is no mortality.",
    ),
)
