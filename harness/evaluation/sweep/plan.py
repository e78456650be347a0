"""What a sweep is to do: arms, sizes and seeds, and the name of each cell."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.agents.offline.learners import LEARNERS, Learner
from harness.core.errors import unknown_name
from harness.evaluation.sweep.planner import PLANNERS

ALPHAS = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Of conservative Q-learning: those of the repository CQL-sepsis."""

SUPPORTS = (2, 5, 10, 20, 50)
BETAS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)

SIZES = (1_000, 5_000, 10_000, 50_000, 100_000)
SEEDS = 10


class Arm(BaseModel):
    """A learner or planner with its settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    learner: str
    settings: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """For tables: 'conservative-q alpha=0.5'."""
        told = (f"{name}={value!r}".removesuffix(".0") for name, value in self.settings.items())
        return " ".join([self.learner, *told])

    @property
    def planner(self) -> bool:
        """Whether it is what the learners are held against."""
        return self.learner in PLANNERS


class Cell(BaseModel):
    """What one arm came to on one data set; its file is written once and whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    learner: str
    settings: dict[str, Any]
    size: int
    seed: int
    transitions: int
    value: float = Field(description="exact value of the learned policy")
    length: float = Field(description="exact mean number of decisions")
    seconds: float = Field(description="that learning took")


class Plan(BaseModel):
    """All that decides what a sweep's cells are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    env: str
    env_version: int
    options: dict[str, str] = {}
    agent: str
    agent_sha256: str = Field(description="of the behaviour policy's table")
    sizes: tuple[int, ...] = Field(SIZES, min_length=1, description="episodes")
    seeds: tuple[int, ...] = Field(tuple(range(SEEDS)), min_length=1)
    arms: tuple[Arm, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _once(self) -> Self:
        for name in ("sizes", "seeds", "arms"):
            given = getattr(self, name)
            if len(set(map(str, given))) < len(given):
                raise ValueError(f"the {name} name one twice; expected each once")
        if min(self.sizes) < 1:
            raise ValueError(f"a size is {min(self.sizes)}; expected at least 1 episode")
        return self

    @property
    def data_sets(self) -> list[tuple[int, int]]:
        """Every (size, seed), the largest first, so that the processes end together."""
        return [(size, seed) for size in sorted(self.sizes, reverse=True) for seed in self.seeds]


def standard_arms(alphas: tuple[float, ...] = ALPHAS, learners: tuple[str, ...] = tuple(LEARNERS)) -> tuple[Arm, ...]:
    """Every learner over its settings, and the planners.

    Raises
    ------
    UsageError
        If there is no such learner.
    """
    for name in learners:
        if name not in LEARNERS:
            raise unknown_name("offline learner", name, LEARNERS)
    grids: dict[str, tuple[str, tuple[float, ...]]] = {
        "batch-constrained-q": ("support", SUPPORTS),
        "conservative-q": ("alpha", alphas),
        "pessimistic-vi": ("beta", BETAS),
        "support-planner": ("support", SUPPORTS),
        "pessimistic-planner": ("beta", BETAS),
    }
    return tuple(
        arm
        for name in (*learners, *PLANNERS)
        for arm in (
            [Arm(learner=name, settings={grids[name][0]: value}) for value in grids[name][1]]
            if name in grids
            else [Arm(learner=name)]
        )
    )


def learner_of(arm: Arm) -> Learner:
    """Who learns in an arm.

    Raises
    ------
    UsageError
        If there is nobody of that name.
    """
    known = LEARNERS | PLANNERS
    if arm.learner not in known:
        raise unknown_name("offline learner", arm.learner, known)
    return known[arm.learner]
