"""Every number of the task `doac` but the patients', beside its source.

[Friberg 2012] Friberg L, Rosenqvist M, Lip GYH. Eur Heart J 2012;33:1500-1510. [Pisters 2010] Chest 2010;138:1093-1100.
[Hart 2007] Hart RG, Pearce LA, Aguilar MI. Ann Intern Med 2007;146:857-867. [RE-LY] Connolly SJ et al. N Engl J Med
2009;361:1139. [ROCKET AF] Patel MR et al. 2011;365:883. [ARISTOTLE] Granger CB et al. 2011;365:981. [ENGAGE AF]
Giugliano RP et al. 2013;369:2093 (arm rates as in PMC3829372, table 4). [Caso 2022] Heart 2023;109:178-185. [Label] US
prescribing information.

"Recalled" marks a figure from memory that was not read at its source, with how sure it is. "Chosen" marks what is not
published: a convention, an assumption, or fitted to what `harness calibrate doac` prints (then it says fitted).
"""

from __future__ import annotations

from typing import Final

# --------------------------------------------------------------------------- what can be ordered

DRUGS: Final = (
    "none", "warfarin", "apixaban_5", "apixaban_2.5", "apixaban_10", "rivaroxaban_20", "rivaroxaban_15",
    "dabigatran_150", "dabigatran_110", "dabigatran_75", "edoxaban_60", "edoxaban_30",
)  # fmt: skip
"""Drug and single dose in mg: apixaban and dabigatran twice a day, rivaroxaban and edoxaban once. Apixaban 10 mg is the
dose of the first week of a venous thrombosis; dabigatran 110 mg is not licensed for atrial fibrillation in the US."""

MOLECULES: Final = ("none", "warfarin", "apixaban", "rivaroxaban", "dabigatran", "edoxaban")

RELATIVE_DOSE: Final = (0.0, 1.0, 1.0, 0.5, 2.0, 1.0, 0.75, 1.0, 110 / 150, 0.5, 1.0, 0.5)
"""Of each of `DRUGS`, relative to the standard dose of the trials."""

LONGEST_HOLD: Final = 5
"""Days that can be left out before a procedure."""

QUARTERS: Final = 12
QUARTER: Final = 0.25
QUARTER_DAYS: Final = 91.0
"""Decisions of an episode; a quarter in years and in days."""

# --------------------------------------------------------------------------- exposure

RENAL_FRACTION: Final = {"apixaban": 0.27, "rivaroxaban": 0.33, "dabigatran": 0.80, "edoxaban": 0.50}
"""Part of clearance that is renal; of rivaroxaban the active drug [labels, as in the slides of Ruff]."""

TYPICAL_CRCL, HIGHEST_CRCL = 75.0, 130.0
"""mL/min: clearance at which exposure is the trials' typical one, and above which it falls no further. Chosen."""

_NONE: Final = {"apixaban": 1.0, "rivaroxaban": 1.0, "dabigatran": 1.0, "edoxaban": 1.0}
COMEDICATIONS: Final = {
    "none": _NONE,
    "aspirin": _NONE,
    "naproxen": _NONE,
    "verapamil": {"apixaban": 1.4, "rivaroxaban": 1.4, "dabigatran": 1.5, "edoxaban": 1.5},
    "dronedarone": {"apixaban": 1.3, "rivaroxaban": 1.3, "dabigatran": 1.7, "edoxaban": 1.85},
    "amiodarone": {"apixaban": 1.1, "rivaroxaban": 1.1, "dabigatran": 1.3, "edoxaban": 1.4},
    "ketoconazole": {"apixaban": 2.0, "rivaroxaban": 2.6, "dabigatran": 2.4, "edoxaban": 1.87},
    "clarithromycin": {"apixaban": 1.6, "rivaroxaban": 1.5, "dabigatran": 1.2, "edoxaban": 1.5},
    "rifampicin": {"apixaban": 0.46, "rivaroxaban": 0.5, "dabigatran": 0.33, "edoxaban": 0.65},
    "carbamazepine": {"apixaban": 0.5, "rivaroxaban": 0.5, "dabigatran": 0.5, "edoxaban": 0.65},
}
"""Ratio of exposure beside each other drug [Label]. Recalled with middling certainty; those of verapamil and
dronedarone on apixaban and rivaroxaban, of amiodarone and of carbamazepine with little."""

LIVER: Final = ("none", "moderate", "severe")
LIVER_EXPOSURE: Final = {
    "none": _NONE,
    "moderate": {"apixaban": 1.1, "rivaroxaban": 2.3, "dabigatran": 1.0, "edoxaban": 1.0},
    "severe": {"apixaban": 2.0, "rivaroxaban": 3.0, "dabigatran": 1.5, "edoxaban": 1.5},
}
"""Child-Pugh B [Label, recalled with good certainty] and C (chosen; it was never studied)."""

# --------------------------------------------------------------------------- hazards

STROKE_UNTREATED: Final = (0.2, 0.6, 2.2, 3.2, 4.8, 7.2, 9.7, 11.2, 10.8, 12.2)
"""Ischaemic strokes per 100 patient-years without anticoagulation, by CHA2DS2-VASc 0 to 9 [Friberg 2012]."""

BLEEDING: Final = (1.13, 1.02, 1.88, 3.74, 8.70, 12.5)
"""Major bleedings per 100 patient-years on warfarin, by HAS-BLED 0 to 5 (and above) [Pisters 2010]."""

BLEEDING_SCALE: Final = 1.26
"""All bleedings are multiplied by this. Fitted to the warfarin arms of the four trials, which count ISTH (RE-LY: nearly
the same) major bleedings; the registry of [Pisters 2010] had fewer."""

LABILE_IN_TRIALS: Final = 0.40
"""Share of the trials' patients on warfarin with labile INRs. Chosen, after mean times in range of 55 to 65 %. On
another drug a patient bleeds as often, times its ratio, as patients do on warfarin who are otherwise alike."""

WARFARIN_STROKE: Final = 0.36
"""Strokes on warfarin relative to none [Hart 2007; recalled with good certainty]."""

NO_DRUG_BLEEDING: Final = 0.5
"""Major bleedings without anticoagulation relative to warfarin. Chosen, after apixaban against aspirin (AVERROES)."""

STROKE_RATIO: Final = {"apixaban": 0.79, "rivaroxaban": 0.88, "dabigatran": 0.65, "edoxaban": 0.80}
BLEEDING_RATIO: Final = {"apixaban": 0.69, "rivaroxaban": 1.04, "dabigatran": 0.93, "edoxaban": 0.85}
"""Standard dose against warfarin: hazard ratios of stroke or systemic embolism and of major bleeding in the trials.
Edoxaban's, 0.87 and 0.80, are of an arm in which a quarter took half the dose; the ratios at the full dose are fitted
so that the arm comes near."""

STROKE_EXPONENT: Final = {"apixaban": 0.6, "rivaroxaban": 0.6, "dabigatran": 1.06, "edoxaban": 0.42}
BLEEDING_EXPONENT: Final = 0.65
"""Strokes go with exposure to the power -a, bleedings to the power b. b from overdoses (hazard ratio 1.41 [Caso 2022])
and both trials with two doses; a of dabigatran and edoxaban fitted to their two doses; 0.6 is chosen for the others,
between these."""

PLATEAU: Final = 1.0
"""Exposure above which strokes fall no further. Chosen, after dabigatran's concentrations (Reilly et al., J Am Coll
Cardiol 2014;63:321): strokes level off, bleedings go on rising; overdosed patients had no fewer strokes [Caso 2022].
Without it the best dose for patients at high risk would be one far too high."""

INTRACRANIAL: Final = {
    "none": 0.10, "warfarin": 0.22, "apixaban": 0.155, "rivaroxaban": 0.14, "dabigatran": 0.10, "edoxaban": 0.14
}  # fmt: skip
"""Share of major bleedings that are intracranial: arm rates of the four trials; warfarin's as the facts of its arms
together; without a drug chosen. Edoxaban's recalled with good certainty."""

VALVES: Final = ("none", "mitral stenosis", "mechanical")
VALVE_STROKE: Final = (1.0, 1.5, 2.0)
"""Strokes with moderate or severe mitral stenosis, or a mechanical valve, relative to none. Chosen."""

VALVE_RATIO: Final = (None, 1.4, 3.0)
"""Strokes on a DOAC against warfarin then: rivaroxaban in rheumatic disease (INVICTUS, N Engl J Med 2022;387:978) and
apixaban with a mechanical aortic valve (PROACT Xa, NEJM Evid 2023;2). Recalled, the first with middling certainty. The
same is taken for all DOACs; dabigatran did worse (RE-ALIGN, N Engl J Med 2013;369:1206)."""

VALVE_BLEEDING: Final = (1.0, 1.0, 1.5)
"""Bleedings on a DOAC with such a valve. Chosen."""

BLEEDING_AGAIN, BLEEDING_AGAIN_UNTREATED = 8.0, 4.0
"""How many times as often it bleeds again in the quarter after a major bleeding that still goes on, with and without
anticoagulation. Chosen."""

# --------------------------------------------------------------------------- procedures

PROCEDURES: Final = ("none", "low", "high")
PROCEDURE_SHARE: Final = (0.94, 0.04, 0.02)
"""Procedures in a quarter by their risk of bleeding. Chosen (one patient in six a year has one; here some more)."""

PROCEDURE_BLEEDING: Final = (0.0, 0.003, 0.010)
PROCEDURE_EXCESS: Final = 6.0
"""Probability of a major bleeding from a procedure when the drug was left out long enough, and how many times that
comes on top at full effect. Chosen, after PAUSE (Douketis et al., JAMA Intern Med 2019;179:1469): 0.9 to 1.9 %."""

REBOUND: Final = 3.0
"""Strokes on days without the drug relative to untreated days. Chosen (boxed warnings on premature discontinuation)."""

HOLD_DAYS: Final = {"apixaban": (0, 1, 2), "rivaroxaban": (0, 1, 2), "edoxaban": (0, 1, 2), "warfarin": (0, 5, 5)}
HOLD_DABIGATRAN: Final = ((0, 1, 2), (0, 2, 4))
HOLD_CRCL: Final = 50.0
"""Days to be left out before a procedure of no, low and high risk; dabigatran's from a clearance of 50 mL/min on, and
below (PAUSE protocol)."""

# --------------------------------------------------------------------------- what an event weighs

WEIGHT_STROKE, WEIGHT_INTRACRANIAL, WEIGHT_EXTRACRANIAL = 1.0, 1.5, 0.3
"""Weight of a stroke or embolism, an intracranial and another major bleeding. Singer et al., Ann Intern Med
2009;151:297 for 1.0 and 1.5; 0.3 chosen. The strokes of the trials include haemorrhagic ones, which so weigh more."""

SWITCH_COST: Final = 0.02
"""Weighted events per 100 patients that changing to another drug costs (not to another dose, not from or to none).
Chosen: small, so that it pays to change for good and not for a week of antibiotics."""

RULE_PRICE: Final = 1.0
"""Weighted events per 100 patients that an order against the rules costs in a quarter, where rules are priced. Chosen:
enough that the best orders keep to the rules. Hazards alone speak for doses that no label allows, because in the trials
low doses prevented bleedings nearly as well as they allowed strokes, and the label's criteria stand for more than the
hazards know."""

# --------------------------------------------------------------------------- what happens by itself, per quarter

LOWEST_CREATININE, CREATININE_STEP, CREATININE_LEVELS = 0.40, 1.08, 54
"""Creatinine has these levels: 0.40 mg/dL and each 8 % higher, to two decimals."""

INJURY_LEVELS: Final = 9
"""Levels that creatinine is higher during acute kidney injury: it doubles (KDIGO stage 2)."""

WORSENING, WORSENING_FAST = 0.03, 0.10
"""Probability of one level more; the second with diabetes or chronic kidney disease. Chosen: with age they make 1 to 2
and 2 to 3 mL/min a year."""

INJURY, INJURY_CKD = 0.0075, 0.0225
INJURY_LASTS, INJURY_LEAVES, INJURY_LEFT = 0.2, 0.4, 2
"""Probability of acute kidney injury, also with chronic disease; that it goes on; that it leaves creatinine higher when
it ends, and by how many levels. Chosen: 3 % a year."""

STARTS: Final = 0.05
START_SHARE: Final = {
    "aspirin": 0.15, "naproxen": 0.15, "verapamil": 0.14, "dronedarone": 0.08, "amiodarone": 0.12,
    "ketoconazole": 0.08, "clarithromycin": 0.12, "rifampicin": 0.08, "carbamazepine": 0.08,
}  # fmt: skip
STOPS: Final = {
    "aspirin": 0.08, "naproxen": 0.5, "verapamil": 0.08, "dronedarone": 0.15, "amiodarone": 0.08,
    "ketoconazole": 0.7, "clarithromycin": 0.9, "rifampicin": 0.4, "carbamazepine": 0.08,
}  # fmt: skip
"""Probability that another drug starts, which it is, and that it stops. One at a time. Chosen; drugs that matter are
more frequent than in life."""

NON_MAJOR: Final = 2.0
"""Clinically relevant non-major bleedings for each major one. Chosen (between ARISTOTLE's and ROCKET AF's)."""
