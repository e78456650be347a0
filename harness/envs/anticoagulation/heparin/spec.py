"""What a reader must know of the heparin tasks before believing a number about them."""

from __future__ import annotations

from harness.core.environment import EnvSpec
from harness.envs.anticoagulation.heparin import constants as c

SPEC = EnvSpec(
    id="heparin",
    version=1,
    title="Heparin infusion",
    summary="A simulated patient with a thrombosis is given unfractionated heparin: a start, then every "
    f"{c.STEP} hours, by the aPTT, a change of the infusion, a bolus, a pause, over {c.HOURS} hours.",
    horizon=c.HOURS // c.STEP,
    hours_per_step=c.STEP,
    discount=1.0,
    reward_range=(c.STEP * c.REWARD_DANGEROUS, c.STEP * c.REWARD_WITHIN),
    value_name="net hours in range",
    score=f"share of the time after hour {c.LOADING} with a true aPTT from {c.LOW} to {c.HIGH} s",
    fallback="at the beginning 80 U/kg and 18 U/kg/h, later the same rate; no bolus, no pause, nothing drawn",
    citations=(
        "Raschke et al.: The weight-based heparin dosing nomogram compared with a 'standard care' nomogram. Ann Intern "
        "Med 1993;119:874, doi:10.7326/0003-4819-119-9-199311010-00002.",
        "Raschke: letter. Arch Intern Med 1995;155:117 (444 aPTTs in 48 hours: 17 % below, 65 % within, 18 % above).",
        "Cruickshank et al.: A standard heparin nomogram for the management of heparin therapy. Arch Intern Med "
        "1991;151:333.",
        "Hirsh et al.: Heparin and low-molecular-weight heparin. Chest 2001;119(1 Suppl):64S.",
        "Every other number: harness/envs/anticoagulation/heparin/constants.py.",
    ),
    data_licence="published parameters and summary statistics, facts; no patient data",
    limits_of_use=(
        "A benchmark, not medical advice: no patient should be dosed by it.",
        "The form of the kinetics is published, saturable plus linear elimination; its rate was fitted to how "
        "Raschke's nomogram splits aPTTs, and boluses last half as long again as reported. `harness calibrate heparin` "
        "prints which figures were fitted and which predicted.",
        "The spread among patients, the drift and the laboratory were chosen. aPTTs are those of one laboratory, whose "
        f"control is {c.CONTROL:g} s; another one's therapeutic range is another.",
        "Patients differ in weight, elimination, volume and response; age, kidneys, antithrombin, heparin resistance "
        "and other drugs do not exist. Bleeding and recurrent thrombosis are not simulated; rewards count hours by "
        "their aPTT, with weights that are a convention.",
        f"In the first {c.LOADING} hours an aPTT that has reached the range counts as within, however high it is: a "
        "bolus is meant to exceed it.",
        "Cruickshank's nomogram aims at another laboratory's 60 to 85 s and its bands were recalled, not read; it is "
        "not to be judged by its time in range here.",
        "Regret is measured against a plan that knows the patient, and also how elimination will drift: no agent can "
        "bring its mean to zero. It is the best plan that was found on a grid, not a proven optimum.",
    ),
)

LABS_SPEC = SPEC.model_copy(
    update={
        "id": "heparin-labs",
        "title": "Heparin infusion with a laboratory",
        "summary": "A simulated patient with a thrombosis is given unfractionated heparin; every hour the infusion can "
        "be changed and blood be drawn, whose results come later, are noisy, and sometimes lost, over "
        f"{c.HOURS} hours.",
        "horizon": c.HOURS,
        "hours_per_step": 1,
        "reward_range": (c.REWARD_DANGEROUS - 2 * c.LAB_COST, c.REWARD_WITHIN),
        "limits_of_use": (
            *SPEC.limits_of_use,
            "Times from draw to result, losses and samples from the wrong arm are chosen; no source that could be read "
            "gives them. The drift is larger than in `heparin`, fitted to a time in range that was aimed at.",
            "The reference draws no blood: it knows.",
        ),
    }
)
