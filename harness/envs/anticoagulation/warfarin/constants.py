"""Every number of the warfarin tasks, beside its source.

[Hamberg 2010] Hamberg AK, Wadelius M, Lindh JD, Dahl ML, Padrini R, Deloukas P, Rane A, Jonsson EN. A pharmacometric
model describing the relationship between warfarin dose and INR response with respect to variations in CYP2C9, VKORC1,
and age. Clinical Pharmacology and Therapeutics 2010;87:727-734, doi:10.1038/clpt.2010.37. The paper's text was not at
hand: structure and values are those on which independent public implementations of it agree.

[IWPC] International Warfarin Pharmacogenetics Consortium. Estimation of the warfarin dose with clinical and
pharmacogenetic data. New England Journal of Medicine 2009;360:753-764, and its public data set (Whites with a stable
dose).

"Chosen" marks what is not published: fitted to the figures that `harness calibrate warfarin` prints, or assumed.
"""

from __future__ import annotations

from typing import Final

# --------------------------------------------------------------------------- pharmacology, Hamberg 2010

CLEARANCE_OF_ALLELE: Final = {"*1": 0.174, "*2": 0.0879, "*3": 0.0422}
"""Clearance of S-warfarin that each CYP2C9 allele adds at 71 years, L/h [Hamberg 2010]."""

CLEARANCE_PER_YEAR: Final = -0.00571
"""Relative change of clearance for every year above `REFERENCE_AGE` [Hamberg 2010]."""

REFERENCE_AGE: Final = 71.0
"""Years [Hamberg 2010]."""

VOLUME: Final = 14.3
"""Volume of distribution of S-warfarin, L [Hamberg 2010]."""

EC50_OF_ALLELE: Final = {"G": 2.05, "A": 0.96}
"""Concentration of half the effect that each VKORC1 -1639 allele adds, mg/L [Hamberg 2010]."""

HILL: Final = 1.15
"""Exponent of the concentration-effect curve; the greatest effect is 1 [Hamberg 2010]."""

TRANSIT_TIMES: Final = (28.6, 118.3)
"""Mean transit time of the two chains of clotting factors, hours [Hamberg 2010]."""

COMPARTMENTS: Final = 3
"""Compartments of each chain, each with the rate 3 / transit time [Hamberg 2010]."""

BASE_INR: Final = 1.0
INR_MAX: Final = 20.0
"""INR = BASE_INR + INR_MAX * (1 - mean of the two chains' ends) [Hamberg 2010]."""

S_SHARE: Final = 0.5
"""Part of a racemic dose that is S-warfarin. R-warfarin has no effect in the model [Hamberg 2010]."""

# --------------------------------------------------------------------------- patients

CYP2C9: Final = {"*1/*1": 0.6427, "*1/*2": 0.2024, "*1/*3": 0.1125, "*2/*2": 0.0164, "*2/*3": 0.0209, "*3/*3": 0.0051}
"""Frequencies in 2,925 Whites [IWPC]."""

VKORC1: Final = {"GG": 0.3676, "GA": 0.484, "AA": 0.1484}
"""Frequencies of the -1639 genotype in 2,089 Whites [IWPC]."""

FEMALE: Final = 0.38
AMIODARONE: Final = 0.074
"""Shares of patients: [IWPC] Whites, and [IWPC] of those in whom it is known."""

HEIGHT_MEAN, HEIGHT_SD = 171.3, 10.2
WEIGHT_MEAN, WEIGHT_SD = 84.5, 20.1
"""cm and kg [IWPC] Whites, both sexes together."""

SEX_HEIGHT: Final = 14.0
"""Men are taller by so many cm. Chosen (the usual difference in adults); both sexes together have the mean and the
standard deviation above."""

HEIGHT_WEIGHT: Final = 0.4
"""Correlation of height with the logarithm of weight. Chosen (usual in adults)."""

AGE_MEAN, AGE_SD = 67.0, 14.0
YOUNGEST, OLDEST = 20, 95
"""Years. Chosen: with these the mean doses of the decades of age [IWPC] (6.36, 6.15, 5.95, 5.73, 5.00, 4.21, 3.88, 3.18
mg/day from the twenties on) mix to their common mean, 4.81 mg/day."""

LIGHTEST, HEAVIEST = 40.0, 170.0
SHORTEST, TALLEST = 140.0, 205.0
"""Limits of what is drawn, kg and cm. Chosen."""

# --------------------------------------------------------------------------- what the published model leaves open

EC50_SCALE: Final = 0.88
"""All EC50s are multiplied by this. Chosen: the mean doses of the genotypes are then those of [IWPC]."""

WEIGHT_EXPONENT, REFERENCE_WEIGHT = 0.25, 80.0
"""Clearance grows with (weight / 80 kg)^0.25. Chosen; Hamberg 2010 has no weight, the IWPC algorithm has."""

AMIODARONE_CLEARANCE: Final = 0.70
"""Clearance on amiodarone is multiplied by this. Chosen, after dose reductions of a quarter to two fifths."""

SD_LOG_EC50, SD_LOG_CLEARANCE, SD_LOG_VOLUME = 0.26, 0.21, 0.20
"""Standard deviations of the logarithms among patients alike in genotype, age and weight. Chosen near Hamberg 2010
(34 %, 30 %, 23 % as implementations give them), a little lower: doses then scatter about the IWPC algorithm's as in
[IWPC]."""

DRIFT_SD, DRIFT_DAYS = 0.35, 14.0
"""Standard deviation and time constant (days) of the slow drift of log EC50 with diet, illness and other drugs: an
Ornstein-Uhlenbeck process. Chosen: it sets the plateau of time in range, and the share of INRs of 4 or more."""

MISSED: Final = 0.05
"""Probability that a day's dose is missed. Chosen."""

INR_CV: Final = 0.08
"""Coefficient of variation of a measured INR. Chosen (the model's residual, 19 % on the logarithm, holds drift, missed
doses and sampling errors, which are simulated here)."""

# --------------------------------------------------------------------------- the task

TARGET, LOW, HIGH = 2.5, 2.0, 3.0
"""INR aimed at, and the therapeutic range in atrial fibrillation."""

TITRATION_DAYS, MAINTENANCE_DAYS = 90, 364
"""Length of an episode, days."""

STARTING_DOSES: Final = (1.5, 2.5, 4.0, 5.0, 6.0, 7.5, 10.0)
"""Daily doses that can be ordered in the first week, mg."""

INDUCTION_DAYS: Final = 7
"""Before this day the daily dose is set in mg, also anew; later the weekly dose is changed in percent."""

CHANGES: Final = (-20, -15, -10, -5, 0, 5, 10, 15, 20)
"""Changes of the weekly dose, percent; dosing services change it by 5 to 20 % (Van Spall et al., Circulation
2012;126:2309)."""

TABLET: Final = 0.5
"""Weekly doses are rounded to this, mg: half of the smallest tablet."""

INTERVALS: Final = (3, 7, 14, 28)
"""Days to the next visit."""

FAR_BELOW, FAR_ABOVE, DANGEROUS = 1.5, 4.0, 5.0
REWARD_FAR_BELOW, REWARD_WITHIN, REWARD_NEAR, REWARD_FAR_ABOVE, REWARD_DANGEROUS = -1.0, 1.0, 0.0, -2.0, -5.0
"""Reward of a day with its INR below 1.5, from 2 to 3, between these (up to 4), above 4 and above 5. Chosen: harm grows
faster above the range than below it."""

VISIT_COST: Final = 0.5
"""Reward lost for every visit. Chosen: at half a day in range weekly visits are worth while, as in clinics; at 0.2 it
would be best to see every patient every three days for ever."""
