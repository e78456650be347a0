"""A patient's age, sex, size, liver and kidneys."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from harness.envs.polypharmacy.chart import Liver, Sex

BANDS = (65, 75, 85)
"""First years of the three age bands of `conditions.csv`."""

BAND_SHARE = (0.27, 0.50, 0.23)
"""Share of patients in each band, so that the quartiles of age are 74, 79 and 84 years, as of the 2,008 patients with
polypharmacy of the trial OPERAM (Blum, Sallevelt, Spinewine, et al. BMJ 2021;374:n1585)."""

BEYOND_85 = 4.0, 13
"""Mean and greatest number of years beyond 85, drawn from an exponential distribution."""

FEMALE = (0.53, 0.57, 0.65)
"""Share of women in each band (US Census Bureau, 2020)."""

HEIGHT_CM: dict[Sex, tuple[tuple[float, float, float], float]] = {
    "f": ((160.0, 158.5, 156.0), 6.6),
    "m": ((174.0, 172.5, 170.5), 7.2),
}
BMI: dict[Sex, tuple[tuple[float, float, float], float]] = {
    "f": ((29.7, 28.6, 26.9), 5.8),
    "m": ((29.3, 28.3, 26.8), 4.6),
}
"""Means by band, and standard deviation, of height in cm and of body mass index in kg/m2; rounded from NHANES 2015-2018
(Fryar, Carroll, Gu, Afful, Ogden. Vital Health Stat 3(46), 2021)."""

BMI_RANGE = 17.0, 45.0

LIVER: tuple[tuple[Liver, float], ...] = (("normal", 0.95), ("mild", 0.03), ("moderate", 0.015), ("severe", 0.005))
"""An assumption: cirrhosis is rarer (0.27 % of US adults: Scaglione et al. J Clin Gastroenterol 2015;49:690-696), and
is oversampled so that hepatic limits matter."""

GFR_WITHOUT_CKD = ((60.0, 80.0, 105.0), (60.0, 74.0, 100.0), (60.0, 67.0, 95.0))
"""Least, most frequent and greatest estimated GFR of those without stage 3 or worse, by band, mL/min/1.73 m2 (shape
after Coresh et al. JAMA 2007;298:2038-2047)."""

CKD_STAGES = ((45.0, 60.0, 0.62), (30.0, 45.0, 0.28), (15.0, 30.0, 0.08), (8.0, 15.0, 0.02))
"""Range of estimated GFR and share of stages 3a, 3b, 4 and 5 (shares after USRDS, annual data report 2023)."""

CKD_EPI: dict[Sex, tuple[float, float, float]] = {"f": (0.7, -0.241, 1.012), "m": (0.9, -0.302, 1.0)}
"""κ in mg/dL, α and factor of the CKD-EPI equation of 2021: eGFR = 142 min(Scr/κ, 1)^α max(Scr/κ, 1)^-1.2 0.9938^age
(Inker, Eneanya, Coresh, et al. N Engl J Med 2021;385:1737-1749)."""


class Body(NamedTuple):
    """What does not depend on diseases."""

    age: int
    sex: Sex
    height_cm: float
    weight_kg: float
    liver: Liver

    @property
    def band(self) -> int:
        """Index of the age band."""
        return (self.age >= BANDS[1]) + (self.age >= BANDS[2])


def draw(rng: np.random.Generator) -> Body:
    """A patient's body."""
    band = int(np.searchsorted(np.cumsum(BAND_SHARE), rng.random()))
    mean, most = BEYOND_85
    age = BANDS[band] + (int(rng.integers(10)) if band < 2 else min(int(rng.exponential(mean)), most))
    sex: Sex = "f" if rng.random() < FEMALE[band] else "m"
    height = rng.normal(HEIGHT_CM[sex][0][band], HEIGHT_CM[sex][1])
    bmi = float(np.clip(rng.normal(BMI[sex][0][band], BMI[sex][1]), *BMI_RANGE))
    liver, shares = zip(*LIVER, strict=True)
    affected: Liver = liver[int(np.searchsorted(np.cumsum(shares), rng.random()))]
    return Body(age, sex, round(height), round(bmi * (height / 100) ** 2), affected)


def draw_creatinine(rng: np.random.Generator, body: Body, ckd: bool) -> float:
    """Serum creatinine, mg/dL, of which the CKD-EPI equation makes a GFR below 60 with `ckd`, else of 60 or more."""
    if ckd:
        stage = int(np.searchsorted(np.cumsum([share for *_, share in CKD_STAGES]), rng.random()))
        gfr = rng.uniform(*CKD_STAGES[min(stage, len(CKD_STAGES) - 1)][:2])
    else:
        gfr = rng.triangular(*GFR_WITHOUT_CKD[body.band])
    kappa, alpha, factor = CKD_EPI[body.sex]
    ratio = 142.0 * 0.9938**body.age * factor / gfr
    exponent = 1.2 if ratio >= 1.0 else -alpha
    return round(float(kappa * ratio ** (1.0 / exponent)), 2)
