"""Drug combinations of an environment's own patients, and how much their interactions raise the risk.

What a health insurer's records would hold of patients like those of a task: the drugs that somebody took at some time,
and what happened. A search on them learns which drugs do harm together without being told of any pair; an agent may
then choose its questions by it (`harness.agents.bandits.asking`).
"""

from __future__ import annotations

import itertools

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from harness.agents.bandits.combinations import Combinations, from_sets
from harness.core.errors import UsageError
from harness.core.seeds import TRAINING_SEEDS, stream
from harness.envs import registry
from harness.envs.polypharmacy.environment import MedicationReview
from harness.envs.polypharmacy.interactions import interactions
from harness.envs.polypharmacy.patients import patient

RECORDS_VERSION = 1
"""Rises when the same environment gives other combinations or risks."""

TAKEN = 0.5
"""Probability that a drug of a patient's list was taken at the time of a record."""

FEWEST = 2
"""Drugs of a record: of one drug alone there is nothing to learn."""


class Records(BaseModel):
    """Names the records of an environment's training patients."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    env: str = Field(description="the environment whose training patients they are of")
    per_patient: int = Field(3, ge=1, description="records drawn of each; repetitions count once")

    @property
    def patterns(self) -> int:
        """None are known."""
        return 0

    def __str__(self) -> str:
        return f"records v{RECORDS_VERSION} of the training patients of {self.env}, {self.per_patient} each"


def review_of(of: Records) -> MedicationReview:
    """The environment of the records.

    Raises
    ------
    UsageError
        If there is none, or it is no medication review.
    """
    env = registry.make(of.env)
    if not isinstance(env, MedicationReview):
        raise UsageError(
            f"{of.env} has no drug lists to search; expected a medication review such as polypharmacy/complex-tradeoff."
        )
    return env


def records(of: Records) -> Combinations:
    """The distinct combinations in the records.

    A record holds each drug of a training patient with probability `TAKEN`. Its relative risk is 1 and the harm points
    of what its drugs do together in that patient, nothing being done about them; of a combination seen in several
    patients the first one's counts.

    Raises
    ------
    UsageError
        If the environment is no medication review.
    """
    env = review_of(of)
    found: dict[frozenset[str], float] = {}
    for seed in TRAINING_SEEDS:
        who, rng = patient(seed, env.task, env.tables), stream(seed, "records")
        taken = [medication.drug for medication in who.medications]
        harm = interactions(taken, who.conditions, env.tables)[:, :, 0, 0]
        for held in rng.random((of.per_patient, len(taken))) < TAKEN:
            if held.sum() >= FEWEST:
                drugs = frozenset(itertools.compress(taken, held))
                found.setdefault(drugs, 1.0 + float(harm[np.ix_(held, held)].sum()) / 2)
    return from_sets(str(of), tuple(env.tables.drugs), found)
