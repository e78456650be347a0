"""Every number of the heparin tasks, beside its source.

[Hirsh 2001] Hirsh J, Warkentin TE, Shaughnessy SG, et al. Heparin and low-molecular-weight heparin. Chest
2001;119(1 Suppl):64S-94S; the same in Garcia DA et al., Chest 2012;141(2 Suppl):e24S-e43S. Read in secondary sources.

[Raschke 1993] Raschke RA, Reilly BM, Guidry JR, Fontana JR, Srinivas S. The weight-based heparin dosing nomogram
compared with a "standard care" nomogram. Annals of Internal Medicine 1993;119:874-881. Abstract and table were read,
not the paper.

[Raschke 1995] Raschke RA, letter, Archives of Internal Medicine 1995;155:117: of 444 aPTTs in the first 48 hours 17 %
were below the range, 65 % within and 18 % above it.

"Chosen" marks what is not published: fitted to the figures that `harness calibrate heparin` prints, or assumed.
"""

from __future__ import annotations

from typing import Final

# --------------------------------------------------------------------------- kinetics

VOLUME: Final = 60.0
"""Volume of distribution at `REFERENCE_WEIGHT`, mL/kg: about the plasma's, 60 to 70. Chosen within that."""

HALF_SATURATION: Final = 0.40
"""Concentration at which the saturable elimination runs at half of its greatest clearance, U/mL. Chosen: fitting the
half-lives of 30, 60 and 150 minutes after 25, 100 and 400 U/kg [Hirsh 2001] gives 0.37."""

LINEAR: Final = 0.05
"""Part of the elimination (at a concentration of 0) that does not saturate: the kidneys'. Fit to [Hirsh 2001]."""

ELIMINATION: Final = 1.55
"""Rate of elimination at a concentration of 0, per hour, at `REFERENCE_WEIGHT`. Chosen: fitted to [Raschke 1995]; the
half-lives of [Hirsh 2001] alone give 2.3, with which 18 U/kg/h would be far too little."""

REFERENCE_WEIGHT: Final = 75.0
VOLUME_EXPONENT, ELIMINATION_EXPONENT = -0.25, -0.20
"""Volume per kg and rate of elimination go with (weight / 75 kg) to these powers. Chosen: blood volume and clearance
grow less than weight does."""

ACUTE, ACUTE_HOURS = 0.25, 24.0
"""Elimination is faster by a quarter in the first hours of a thrombosis, which wears off with this time constant.
Chosen: half-lives are shorter in pulmonary embolism (labels of heparin)."""

SD_LOG_ELIMINATION, SD_LOG_VOLUME = 0.30, 0.12
"""Standard deviations of the logarithms among patients of a weight. Chosen."""

DRIFT_SD, DRIFT_HOURS = 0.15, 12.0
"""Standard deviation and time constant of the drift of the logarithm of elimination: an Ornstein-Uhlenbeck process.
Chosen."""

LABS_DRIFT_SD: Final = 0.20
"""The same standard deviation in `heparin-labs`, whose patients are less steady. Chosen: fitted to a time in
range of 52 to 64 % under Raschke's nomogram there; with 0.15 it is 66 %."""

# --------------------------------------------------------------------------- from concentration to aPTT

CONTROL: Final = 30.0
"""aPTT of the laboratory's control, s. The bands of [Raschke 1993] in seconds are ratios to it."""

BASE_MEAN, BASE_SD = 29.0, 2.5
"""aPTT without heparin, s. Chosen."""

SLOPE, SD_LOG_SLOPE = 2.1, 0.19
"""aPTT = base * exp(SLOPE * C), C in U/mL by protamine titration: 0.2 and 0.4 U/mL, the therapeutic range [Hirsh
2001], give ratios of 1.52 and 2.32. The spread among patients is chosen: aPTT and anti-Xa often disagree
(Arachchillage et al. 2017)."""

ANTI_XA: Final = 1.75
"""Anti-Xa activity (IU/mL) of 1 U/mL by protamine titration: 0.35 to 0.7 stands for 0.2 to 0.4 [Hirsh 2001]."""

# --------------------------------------------------------------------------- patients

WEIGHT_MEAN, WEIGHT_SD = 80.0, 18.0
LIGHTEST, HEAVIEST = 45.0, 150.0
"""kg, drawn log-normally. Chosen."""

# --------------------------------------------------------------------------- laboratory

APTT_CV: Final = 0.06
"""Coefficient of variation of an aPTT, analysis and sampling together. Chosen: analysis 3 to 8 %."""

LABS_CV: Final = 0.08
"""The same of aPTT and anti-Xa in `heparin-labs`, where samples are taken in a hurry. Chosen."""

APTT_MOST: Final = 150.0
"""Longest aPTT that the laboratory reports, s. Chosen (usual)."""

TURNAROUND: Final = (1.0, 2.0)
TURNAROUND_SD: Final = 0.35
"""Median hours from draw to result of aPTT and anti-Xa, and standard deviation of the logarithm. Chosen: hospitals take
45 to 90 minutes for an aPTT and 60 to 180 for anti-Xa; no source was found that could be read."""

LOST: Final = 0.02
"""Probability that a sample is lost or haemolysed: known when its result would have come. Chosen."""

FROM_THE_ARM: Final = 0.02
"""Probability that a sample is drawn from the arm of the infusion and shows `APTT_MOST`, and for anti-Xa
`ANTI_XA_MOST`. Chosen."""

ANTI_XA_MOST: Final = 2.0
"""Highest anti-Xa activity that the laboratory reports, IU/mL. Chosen (usual)."""

# --------------------------------------------------------------------------- the tasks

HOURS: Final = 48
"""Length of an episode."""

STEP, DELAY = 6, 1
"""Hours between decisions in `heparin`, and from the draw that a decision rests on until it takes effect."""

LOADING: Final = 6
"""Hours of the loading phase: a bolus of 80 U/kg takes the aPTT far above the range for a while, as it should, and
nobody draws one before."""

LOW, HIGH = 46, 70
"""Therapeutic range of the aPTT in whole seconds: 1.5 to 2.3 times the control [Raschke 1993]."""

ANTI_XA_RANGE: Final = (0.3, 0.7)
"""Therapeutic range of anti-Xa, IU/mL [Hirsh 2001], for protocols that go by it; rewards go by the aPTT."""

FAR_ABOVE, DANGEROUS = 90, 120
"""aPTTs above which a reward is lost: 3 and 4 times the control."""

REWARD_WITHIN, REWARD_BELOW, REWARD_FAR_ABOVE, REWARD_DANGEROUS = 1.0, -0.5, -1.0, -3.0
"""Reward of an hour within the range, below it after the first day, above 90 s, and above 120 s. Chosen."""

BELOW_FROM: Final = 24
"""Hour from which time below the range costs: recurrence was rare where the threshold was passed within a day."""

LAB_COST: Final = 0.12
"""Reward lost for every test ordered in `heparin-labs`. Chosen: 0.02 of the six hours of a step."""

SETS: Final = (8, 10, 12, 14, 16, 18, 20, 24)
"""Rates at which an infusion can be begun, U/kg/h."""

CHANGES: Final = (-4, -3, -2, -1, 0, 1, 2, 3, 4)
"""Changes of a running infusion, U/kg/h."""

MOST: Final = 50.0
"""Highest rate that the pump is set to, U/kg/h. Chosen: nearly three times the usual one."""

BOLUSES: Final = (0, 40, 60, 80)
"""U/kg."""

HOLDS: Final = (0, 30, 60)
"""Minutes for which the infusion is stopped before the new rate begins."""
