"""A small file with the columns of the AI Clinician's cohort (`MIMICtable.csv`), invented: the ill die more often."""

from __future__ import annotations

from pathlib import Path

import numpy as np

USUAL = {
    "age": (24_000, 6_000), "Weight_kg": (80, 15), "HR": (90, 15), "SysBP": (118, 15), "MeanBP": (78, 10),
    "DiaBP": (60, 8), "RR": (20, 4), "SpO2": (97, 1), "Temp_C": (37, 0.6), "FiO2_1": (0.45, 0.1),
    "Potassium": (4.1, 0.4), "Sodium": (139, 4), "Chloride": (104, 4), "Glucose": (140, 30), "BUN": (30, 10),
    "Creatinine": (1.4, 0.4), "Magnesium": (2, 0.2), "Calcium": (8.3, 0.5), "SGOT": (60, 20), "SGPT": (50, 20),
    "Total_bili": (1.5, 0.4), "Hb": (10.5, 1.2), "WBC_count": (12, 3), "Platelets_count": (200, 60),
    "PTT": (38, 8), "PT": (16, 2), "INR": (1.4, 0.2), "Arterial_pH": (7.37, 0.05), "paO2": (110, 25),
    "paCO2": (41, 6), "Arterial_BE": (-1, 3), "HCO3": (24, 3), "Arterial_lactate": (2, 0.6),
    "Shock_Index": (0.77, 0.15), "PaO2_FiO2": (250, 60), "input_total": (9_000, 3_000),
    "output_total": (5_000, 1_500), "output_4hourly": (350, 100), "cumulated_balance": (4_000, 2_000),
    "SIRS": (2, 0.7),
}  # fmt: skip
"""Mean and standard deviation of an invented cohort, in the file's units (age in days)."""

WORSE = {"HR": 1, "MeanBP": -1, "SysBP": -1, "Arterial_lactate": 2, "Creatinine": 1, "Shock_Index": 1, "BUN": 1}
"""Standard deviations by which a column moves with how ill a patient is."""


def columns(patients: int, seed: int, steps: int = 6) -> dict[str, np.ndarray]:
    """Rows of all patients, some values missing."""
    rng = np.random.default_rng(seed)
    n = patients * steps
    ill = np.repeat(rng.normal(size=patients), steps) + 0.3 * rng.normal(size=n)
    died = np.repeat(ill.reshape(patients, steps).mean(axis=1) + 0.5 * rng.normal(size=patients) > 0.8, steps)
    found: dict[str, np.ndarray] = {
        "bloc": np.tile(np.arange(1, steps + 1), patients),
        "icustayid": np.repeat(np.arange(1, patients + 1), steps),
        "charttime": np.full(n, 7_000_000_000),
    }
    for name, (mean, sd) in USUAL.items():
        found[name] = np.abs(mean + sd * (rng.normal(size=n) + WORSE.get(name, 0) * ill))
        if name not in ("cumulated_balance", "Arterial_BE"):
            continue
        found[name] = mean + sd * rng.normal(size=n)
    found["SpO2"] = np.minimum(found["SpO2"], 100)
    found["SIRS"] = np.clip(np.round(found["SIRS"]), 0, 4)
    found["SOFA"] = np.clip(np.round(7 + 3 * ill), 0, 24)
    found["GCS"] = np.clip(np.round(13 - 2 * ill), 3, 15)
    found["gender"] = np.repeat(rng.integers(0, 2, patients), steps)
    found["re_admission"] = np.repeat(rng.integers(0, 2, patients), steps)
    found["mechvent"] = (ill > 0.5).astype(int)
    found["max_dose_vaso"] = np.where(ill + 0.5 * rng.normal(size=n) > 0.7, rng.gamma(2, 0.15, n), 0.0)
    found["input_4hourly"] = np.where(rng.random(n) < 0.8, rng.gamma(1.5, 200, n), 0.0)
    found["died_in_hosp"] = died.astype(int)
    found["mortality_90d"] = died.astype(int)
    found["Arterial_lactate"] = np.where(rng.random(n) < 0.3, np.nan, found["Arterial_lactate"])
    return found


def write(path: Path, patients: int, seed: int = 0) -> None:
    """The file, a missing value an empty cell."""
    given = columns(patients, seed)
    lines = [",".join(given)]
    rows = zip(*given.values(), strict=True)
    lines += [",".join("" if value != value else f"{value:.10g}" for value in row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
