"""Every number of the DIC task, beside its source. Most are assumed: there is no published model of treated DIC.

[BCSH] Levi M, Toh CH, Thachil J, Watson HG. Guidelines for the diagnosis and management of disseminated intravascular
coagulation. British Journal of Haematology 2009;145:24-33.

[SSC] Wada H, Thachil J, Di Nisio M, et al. Guidance for diagnosis and treatment of disseminated intravascular
coagulation from harmonization of the recommendations from three guidelines. Journal of Thrombosis and Haemostasis
2013;11:761-767.

[KyberSept] Kienast J, Juers M, Wiedermann CJ, et al. Treatment effects of high-dose antithrombin without concomitant
heparin in patients with severe sepsis with or without disseminated intravascular coagulation. Journal of Thrombosis
and Haemostasis 2006;4:90-97.

[CRASH-2] CRASH-2 collaborators. The importance of early treatment with tranexamic acid in bleeding trauma patients.
Lancet 2011;377:1096-1101. Benefit within three hours of the injury, harm later.

"Assumed" marks what nobody measured; "fitted" what was chosen so that `harness calibrate dic` meets its targets.
"""

from __future__ import annotations

from typing import Final

STEP_HOURS: Final = 6.0
STEPS: Final = 28
"""Decisions of an episode: seven days."""

FOLLOWED_DAYS: Final = 28
"""Days after which mortality is counted."""

# --------------------------------------------------------------------------- causes

CAUSES: Final = ("sepsis", "trauma", "obstetric", "leukaemia", "cancer")
"""Sepsis: organ failure, little bleeding. Trauma and obstetric: massive bleeding, fibrinolysis high at first.
Leukaemia (acute promyelocytic): bleeding, fibrinolysis high until it is treated. Cancer (solid): thrombosis prevails.
The types of DIC follow [SSC]; every value below is assumed."""

SHARE: Final = (0.45, 0.20, 0.15, 0.10, 0.10)
"""Of patients. Not what a hospital sees: chosen so that half of them bleed, since components are there for those."""

BLEEDS: Final = (0.25, 0.90, 0.90, 0.70, 0.10)
"""Share that bleeds on arrival."""

DRIVER: Final = (1.00, 0.90, 1.00, 1.00, 0.80)
"""Median of the procoagulant drive, without a unit: 1 consumes as the rates below say."""

DRIVER_SD: Final = 0.55
"""Of its logarithm."""

PLATELETS: Final = (95.0, 80.0, 75.0, 40.0, 85.0)
FIBRINOGEN: Final = (2.8, 1.4, 1.2, 1.4, 2.2)
FACTORS: Final = (50.0, 45.0, 46.0, 54.0, 60.0)
"""Medians on arrival at a drive of 1: 10^9/L, g/L and percent of normal clotting factors. Lowered while fitting."""

ARRIVAL_EXPONENT: Final = (0.5, 0.35, 0.25)
"""They fall with the drive to this power: platelets, fibrinogen, factors."""

ARRIVAL_SD: Final = (0.40, 0.30, 0.22)
"""Of their logarithms at a given drive."""

ORGANS: Final = (0.26, 0.20, 0.14, 0.12, 0.16)
"""Mean organ failure on arrival at a drive of 1, as a share of the worst there is."""

ORGANS_SD: Final = 0.08
ORGANS_PER_DRIVER: Final = 0.08

THROMBOSIS: Final = (1.00, 0.60, 0.60, 0.50, 1.50)
"""How much of the drive damages organs by clots in small vessels."""

FIBRINOLYSIS: Final = (0.0, 1.0, 0.9, 1.0, 0.0)
FIBRINOLYSIS_HOURS: Final = (1.0, 8.0, 8.0, 96.0, 1.0)
"""Excess fibrinolysis on arrival, of 1, and the time in which it falls to a third."""

# --------------------------------------------------------------------------- treating the cause

CONTROLLABLE: Final = 0.75
"""Share of patients whose cause yields when it is treated."""

CONTROLLED_HOURS: Final = (30.0, 80.0)
FAILED_HOURS: Final = (150.0, 400.0)
"""Time constant of the drive once the cause is treated, uniform: where it yields, and where not."""

UNTREATED_HOURS: Final = 600.0
"""Time constant while the cause is left alone."""

# --------------------------------------------------------------------------- turnover

PLATELETS_NORMAL, PLATELETS_HOURS = 210.0, 110.0
FIBRINOGEN_NORMAL, FIBRINOGEN_HOURS = 4.2, 70.0
FACTORS_NORMAL, FACTORS_HOURS = 105.0, 34.0
"""What an acutely ill patient tends to without DIC, and in which time (hours). Assumed; half-lives in health are 8 to
10 days, about 4 days, and 5 to 60 hours for factors VII to II."""

CONSUMED: Final = (0.013, 0.020, 0.016)
"""Share of platelets, fibrinogen and factors consumed in an hour at a drive of 1. Assumed."""

BLED: Final = (0.012, 0.015, 0.010)
"""Share of each lost in an hour of bleeding. Assumed."""

LYSED: Final = 0.020
"""Share of fibrinogen digested in an hour at an excess fibrinolysis of 1. Assumed."""

D_DIMER_MADE, D_DIMER_CLEARED = 0.21, 0.087
"""mg/L an hour at a drive and fibrinogen of 1 (assumed), and cleared (a half-life of 8 hours)."""

D_DIMER_LIMIT: Final = 0.5
"""Upper limit of normal, mg/L fibrinogen-equivalent units; the customary one."""

PT_NORMAL, PT_EXPONENT = 12.5, 0.55
"""Prothrombin time, seconds: 12.5 at 100 % factors, rising with (100/factors)^0.55. Assumed; the usual steepness."""

# --------------------------------------------------------------------------- components

PLATELET_RISE: Final = 40.0
"""10^9/L of an adult dose (one apheresis or a pool): 30 to 60 in those without consumption."""

CRYO_RISE: Final = 0.8
"""g/L fibrinogen of ten units of cryoprecipitate: 0.6 to 1.0 in 70 kg."""

PLASMA_FIBRINOGEN, PLASMA_FACTORS = 0.35, 16.0
"""g/L fibrinogen and percent of factors of 15 mL/kg plasma: factors rise by 15 to 25 %."""

RECOVERY_LOST: Final = 0.6
"""What is given is worth 1 / (1 + 0.6 drive) of that: in DIC 30 to 60 % less survives. Plasma's factors are not."""

LITRES: Final = {"platelets": 0.3, "plasma": 1.05, "cryo": 0.25}
"""Volume of each dose in an adult of 70 kg, litres."""

UNITS: Final = {"platelets": 1, "plasma": 4, "cryo": 2}
"""Bags of each dose, as they are counted: a pool, four of plasma, two pools of five donors."""

KEPT_HOURS: Final = 12.0
"""Time constant in which a component's volume leaves the circulation. Assumed."""

KEPT_BLEEDING: Final = 0.5
"""Part of the volume that stays in a patient who bleeds. Assumed."""

OVERLOAD_FROM, OVERLOAD_RATE = 1.2, 0.06
"""Litres retained from which on the lungs are at risk, and probability of overload or lung injury (TACO, TRALI) in a
step for each litre more. Assumed."""

OVERLOAD_ORGANS: Final = 0.05
"""Organ failure that an overload adds. Assumed."""

FUEL: Final = 0.10
"""Organ failure that components add in a step, at a drive of 1, in a patient who does not bleed ('fuel to the fire').
Whether that exists is debated; fitted to the target that transfusing for laboratory values alone costs 3 to 8 points of
mortality."""

# --------------------------------------------------------------------------- drugs

DRUGS: Final = ("none", "txa", "heparin_prophylactic", "heparin_therapeutic")

CONSUMPTION_SPARED: Final = (0.0, 0.0, 0.10, 0.20)
"""Part of consumption that each prevents. Assumed."""

ORGANS_SPARED: Final = (0.0, 0.0, 0.15, 0.20)
"""Part of the damage by clots that each prevents. Assumed."""

ORGANS_SPARED_CANCER: Final = (0.0, 0.0, 0.20, 0.50)
"""The same where thrombosis prevails. Assumed."""

HEPARIN_ONSET: Final = (0.0, 0.0, 0.10, 0.80)
"""What each adds to the log odds that a bleeding begins. Fitted: always heparin, 10 to 15 points more bleeding."""

HEPARIN_STOP: Final = (1.0, 1.0, 0.80, 0.40)
"""Factor of the probability that a bleeding stops. Assumed."""

TXA_LYSIS_LEFT: Final = 0.2
"""Part of the excess fibrinolysis that is left for a step after tranexamic acid. Assumed."""

TXA_ORGANS: Final = 0.05
"""Organ failure that a dose adds at a drive of 1 and no excess fibrinolysis, by clots that are not dissolved. Assumed;
after three hours tranexamic acid harms in trauma [CRASH-2]."""

# --------------------------------------------------------------------------- bleeding

ONSET: Final = -5.0
"""Log odds that a bleeding begins within a step, all laboratory values normal. Assumed."""

ONSET_OF: Final = (2.2, 1.5, 0.9)
"""What the lowest platelets, fibrinogen and factors each add. Assumed."""

ONSET_ORGANS, ONSET_LYSIS = 0.6, 0.8
"""Per unit of organ failure and of excess fibrinolysis. Assumed."""

PLATELETS_RISKY, FIBRINOGEN_RISKY, PT_RISKY = (80.0, 15.0), (2.0, 0.7), (1.3, 1.9)
"""Where the risk begins to rise, and where it is highest: 10^9/L, g/L, times the normal prothrombin time. Assumed; no
guideline's threshold is among them."""

STOP, STOP_HAEMOSTASIS = 0.01, 0.35
"""Probability that a bleeding stops within a step: at the lowest values, and what normal ones add. Changed while
fitting, so that components are worth giving to those who bleed."""

STOP_LYSIS: Final = 0.6
"""Part of it that an excess fibrinolysis of 1 takes away. Assumed."""

# --------------------------------------------------------------------------- organs and death

ORGANS_DAMAGED, ORGANS_HEALED = 0.0048, 0.0085
"""Organ failure added in an hour at a drive of 1, and the share that heals. Assumed."""

HAZARD, HAZARD_ORGANS, HAZARD_BLEEDING = -6.9, 5.2, 2.0
"""Logarithm of the hazard of death in a step, per unit of organ failure, and while bleeding. Fitted to mortality after
28 days of 40.0 % with and 22.2 % without overt DIC [KyberSept, placebo, no heparin]."""

SOFA_WORST: Final = 20
"""Points of SOFA that the worst organ failure has, coagulation left out."""

# --------------------------------------------------------------------------- laboratory

LAB_DELAY: Final = 1.0
"""Hours between drawing and result."""

LAB_CV: Final = {"platelets": 0.05, "pt": 0.03, "fibrinogen": 0.08, "d_dimer": 0.10}
"""Coefficients of variation. Assumed, of the usual size."""

# --------------------------------------------------------------------------- what counts (a convention)

COST_BLEEDING_DAY: Final = 0.1
COST_UNIT: Final = 0.01
COST_OVERLOAD: Final = 0.3
"""Of a day with bleeding, a unit of a component, an overload; a death costs 1."""

# --------------------------------------------------------------------------- thresholds of guidelines

PLATELETS_BLEEDING: Final = 50.0
"""Transfuse when bleeding, or at high risk of it, below so many 10^9/L [BCSH, SSC]."""

PLATELETS_PROPHYLACTIC: Final = 20.0
"""Transfuse without bleeding below so many, at high risk [SSC; BCSH 10 to 20 after chemotherapy]."""

PT_RATIO: Final = 1.5
"""Plasma when bleeding above so many times the normal prothrombin time [SSC]."""

FIBRINOGEN_BLEEDING: Final = 1.5
"""Cryoprecipitate when bleeding below so many g/L [SSC; BCSH 1.0, despite plasma]."""

HEPARIN_PLATELETS: Final = (30.0, 50.0)
"""Platelets below which prophylactic and therapeutic heparin are usually withheld. A convention."""

TXA_HOURS: Final = 3.0
"""After an injury or birth, tranexamic acid is begun within so many hours [CRASH-2]; that is at the first decision."""
