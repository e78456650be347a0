"""The table of CQL-sepsis beside exact values: its learners, data, network and settings, each policy valued exactly.

The repository reports, for every arm, the mean over three seeds of the best of 20 evaluations of a training, each of
100 episodes. Here the same trainings are made and every checkpoint is valued exactly; then the same evaluations are
simulated many times over, to see which figures they would have printed.

An evaluation there resets the environment with the run's seed, that + 1, …, so every checkpoint of a run meets the same
patients and the same chance. So do the simulated ones. It also reseeds numpy, from which the replay buffer draws its
batches (`src/data/replay_buffer.py`): they begin again after every evaluation. Ours do not.

References
----------
github.com/anishmariathasan/CQL-sepsis: `scripts/`, `src/`, `results/*/config.yaml`. Published means are in
`harness.reproduce.protocol`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from harness.agents.offline.learners import within_legal
from harness.agents.offline.neural_settings import Cloning, Conservative, DoubleDQN
from harness.agents.offline.neural_settings import Settings as Told
from harness.core.seeds import EVALUATION_START, TRAINING_SEEDS
from harness.envs.icu_sepsis.environment import icu_sepsis
from harness.evaluation.intervals import Estimate, student_t
from harness.mdp.dataset import Dataset
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import uniform
from harness.mdp.simulate import record, simulate
from harness.mdp.tabular import FloatArray, IntArray, TabularMDP
from harness.reproduce.binomial import Shares, best, episodes, mean
from harness.reproduce.protocol import ARMS, EPISODES, RUN_SEEDS

ALPHAS = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
"""`scripts/reproduce_all.ps1`."""

LONGEST = 100
"""Decisions after which an episode is cut off, in collecting and in evaluating (`src/utils/evaluation.py`)."""

RANDOM, CLONED, DQN = "random", "behaviour cloning", "DQN"

PUBLISHED = {arm.name: arm.published for arm in ARMS}


class Settings(BaseModel):
    """What is run; the defaults are the published protocol."""

    model_config = ConfigDict(frozen=True)

    seeds: tuple[int, ...] = Field(RUN_SEEDS, description="training seeds of every arm")
    alphas: tuple[FiniteFloat, ...] = Field(ALPHAS, description="α of conservative Q-learning; 0 is Double DQN")
    steps: int = Field(100_000, ge=1, description="of every training")
    look_every: int = Field(5_000, ge=1, description="steps between two evaluations")
    hidden: int = Field(256, ge=1, description="size of the network's layers")
    episodes: int = Field(5_000, ge=1, description="of the clinicians' policy, learned from")
    data_seed: int = Field(42, description="names those episodes")
    repeats: int = Field(1_000, ge=1, description="simulated evaluations of every checkpoint")

    @model_validator(mode="after")
    def _each_once(self) -> Settings:
        for name, given in (("seeds", self.seeds), ("alphas", self.alphas)):
            if not given or len(set(given)) < len(given):
                raise ValueError(f"{name} are at least one, and each once")
        if not all(seed in TRAINING_SEEDS for seed in (*self.seeds, self.data_seed)):
            raise ValueError(f"seeds that train are {TRAINING_SEEDS.start} to {TRAINING_SEEDS.stop - 1}")
        if min(self.alphas) < 0:
            raise ValueError("an α is 0 or more")
        return self

    @property
    def trained(self) -> tuple[str, ...]:
        """The arms to be trained. CQL with α = 0 is DQN, step for step, and not trained again."""
        return (CLONED, DQN, *(conservative(alpha) for alpha in self.alphas if alpha > 0))

    @property
    def arms(self) -> tuple[str, ...]:
        """All arms in the order of the published table."""
        return (RANDOM, CLONED, DQN, *map(conservative, self.alphas))

    def told(self, arm: str, seed: int) -> Told:
        """What the training of an arm is told."""
        common = {"seed": seed, "steps": self.steps, "look_every": self.look_every, "hidden": self.hidden}
        if arm == CLONED:
            return Cloning(**common)
        if arm == DQN:
            return DoubleDQN(**common)
        (alpha,) = (alpha for alpha in self.alphas if conservative(alpha) == arm)
        return Conservative(**common, alpha=alpha)


class Cell(BaseModel):
    """One training of an arm, and what evaluations of it would have said.

    Attributes
    ----------
    values : tuple of float
        Exact value of the policy at every look.
    printed : tuple of int
        How many simulated evaluations had 0, 1, … `EPISODES` survivors at the look that had most.
    kept : float
        Exact value of the checkpoint with most survivors, the first of several; mean over simulated evaluations.
    """

    model_config = ConfigDict(frozen=True)

    arm: str
    seed: int
    transitions: int
    values: tuple[float, ...]
    printed: tuple[int, ...]
    kept: float
    seconds: float


@dataclass(frozen=True)
class Row:
    """An arm of the table.

    Attributes
    ----------
    published : float or None
    exact : Estimate
        Value of the policies at the end of training, each exact; mean over seeds.
    best : float
        Value of the best checkpoint of each seed, by exact values; mean over seeds.
    kept : float
        Value of the checkpoints that the evaluations would have kept; mean over simulated evaluations and seeds.
    printed : Shares
        What would have been reported: simulated, or exact where nothing is selected (random).
    independent : Shares
        The same if every look met other patients; exact.
    once : Shares
        What one evaluation of each of the policies at the end would report; exact.
    """

    arm: str
    published: float | None
    exact: Estimate
    best: float
    kept: float
    printed: Shares
    independent: Shares
    once: Shares

    @property
    def reached(self) -> float | None:
        """Probability that the published mean or more would have been reported."""
        return None if self.published is None else self.printed.at_least(self.published)


def conservative(alpha: float) -> str:
    """The name of an arm."""
    return f"CQL, alpha {alpha!r}".removesuffix(".0")


def clinicians(settings: Settings) -> Dataset:
    """The episodes to learn from: of the clinicians' policy, kept to admissible actions."""
    env = icu_sepsis()
    assert env.expert_policy is not None  # noqa: S101 - ICU-Sepsis has one
    acted = within_legal(env.expert_policy, env.mdp.admissible)
    return record(env.mdp, acted, settings.episodes, seed=settings.data_seed, horizon=LONGEST)


def survivors(mdp: TabularMDP, policy: FloatArray, seed: int, repeats: int) -> IntArray:
    """Survivors of each of `repeats` evaluations, shape (repeats,); the patients are those of the seed."""
    alive = simulate(mdp, policy, repeats * EPISODES, seed=EVALUATION_START + seed, horizon=LONGEST).returns > 0
    return np.asarray(alive.reshape(repeats, EPISODES).sum(axis=1), dtype=np.int64)


def selected(counts: IntArray, values: FloatArray) -> tuple[tuple[int, ...], float]:
    """What `Cell` calls `printed` and `kept`, of survivors (K, repeats) and values (K,) of the looks."""
    printed = np.bincount(counts.max(axis=0), minlength=EPISODES + 1)
    return tuple(printed.tolist()), float(values[counts.argmax(axis=0)].mean())


def table(settings: Settings, cells: Mapping[tuple[str, int], Cell]) -> tuple[Row, ...]:
    """The rows of the table; `cells` by arm and seed."""
    found = []
    for arm in settings.arms:
        published = PUBLISHED.get(arm)
        if arm == RANDOM:
            mdp = icu_sepsis().mdp
            value = evaluate(mdp, uniform(mdp.admissible | mdp.terminal[:, None])).J
            once = episodes(EPISODES * len(settings.seeds), value)
            exact = Estimate(value, math.nan, math.nan, len(settings.seeds), "exact")
            found.append(Row(arm, published, exact, value, value, once, once, once))
            continue
        trained = DQN if arm == conservative(0) else arm
        found.append(_row(arm, published, [cells[trained, seed] for seed in settings.seeds]))
    return tuple(found)


def _row(arm: str, published: float | None, cells: list[Cell]) -> Row:
    last = [episodes(EPISODES, cell.values[-1]) for cell in cells]
    return Row(
        arm=arm,
        published=published,
        exact=student_t([cell.values[-1] for cell in cells]),
        best=float(np.mean([max(cell.values) for cell in cells])),
        kept=float(np.mean([cell.kept for cell in cells])),
        printed=mean([Shares(np.array(cell.printed) / sum(cell.printed)) for cell in cells]),
        independent=mean([best([episodes(EPISODES, value) for value in cell.values]) for cell in cells]),
        once=mean(last),
    )
