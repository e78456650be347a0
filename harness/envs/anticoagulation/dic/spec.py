"""What a reader must know of the DIC task before believing a number about it."""

from __future__ import annotations

from harness.core.environment import EnvSpec
from harness.envs.anticoagulation.dic import constants as c
from harness.envs.anticoagulation.dic.reference import FUTURES

MOST_LOST = c.COST_BLEEDING_DAY * c.STEP_HOURS / 24 + c.COST_UNIT * sum(c.UNITS.values()) + c.COST_OVERLOAD

SPEC = EnvSpec(
    id="dic",
    version=1,
    title="Disseminated intravascular coagulation",
    summary="A simulated adult with disseminated intravascular coagulation, bleeding or not: every six hours for seven "
    "days, which components and which drug to give, and when to treat the cause.",
    horizon=c.STEPS,
    hours_per_step=c.STEP_HOURS,
    discount=1.0,
    reward_range=(-MOST_LOST, 1.0),
    return_range=(-c.STEPS * MOST_LOST, 1.0),
    value_name="net survival",
    score="net survival, cut at 0: the probability to live on day 28, less 0.1 for a day with bleeding, 0.01 for a bag "
    "of a component and 0.3 for an overload, each weighted by the probability to live then",
    fallback="nothing is given or treated for six hours",
    citations=(
        "Taylor et al.: Towards definition, clinical and laboratory criteria, and a scoring system for disseminated "
        "intravascular coagulation. Thromb Haemost 2001;86:1327 (the ISTH score).",
        "Levi et al.: Guidelines for the diagnosis and management of disseminated intravascular coagulation. Br J "
        "Haematol 2009;145:24 (BCSH).",
        "Wada et al.: Guidance for diagnosis and treatment of disseminated intravascular coagulation from "
        "harmonization of the recommendations from three guidelines. J Thromb Haemost 2013;11:761 (ISTH/SSC).",
        "Kienast et al.: Treatment effects of high-dose antithrombin without concomitant heparin in patients with "
        "severe sepsis with or without disseminated intravascular coagulation. J Thromb Haemost 2006;4:90 (mortality).",
        "Every other number: harness/envs/anticoagulation/dic/constants.py.",
    ),
    data_licence="published thresholds and summary statistics, facts; no patient data",
    assumption_based=True,
    limits_of_use=(
        "A benchmark, not medical advice: no patient should be treated by it.",
        "Assumption-based, and kept out of rankings: no component or drug has a proven effect on mortality in DIC, and "
        "no published model of treated DIC exists. How laboratory values, bleeding, organs and treatment act on each "
        "other is assumed.",
        "Fitted: mortality by day 28 with and without overt DIC (of severe sepsis, taken for all causes), "
        "that transfusing for laboratory values alone costs 3 to 8 points of it, and that heparin for everyone begins "
        "10 to 15 points more bleedings; the last two are targets of design, not findings. Nothing is predicted: "
        "`harness calibrate dic`.",
        "Half of the patients bleed on arrival, by choice: not what a hospital sees. They are adults of 70 kg; there "
        "are no procedures, no factor concentrates, no antithrombin or thrombomodulin.",
        "Death is a probability and not an event: an episode always lasts seven days, what comes later is weighted by "
        "the probability to live then, and after day 7 nothing is given and nobody bleeds.",
        "What a day with bleeding, a bag and an overload cost beside a death is a convention. It decides much: most of "
        "what sets chance apart are the bags that it gives.",
        "To treat the cause costs nothing here, so that at once is best; who never does it loses most by that.",
        "Regret is measured against a policy, not an optimum: fitted value iteration on simulated patients, which sees "
        f"what agents see. Its value is estimated from {FUTURES} simulated futures of the true state. A regret is thus "
        "an estimate and can be negative; what the policy would do has none, and their mean sum over an episode is "
        "what the policy earns more.",
    ),
)
