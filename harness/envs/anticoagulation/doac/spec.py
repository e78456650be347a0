"""What a reader must know of the task `doac` before believing a number about it."""

from __future__ import annotations

from typing import Final

from harness.core.environment import EnvSpec
from harness.envs.anticoagulation.doac import constants as c

WORST = -150.0
"""No quarter costs more than this: 130 are what a bleeding that goes on is worth at a HAS-BLED of 5 or more on
rivaroxaban beside ketoconazole, in severe liver disease, with a mechanical valve."""

FREE_VALUE: Final = "minus events"
"""What a value is with rules=free."""

SPEC = EnvSpec(
    id="doac",
    version=1,
    title="Anticoagulants in atrial fibrillation",
    summary="A simulated patient with atrial fibrillation comes every three months: which anticoagulant at which dose, "
    f"if any, and how long it is left out before a procedure, over {c.QUARTERS} quarters in which kidneys decline, "
    "other drugs start and stop, and strokes and bleedings happen.",
    horizon=c.QUARTERS,
    hours_per_step=None,
    discount=1.0,
    reward_range=(WORST, 0.0),
    value_name="minus events and rule prices",
    score="share of orders that break no rule: contraindications, interactions, the label's dose, indication, days "
    "left out before a procedure",
    fallback="the drug and dose taken up to now; no days left out",
    citations=(
        "Connolly et al. (RE-LY), N Engl J Med 2009;361:1139; Patel et al. (ROCKET AF), 2011;365:883; Granger et al. "
        "(ARISTOTLE), 2011;365:981; Giugliano et al. (ENGAGE AF), 2013;369:2093.",
        "US prescribing information of apixaban, rivaroxaban, dabigatran and edoxaban (facts, in our own words).",
        "Friberg et al.: strokes by CHA2DS2-VASc. Eur Heart J 2012;33:1500. Pisters et al.: HAS-BLED. Chest "
        "2010;138:1093. Hart et al.: warfarin against none. Ann Intern Med 2007;146:857.",
        "Singer et al.: the net clinical benefit of warfarin. Ann Intern Med 2009;151:297 (weights of events).",
        "Schulman and Kearon, J Thromb Haemost 2005;3:692; Kaatz et al., 2015;13:2119 (what a bleeding counts as).",
        "Every other number, and which are recalled or chosen: harness/envs/anticoagulation/doac/constants.py.",
    ),
    data_licence="published parameters and summary statistics, facts; no patient data",
    limits_of_use=(
        "A benchmark, not medical advice: no patient should be treated by it.",
        "Rules are those of US labels and of one guideline, some recalled and not read again; where a label leaves a "
        "choice, the cautious reading counts. 110 mg of dabigatran is right elsewhere.",
        "Rewards are minus the expected weighted events of 100 patients in the quarter (a stroke 1, an intracranial "
        f"bleeding 1.5, another major one {c.WEIGHT_EXTRACRANIAL:g}), {c.SWITCH_COST:g} for a change of drug, and "
        f"{c.RULE_PRICE:g} for an order that breaks a rule (with rules=free nothing): weights and prices are "
        "a convention, and so is every value and regret made of them. `weighted_events_100_patient_years` of a grade "
        "has no price in it. Expected, not sampled: one drug differs from another by less than chance would show.",
        "Scores, exposure and the trials' hazard ratios are multiplied as if independent. Bleedings were scaled to the "
        "trials' warfarin arms; how strokes depend on exposure was fitted to two trials with two doses, for two drugs "
        "only, and its plateau chosen. `harness calibrate doac` prints what was fitted and what is missed.",
        "By hazards alone (rules=free) the best order breaks a rule, mostly the label's dose, every second time: low "
        "doses trade bleedings for strokes about evenly in the trials. The price of a rule decides for the label; no "
        "drug's superiority over another should be read from it.",
        "On hardly any evidence: hazards of DOACs with a valve disease (one trial each, the same for all drugs), of a "
        "bleeding that goes on, of procedures, and in severe liver disease.",
        "One other drug at a time; adherence is perfect; warfarin's hazards depend on labile INRs only; nobody dies "
        "or leaves. Situations that decide (valves, inducers, kidney disease) are more frequent than in a clinic.",
        "Regret is measured against the optimum itself, by dynamic programming over what is shown: it knows the "
        "hazards and the probabilities of what may come, and nothing of what will.",
    ),
)
