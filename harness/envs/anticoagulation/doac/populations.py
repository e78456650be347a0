"""Who comes: the clinic's patients, and those of the trials that the hazards are held against.

Shares and means of the trials are their published baseline characteristics, recalled with middling certainty (blood
pressure above 160, liver disease, alcohol, and the rest of HAS-BLED with little); CHADS2 is verified (PMC3829372) and
printed beside what these make. The clinic's are chosen: like the trials' patients, older, with more of what decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True)
class Population:
    """How patients are drawn.

    Attributes
    ----------
    age, age_sd, youngest : float
        Years, before what lies below `youngest` or above 95 is cut to these.
    female, heart_failure, hypertension, diabetes, stroke, vascular_disease, alcohol, labile_inr, bled : float
        Shares of patients; `bled` is an earlier major bleeding.
    high_pressure : float
        Share with a systolic pressure above 160 mmHg.
    creatinine : float
        Factor on everyone's creatinine.
    kidney_disease : float
        Share whose creatinine is 1.3 to 3 times that of others.
    least_crcl : float
        Creatinine of who is below this clearance (mL/min) is lowered to reach it: the trial would not take them.
    liver, valve : (float, float)
        Shares with moderate and severe liver disease; with mitral stenosis and a mechanical valve.
    comedicated : float
        Share who come with another drug that matters.
    antiplatelet : float
        Share who take aspirin or an NSAID, of those without another such drug.
    losing_weight : float
        Share who lose weight for good.
    before : (float, ...)
        Shares of who came on each of `MOLECULES`.
    """

    age: float
    age_sd: float
    youngest: float
    female: float
    heart_failure: float
    hypertension: float
    diabetes: float
    stroke: float
    vascular_disease: float
    alcohol: float = 0.05
    labile_inr: float = 0.4
    bled: float = 0.06
    high_pressure: float = 0.08
    creatinine: float = 1.0
    kidney_disease: float = 0.08
    least_crcl: float = 0.0
    liver: tuple[float, float] = (0.0, 0.0)
    valve: tuple[float, float] = (0.0, 0.0)
    comedicated: float = 0.0
    antiplatelet: float = 0.35
    losing_weight: float = 0.0
    before: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)


RELY: Final = Population(
    71.5, 8.7, 40, 0.365, 0.32, 0.79, 0.23, 0.20, 0.22, bled=0.06, antiplatelet=0.40, least_crcl=30
)
ROCKET: Final = Population(
    72.0, 9.0, 40, 0.40, 0.625, 0.905, 0.40, 0.55, 0.23, bled=0.05, antiplatelet=0.37, least_crcl=30
)
ARISTOTLE: Final = Population(
    69.5, 9.7, 40, 0.35, 0.355, 0.875, 0.25, 0.195, 0.22, bled=0.167, antiplatelet=0.31, least_crcl=25
)
ENGAGE: Final = Population(
    71.0, 9.5, 40, 0.38, 0.575, 0.935, 0.36, 0.285, 0.22, bled=0.08, antiplatelet=0.30, least_crcl=30
)

REFERENCE: Final = Population(72.0, 9.5, 40, 0.42, 0.30, 0.75, 0.24, 0.15, 0.22, bled=0.06, antiplatelet=0.25)
"""Patients with atrial fibrillation, nothing contraindicated: CHA2DS2-VASc of about 3.3, clearance of about 73."""

CLINIC: Final = replace(
    REFERENCE,
    age=73.0,
    age_sd=11.0,
    female=0.45,
    kidney_disease=0.25,
    liver=(0.04, 0.02),
    valve=(0.05, 0.05),
    comedicated=0.25,
    losing_weight=0.15,
    before=(0.40, 0.20, 0.15, 0.10, 0.10, 0.05),
)
"""Who the task's patients are."""

# --------------------------------------------------------------------------- sizes and kidneys, of all of them

OLDEST: Final = 95

MEN_WEIGHT, WOMEN_WEIGHT, WEIGHT_SPREAD, WEIGHT_PER_YEAR = 87.0, 75.0, 0.19, -0.35
LIGHTEST, HEAVIEST = 40.0, 150.0
"""kg at 70 years, standard deviation of the logarithm, and change for every year above. Chosen: means of trials."""

MEN_CREATININE, WOMEN_CREATININE, CREATININE_SPREAD, CREATININE_PER_YEAR = 1.06, 0.86, 0.17, 0.004
"""mg/dL at 70 years, standard deviation of the logarithm, and relative change for every year above. Chosen: clearances
of about 73 mL/min at 72 years, as in RE-LY."""

KIDNEY_DISEASE: Final = (1.3, 3.0)
"""Factor on creatinine in kidney disease, any in between."""

CHRONIC: Final = 60.0
"""Clearance at entry below which kidney disease is called chronic, mL/min."""

SYSTOLIC_MEAN, SYSTOLIC_SD = 133.0, 12.0
HIGH_SYSTOLIC: Final = (162, 185)
"""mmHg of who is not above 160, cut there; and the range of who is."""

WEIGHT_LOSS, WEIGHT_LEAST = 0.5, 35.0
"""kg a quarter of who loses weight, and the weight below which nobody falls. Chosen."""

RIGHT_DOSE: Final = 0.8
"""Share of those on a DOAC who came on the label's dose; the others on another one. Chosen (registries find one in five
to one in eight)."""
