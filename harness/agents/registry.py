"""The agents by id. A factory takes the environment and returns an `Agent`.

What is no id but a folder is an agent that was trained there (`harness.agents.trained`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.agents.trained import is_folder, trained
from harness.core.agent import Agent
from harness.core.environment import Environment
from harness.core.errors import HarnessError, UsageError
from harness.core.registry import Entry, Registry

REVIEWERS = "harness.agents.heuristics.medication_review"
HEMOSIM = "harness.agents.heuristics.hemosim"

AGENTS = Registry(
    kind="agent",
    group="harness.agents",
    builtin={
        "random": Entry("harness.agents.reference:random", "every legal action equally often: chance"),
        "expert": Entry("harness.agents.reference:expert", "the clinicians' policy, estimated from the data"),
        "optimal": Entry("harness.agents.reference:optimal", "the optimal policy, computed"),
        "worst": Entry("harness.agents.reference:worst", "the worst policy there is, computed"),
        "fallback": Entry("harness.agents.reference:fallback", "never a legal action: the environment's fallback"),
        "heuristic": Entry(
            f"{REVIEWERS}:heuristic", "polypharmacy: asks the riskiest pairs, deals with what is severe"
        ),
        "pharmacist": Entry(f"{REVIEWERS}:pharmacist", "polypharmacy: Beers, doses, duplicates, cascades, substitutes"),
        "uninformed": Entry(
            f"{REVIEWERS}:uninformed", "polypharmacy: plans by how much classes tend to interact, asks"
        ),
        "experienced": Entry(
            f"{REVIEWERS}:experienced", "polypharmacy: plans by what pairs of classes did before, asks"
        ),
        "informed": Entry(f"{REVIEWERS}:informed", "polypharmacy: the optimum that knows every interaction"),
        "warfarin-random": Entry(
            "harness.agents.heuristics.warfarin:random", "warfarin: any change of the dose from -20 to +20 %: chance"
        ),
        "warfarin-fixed": Entry("harness.agents.heuristics.warfarin:fixed", "warfarin: 5 mg a day whatever the INR"),
        "warfarin-nomogram": Entry(
            "harness.agents.heuristics.warfarin:nomogram", "warfarin: 5 mg a day, then a percentage nomogram"
        ),
        "warfarin-nomogram-clinical": Entry(
            "harness.agents.heuristics.warfarin:nomogram_clinical",
            "warfarin: the nomogram, first dose by age, height, weight (IWPC)",
        ),
        "warfarin-nomogram-pharmacogenetic": Entry(
            "harness.agents.heuristics.warfarin:nomogram_pharmacogenetic",
            "warfarin: the nomogram, first dose by genotypes too (IWPC)",
        ),
        "warfarin-nomogram-gage": Entry(
            "harness.agents.heuristics.warfarin:nomogram_gage",
            "warfarin: the nomogram, first dose by Gage et al. (2008)",
        ),
        "warfarin-ebm": Entry("harness.agents.heuristics.warfarin:ebm", "warfarin: the protocol of the EBM Guidelines"),
        "warfarin-bayes": Entry(
            "harness.agents.heuristics.warfarin:bayes",
            "warfarin: a particle filter's belief and the dose it speaks for: the best known",
        ),
        "warfarin-oracle": Entry(
            "harness.agents.heuristics.warfarin:oracle",
            "warfarin: the plan that knows the patient and what is to come: an upper bound",
        ),
        "heparin-raschke": Entry(
            "harness.agents.heuristics.heparin:raschke", "heparin: 80 U/kg, 18 U/kg/h, the weight-based nomogram"
        ),
        "heparin-cruickshank": Entry(
            "harness.agents.heuristics.heparin:cruickshank",
            "heparin: 5,000 U, 32,000 U a day, Cruickshank's nomogram (60 to 85 s)",
        ),
        "heparin-standard": Entry(
            "harness.agents.heuristics.heparin:standard", "heparin: 5,000 U, 1,000 U/h, steps of 100 to 200 U/h"
        ),
        "heparin-anti-xa": Entry(
            "harness.agents.heuristics.heparin:anti_xa", "heparin-labs: 80 U/kg, 18 U/kg/h, a nomogram by anti-Xa"
        ),
        "heparin-anti-xa-proportional": Entry(
            "harness.agents.heuristics.heparin:anti_xa_proportional",
            "heparin-labs: hemosim's titration by anti-Xa, tenths",
        ),
        "heparin-nemati-stand-in": Entry(
            "harness.agents.heuristics.heparin:nemati_stand_in",
            "heparin: hemosim's stand-in for a published DQN (60 to 100 s)",
        ),
        "heparin-fixed": Entry(
            "harness.agents.heuristics.heparin:fixed", "heparin: 80 U/kg, 18 U/kg/h whatever the aPTT"
        ),
        "heparin-none": Entry("harness.agents.heuristics.heparin:none", "heparin: no heparin"),
        "heparin-random": Entry(
            "harness.agents.heuristics.heparin:random", "heparin: any change, bolus and pause: chance"
        ),
        "heparin-posterior": Entry(
            "harness.agents.heuristics.heparin:posterior",
            "heparin: a grid posterior and the orders it speaks for: the best rule known",
        ),
        "heparin-oracle": Entry(
            "harness.agents.heuristics.heparin:oracle",
            "heparin: the plan that knows the patient and what is to come: an upper bound",
        ),
        "hit-four-ts": Entry(
            "harness.agents.heuristics.heparin_hit:four_ts",
            "heparin-hit: heparin until the 4Ts reach 4, then another drug",
        ),
        "hit-count": Entry(
            "harness.agents.heuristics.heparin_hit:count", "heparin-hit: heparin until half of the platelets are lost"
        ),
        "hit-heparin": Entry("harness.agents.heuristics.heparin_hit:heparin", "heparin-hit: heparin every day"),
        "hit-alternative": Entry(
            "harness.agents.heuristics.heparin_hit:alternative", "heparin-hit: another anticoagulant every day"
        ),
        "hit-random": Entry(
            "harness.agents.heuristics.heparin_hit:random", "heparin-hit: any of the three therapies every day: chance"
        ),
        "hit-oracle": Entry(
            "harness.agents.heuristics.heparin_hit:oracle",
            "heparin-hit: knows whether and when HIT begins: an upper bound",
        ),
        "hemosim-random": Entry(f"{HEMOSIM}:random", "hemosim/*: the package's random baseline: chance"),
        "hemosim-clinical": Entry(f"{HEMOSIM}:clinical", "hemosim/*: the package's clinical baseline"),
        "hemosim-trivial": Entry(
            f"{HEMOSIM}:trivial", "hemosim/*: always the same, whatever is shown: the best of its kind found"
        ),
        "hemosim-gage": Entry(f"{HEMOSIM}:gage", "hemosim/warfarin: the package's pharmacogenetic baseline"),
        "hemosim-ordinal": Entry(f"{HEMOSIM}:ordinal", "hemosim/warfarin: the package's titration by INR alone"),
        "hemosim-anti-xa": Entry(f"{HEMOSIM}:anti_xa", "hemosim/heparin: the package's titration by anti-Xa"),
        "hemosim-nemati": Entry(f"{HEMOSIM}:nemati", "hemosim/heparin: the package's stand-in for a published DQN"),
        "doac-label": Entry("harness.agents.heuristics.doac:label", "doac: what breaks no rule, at the label's dose"),
        "doac-optimal": Entry(
            "harness.agents.heuristics.doac:optimal", "doac: the optimum, computed from what is shown"
        ),
        "doac-hemosim": Entry(
            "harness.agents.heuristics.doac:hemosim", "doac: hemosim's guideline baseline, by clearance"
        ),
        "doac-fixed-apixaban": Entry(
            "harness.agents.heuristics.doac:fixed_apixaban", "doac: apixaban 5 mg for everyone"
        ),
        "doac-fixed-dabigatran": Entry(
            "harness.agents.heuristics.doac:fixed_dabigatran", "doac: dabigatran 150 mg for everyone"
        ),
        "doac-fixed-edoxaban": Entry(
            "harness.agents.heuristics.doac:fixed_edoxaban", "doac: edoxaban 60 mg for everyone"
        ),
        "doac-fixed-rivaroxaban": Entry(
            "harness.agents.heuristics.doac:fixed_rivaroxaban", "doac: rivaroxaban 20 mg for everyone"
        ),
        "doac-fixed-warfarin": Entry("harness.agents.heuristics.doac:fixed_warfarin", "doac: warfarin for everyone"),
        "doac-random": Entry("harness.agents.heuristics.doac:random", "doac: any drug at any dose: chance"),
        "dic-none": Entry("harness.agents.heuristics.dic:none", "dic: the cause is treated, and nothing else"),
        "dic-guideline": Entry(
            "harness.agents.heuristics.dic:guideline",
            "dic: BCSH 2009 and ISTH/SSC 2013: components in bleeding, heparin without",
        ),
        "dic-lab-threshold": Entry(
            "harness.agents.heuristics.dic:lab_threshold", "dic: components by laboratory values alone"
        ),
        "dic-always-transfuse": Entry(
            "harness.agents.heuristics.dic:always_transfuse", "dic: every component, every six hours"
        ),
        "dic-always-heparin": Entry(
            "harness.agents.heuristics.dic:always_heparin", "dic: heparin in a therapeutic dose for everyone"
        ),
        "dic-random": Entry("harness.agents.heuristics.dic:random", "dic: every action equally often: chance"),
        "dic-fitted": Entry(
            "harness.agents.heuristics.dic:fitted", "dic: what fitted value iteration found: the reference itself"
        ),
        "human": Entry("harness.agents.human:human", "you, in the terminal: `harness play`"),
    },
)


def acting_in(env: Environment[Any, Any]) -> list[str]:
    """Ids of the agents that can act in an environment: those whose factories do not refuse it."""

    def acts(agent_id: str) -> bool:
        try:
            make(agent_id, env)
        except HarnessError:
            return False
        return True

    return [agent_id for agent_id in AGENTS.entries() if acts(agent_id)]


def make(agent_id: str, env: Environment[Any, Any]) -> Agent:
    """Build the agent `agent_id`, or the one trained in the folder of that name, for an environment.

    Raises
    ------
    UsageError
        If there is no such agent, or it cannot act in this environment.
    RunError
        If the folder holds none for this environment.
    """
    if agent_id not in AGENTS.entries() and is_folder(agent_id):
        return trained(Path(agent_id), env)
    agent = AGENTS.load(agent_id)(env)
    if not callable(getattr(agent, "act", None)):
        raise UsageError(f"The agent '{agent_id}' has no method 'act'; see harness.core.agent.Agent.")
    result: Agent = agent
    return result
