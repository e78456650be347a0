"""What a reader must know of the package's environments before believing a number about them: what an audit found.

The audit ran hemosim 0.2.2 on its held-out seeds and read its source; `harness reproduce hemosim` prints its main
figures again, on seeds that had no part in choosing the trivial policies.

[Hamberg 2007] Clin Pharmacol Ther 2007;81:529, table 5. [Raschke] Ann Intern Med 1993;119:874.
"""

from __future__ import annotations

from harness.core.environment import EnvSpec

PACKAGE = (
    "Dhia: hemosim, reinforcement-learning environments for hemostasis and anticoagulation management, version 0.2.2 "
    "(2026), https://github.com/HassDhia/hemosim, MIT licence; its paper is paper/hemosim.pdf there."
)
LICENCE = "MIT (the package); simulated patients, no patient data"
COMMON = (
    "A benchmark of software, not of medicine: what is good in this environment harms patients or does nothing for "
    "them. It is here to be compared with what is published about it; the project's own tasks are warfarin and its "
    "neighbours.",
    "No optimum is known, so there is no regret: compare returns, and compare them with hemosim-trivial first.",
    "All of the package's randomness is one generator, seeded by the episode's seed.",
)


def _spec(task: str, found: tuple[str, ...], **fields: object) -> EnvSpec:
    given = {"discount": 1.0, "value_name": "return", "citations": (PACKAGE,), "data_licence": LICENCE, **fields}
    return EnvSpec.model_validate({"id": f"hemosim/{task}", "version": 1, "limits_of_use": (*COMMON, *found), **given})


WARFARIN = _spec(
    "warfarin",
    (
        "Audit: an overdose is impossible. INR is 1 / (vitamin K cycle), whose floor under any dose is 0.04 / (0.04 + "
        "0.06519), so INR cannot pass 2.63; the penalties above 4 and 6 are never met. The largest dose there is, 15 "
        "mg every day, is the best policy found; random doses are in range 95 % of the days.",
        "Audit: VKORC1 GG is more sensitive to warfarin than GA, and in people less: its factor was fitted alone. The "
        "target of that fit, INR 2.5 at 5 mg a day in GG, is not Hamberg's, whose model needs 7.7 mg at 70 years "
        "[Hamberg 2007].",
        "Audit: no measurement error, no missed doses, no drift. With difficulty hard, noise is added to an INR that "
        "begins at 1.0, and an INR below 1.0 ends the episode: 40 to 50 % end so, whatever is given.",
    ),
    title="Warfarin dosing of the package hemosim",
    summary="A simulated patient begins warfarin: every day a dose from 0 to 15 mg, for 90 days; the INR should be "
    "from 2 to 3.",
    horizon=90,
    hours_per_step=24.0,
    reward_range=(-17.0, 0.5),
    score="share of the 90 days with an INR from 2 to 3; days after an early end count as out of range",
    fallback="5 mg",
)

_HEPARIN_FOUND = (
    "Audit: the clinical dose ends the episode at the first decision. 80 U/kg and 18 U/kg/h drive the aPTT above 150 s "
    "within 6 hours in 100 of 100 patients; about 1.5 U/kg/h holds it in range. Elimination saturates at 5 U/kg/h, a "
    "bolus has a half-life of 11 hours (about one in people), and 0.3 U/mL means 112 s. The package's fitted "
    "parameters exist in its results and are not used by its environment.",
    "Audit: the package's 'Raschke' baseline gives a fixed rate for a band of aPTT; the nomogram changes the rate that "
    "runs [Raschke]. Patients differ in their pharmacokinetics by weight alone and, by up to 15 %, renal function.",
    "Audit: platelets rise from 250 to 441 in an untreated patient, and heparin-induced thrombocytopenia (difficulty "
    "hard) is a fall by 30 % that cannot reach the threshold of 50.",
)

HEPARIN = _spec(
    "heparin",
    _HEPARIN_FOUND,
    title="Heparin infusion of the package hemosim",
    summary="A simulated patient on unfractionated heparin: every 6 hours an infusion rate and perhaps a bolus, for "
    "120 hours; the aPTT, shown without error, should be from 60 to 100 s.",
    horizon=20,
    hours_per_step=6.0,
    reward_range=(-44.2, 0.5),
    score="share of the 20 decisions after which the aPTT is from 60 to 100 s; those after an early end count as not",
    fallback="no heparin",
)

HEPARIN_POMDP = _spec(
    "heparin-pomdp",
    (
        "Audit: laboratory values are worth almost nothing: a fixed rate without any is better than the clinical "
        "baseline with all. Every value comes back exactly 6 hours after it was drawn, and its age is counted from "
        "when it was reported, so a value that is 6 hours old says 0.",
        *_HEPARIN_FOUND,
    ),
    title="Heparin infusion with ordered laboratory values, of the package hemosim",
    summary="The same patient on heparin, of whom only what was ordered is known, with error and 6 hours late: every "
    "6 hours an infusion rate, perhaps a bolus, and what to draw.",
    horizon=20,
    hours_per_step=6.0,
    reward_range=(-44.6, 0.5),
    score="share of the 20 decisions after which the true aPTT is from 60 to 100 s; those after an early end count as "
    "not",
    fallback="no heparin, nothing drawn",
)

DOAC = _spec(
    "doac",
    (
        "Audit: the reward says 'do not switch'. Random switching costs 5 each; to keep the drug that the patient came "
        "with, at its standard dose, is better than the package's guideline baseline.",
        "Audit: the dose changes bleeding (0.7, 1, 1.3) and not stroke, so but for a bonus of 0.5 for the labelled "
        "dose the low dose would always be best. CrCl, age, weight and concentration change no risk at all.",
        "Audit: risks of trials, which are averages over scores of 3.5 to 4.9, are multiplied by the score again; the "
        "scores are drawn apart from age, so that 7.5 % of patients of 75 or more have a CHA2DS2-VASc below the 2 that "
        "age alone gives.",
    ),
    title="DOAC management of the package hemosim",
    summary="A simulated patient with atrial fibrillation: every 30 days one of three drugs and a dose, for a year; "
    "strokes and major bleeds should not happen.",
    horizon=12,
    hours_per_step=720.0,
    reward_range=(-34.0, 1.5),
    score="share of the 12 periods without stroke or major bleed; those after an early end count as not",
    fallback="the drug that the patient is on, standard dose",
)

DIC = _spec(
    "dic",
    (
        "Audit: transfusing at every decision and heparin always are best, as both cost next to nothing: platelets "
        "reach 500, and low heparin lowers D-dimer by 5 % at every decision with no bleeding. Chance is far better "
        "than doing nothing.",
        "Audit: 55 % of the patients have no overt DIC at the start; the cause is never treated and severity never "
        "resolves; a PT of exactly 3 or 6 s above normal scores one point less than the ISTH's rule.",
        "Audit: with cascade on, antithrombin is used up for good (it has no clearance term) and thrombin then runs "
        "away; and a step takes 540 times as long.",
    ),
    title="DIC management of the package hemosim",
    summary="A simulated patient with disseminated intravascular coagulation: every 4 hours platelets, plasma, "
    "cryoprecipitate and heparin, for 168 hours; the ISTH score should fall below 5.",
    horizon=42,
    hours_per_step=4.0,
    reward_range=(-52.5, 2.0),
    score="share of the 42 decisions after which the ISTH score is below 5; those after an early end count as not",
    fallback="nothing is given",
)
