"""What a reader must know of the three tasks before believing a number about them."""

from __future__ import annotations

from typing import Literal

from harness.core.environment import EnvSpec
from harness.envs.polypharmacy.patients import Task

FAMILY = "polypharmacy"

HARM_SCORE = (
    "the part of what the informed optimum gains (harm taken away, less costs) that was gained, 0 to 1; where there is "
    "nothing to gain, 1 less what was lost. Who did harm gets 0, so mean scores hide losses"
)
ORIGINAL_SCORE = "the original's grader, from 0.001 to 0.999 (see harness/envs/polypharmacy/original.py)"

REWARD_BOUND = 12.0
"""Harm points that no step changes by more: 14 contraindicated pairs are 7, and what one drug does alone is below 4."""


def spec_of(task: Task, scoring: Literal["harm", "original"]) -> EnvSpec:
    """The spec of a task under a scoring."""
    of_original = scoring == "original"
    return EnvSpec(
        id=f"{FAMILY}/{task.name}",
        version=2,
        title=f"Medication review, {task.name}",
        summary=f"A patient of 65 or more takes {task.fewest_drugs} to {task.most_drugs} drugs; {task.queries} pairs "
        f"may be looked up in an interaction database and {task.interventions} changes made before the review ends.",
        horizon=task.steps,
        hours_per_step=None,
        discount=1.0,
        reward_range=(0.001, 0.999) if of_original else (-REWARD_BOUND, REWARD_BOUND),
        value_name="return" if of_original else "harm avoided",
        score=ORIGINAL_SCORE if of_original else HARM_SCORE,
        fallback="the review is finished; nothing more is changed",
        citations=(
            "American Geriatrics Society 2023 updated AGS Beers Criteria for potentially inappropriate medication use "
            "in older adults. J Am Geriatr Soc 2023;71:2052, doi:10.1111/jgs.18372 (facts, in our own words).",
            "US Food and Drug Administration: prescribing information, and the table of inhibitors and inducers of "
            "drug-metabolising enzymes and transporters.",
            "Phansalkar et al.: High-priority drug-drug interactions for use in electronic health records. JAMIA "
            "2012;19:735 (the ONC list).",
            "RxNorm, US National Library of Medicine (concept ids). Every row of harness/envs/polypharmacy/data names "
            "its source; sources.csv has them in full.",
            "Task sizes, budgets, actions and costs: PolypharmacyEnv, OpenEnv hackathon.",
        ),
        data_licence="tables curated for this project from public sources, MIT; patients are made up, no patient data",
        limits_of_use=(
            "A benchmark, not medical advice: no patient should be treated by it.",
            "A pharmacist has not reviewed the tables. What they leave out counts as harmless.",
            "Harm points are a convention (harm.py says why each is what it is), not measured risks; where sources "
            "disagree about a severity, one was chosen.",
            "Patients are drawn from published prevalences and prescribing habits, not from records.",
            "Regret is measured against an optimum that knows every interaction without asking: no agent that has to "
            "ask can bring its mean to zero.",
            "Much of the harm can be seen without asking: a good plan that never asks gains nearly as much as the best "
            "one found that does.",
            "An action that the rules refuse costs 0.15 and a step, and is counted as inadmissible.",
        ),
    )
