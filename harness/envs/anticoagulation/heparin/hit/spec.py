"""What a reader must know of `heparin-hit` before believing a number about it."""

from __future__ import annotations

from harness.core.environment import EnvSpec
from harness.envs.anticoagulation.heparin.hit import constants as c

MOST_A_DAY = 100 * (
    c.THROMBOSIS_UNTREATED + c.THROMBOSIS_HIT + c.BLEEDING_VERY_LOW * max(c.BLEEDING_HEPARIN, c.BLEEDING_ALTERNATIVE)
)

SPEC = EnvSpec(
    id="heparin-hit",
    version=1,
    title="Heparin-induced thrombocytopenia",
    summary="A simulated patient with a thrombosis is on heparin; every day, by the platelets and what else is known, "
    f"heparin goes on, is stopped, or is replaced by another anticoagulant, over {c.DAYS} days.",
    horizon=c.DAYS,
    hours_per_step=24,
    discount=1.0,
    reward_range=(-round(MOST_A_DAY, 1), 0.0),
    value_name="events of 100, negative",
    score="share of days on heparin before HIT begins, or without it, and on the alternative from then on",
    fallback="what was given the day before; on day 0 heparin",
    citations=(
        "Lo et al.: Evaluation of pretest clinical score (4 T's) for the diagnosis of heparin-induced thrombocytopenia "
        "in two clinical settings. J Thromb Haemost 2006;4:759.",
        "Cuker et al.: Predictive value of the 4Ts scoring system for heparin-induced thrombocytopenia. Blood "
        "2012;120:4160.",
        "Lewis et al.: Effects of argatroban therapy, demographic variables, and platelet count on thrombotic risks in "
        "heparin-induced thrombocytopenia. Chest 2006;129:1407, doi:10.1378/chest.129.6.1407.",
        "Lubenow et al.: Lepirudin in patients with heparin-induced thrombocytopenia. J Thromb Haemost 2005;3:2428.",
        "Every other number: harness/envs/anticoagulation/heparin/hit/constants.py.",
    ),
    data_licence="published parameters and summary statistics, facts; no patient data",
    limits_of_use=(
        "A benchmark, not medical advice: nobody should be treated by it.",
        f"{c.HIT:.0%} of the patients have HIT, far more than on any ward, and many others lose platelets too: the "
        "task is about those in whom the question comes up.",
        "Falls of platelets by other causes, and how surely those are named, were chosen so that low, intermediate and "
        "high 4Ts are worth what a meta-analysis found; onsets, speeds and spreads are assumptions within what "
        "is typical.",
        "Rewards are expected events, thrombosis and major bleeding counted alike, by published rates for HIT and "
        "assumed ones for the rest. Antibody tests, doses, delayed onset after heparin, and long-term outcomes do not "
        "exist.",
        "A thrombosis that is seen changes no rate. Whoever stops heparin early never gets HIT here.",
        "Regret is measured against the best plan for who knows whether and when HIT begins: no agent can bring its "
        "mean to zero. It is found by trying every sequence of the days left.",
    ),
)
