"""The package hemosim's published baselines run again, on its held-out seeds, and what always doing the same is worth.

Two tables were published for the same baselines and seeds, both in https://github.com/HassDhia/hemosim. The paper's
(paper/hemosim.tex, section Results, commit 1b7058d) goes with the package as it ships. The pinned one,
results/EXPECTED_RESULTS.json, against which the package's own scripts/reproduce.sh compares with a tolerance of 5 %, is
of 2026-04-16 and older: an earlier state of the paper has its figures, and the later one says of warfarin that the
fitted constants are now applied at run time.

The first part runs the package alone, by the protocol of its scripts/generate_results.py, nothing of this project in
between; the second plays the tasks as everybody plays them here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.agents.heuristics import hemosim as agents
from harness.agents.registry import make as make_agent
from harness.core.episode import play
from harness.core.seeds import EVALUATION_START, evaluation_seeds
from harness.envs.hemosim import tasks
from harness.envs.hemosim.package import load
from harness.envs.hemosim.tasks import Task
from harness.envs.registry import make
from harness.evaluation.intervals import Estimate, of_returns, student_t, wilson
from harness.evaluation.tabular import Progress, Watch
from harness.mdp.tabular import FloatArray
from harness.reproduce.calibration import spread

PUBLISHED_SEEDS = range(EVALUATION_START, EVALUATION_START + 100)
"""The package's HELDOUT_PUBLISHED_SEEDS."""

FRESH_START = 110_000
"""First seed for the trivial policies: they were found on some of the package's held-out seeds, and none from here."""

POLICIES = ("clinical", "random")
QUANTITIES = ("return", "sd", "in range")

PAPER = {
    "hemosim/warfarin": {"clinical": (18.32, 1.56, 0.950), "random": (15.51, 4.70, 0.950)},
    "hemosim/heparin": {"clinical": (-23.86, 0.16, 0.000), "random": (-24.67, 2.46, 0.030)},
    "hemosim/doac": {"clinical": (12.37, 6.06, 0.983), "random": (-24.70, 8.22, 0.984)},
    "hemosim/dic": {"clinical": (-110.92, 29.28, 0.960), "random": (-129.07, 21.66, 0.978)},
}
"""Mean and standard deviation (n) of the return, and time in range, of 100 episodes; paper/hemosim.tex, 1b7058d."""

PINNED = {
    "hemosim/warfarin": {"clinical": (-85.2022, 6.3417, 0.0), "random": (-84.2862, 7.5006, 0.0)},
    "hemosim/heparin": {"clinical": (-23.8593, 0.1646, 0.0), "random": (-24.6682, 2.4568, 0.03)},
    "hemosim/doac": {"clinical": (12.37, 6.0641, 0.0), "random": (-24.695, 8.2167, 0.0)},
    "hemosim/dic": {"clinical": (-110.9245, 29.2835, 0.0), "random": (-129.068, 21.6643, 0.0)},
}
"""The same in results/EXPECTED_RESULTS.json, rounded to four decimals."""

DIGITS = {"return": 2, "sd": 2, "in range": 3}
"""Decimals that the paper prints."""


@dataclass(frozen=True)
class Figure:
    """A published figure beside the measured one.

    Attributes
    ----------
    task, policy, quantity : str
        `quantity` is 'return' (mean), 'sd' (of the return) or 'in range' (mean share of an episode's decisions).
    paper, pinned : float
    measured : Estimate
    """

    task: str
    policy: str
    quantity: str
    paper: float
    pinned: float
    measured: Estimate

    def differs_from(self, published: float) -> bool:
        """Whether the measured value, as exactly as the paper prints it, is another one: seeds are the same."""
        return abs(self.measured.value - published) > 0.5 * 10.0 ** -DIGITS[self.quantity] + 1e-9


PUBLISHED = (tasks.WARFARIN, tasks.HEPARIN, tasks.DOAC, tasks.DIC)


def table(watch: Watch, of: Sequence[Task] = PUBLISHED) -> tuple[Figure, ...]:
    """Every published figure of some tasks beside the measured one."""
    found: list[Figure] = []
    done = 0
    for task in of:
        env, name = load(task.module, task.name)(), task.spec.id
        baselines = {
            "clinical": load("agents", agents.CLINICAL[name])(seed=agents.SEED),
            "random": load("agents", "RandomBaseline")(env.action_space, seed=agents.SEED),
        }
        for policy in POLICIES:
            returns, within = [], []
            for seed in PUBLISHED_SEEDS:
                watch(Progress(done, len(POLICIES) * len(of) * len(PUBLISHED_SEEDS), "episodes"))
                total, well = alone(env, task, baselines[policy].predict, seed)
                returns.append(total)
                within.append(well)
                done += 1
            measured = (of_returns(returns), _spread(returns), of_returns(within))
            found += [
                Figure(name, policy, quantity, paper, pinned, estimate)
                for quantity, paper, pinned, estimate in zip(
                    QUANTITIES, PAPER[name][policy], PINNED[name][policy], measured, strict=True
                )
            ]
    return tuple(found)


def alone(env: Any, task: Task, predict: Callable[[Any], Any], seed: int) -> tuple[float, float]:
    """An episode of the package without anything of this project: its return, and the share of decisions in range."""
    vector, _ = env.reset(seed=seed)
    total, well = 0.0, []
    while True:
        vector, reward, terminated, truncated, told = env.step(predict(vector))
        total += reward
        well.append(task.well(told))
        if terminated or truncated:
            return total, float(np.mean(well))


def _spread(returns: Sequence[float]) -> Estimate:
    """Standard deviation (n), as published, with the interval for normal observations."""
    found, n = spread(returns), len(returns)
    by = float(np.sqrt((n - 1) / n))
    return Estimate(by * found.value, by * found.lower, by * found.upper, n, found.interval)


@dataclass(frozen=True, eq=False)
class Arm:
    """What a policy earned on the fresh seeds.

    Attributes
    ----------
    task, policy : str
    returns : float array, shape (n,)
    score : Estimate
        Mean score (see the task's `spec.score`).
    early : Estimate
        Share of episodes that ended early.
    gain : Estimate or None
        Mean return above that of the clinical baseline, paired by seed; None for the baseline itself.
    """

    task: str
    policy: str
    returns: FloatArray
    score: Estimate
    early: Estimate
    gain: Estimate | None

    @property
    def value(self) -> Estimate:
        """Mean return."""
        return of_returns(self.returns)


def trivial(episodes: int, watch: Watch) -> tuple[Arm, ...]:
    """Always the same beside the package's clinical baseline and chance, in all five tasks."""
    seeds = evaluation_seeds(FRESH_START, episodes)
    arms, done = [], 0
    for task in tasks.TASKS:
        clinical: FloatArray | None = None
        for policy in ("clinical", "random", "trivial"):
            ends = []
            env = make(task.spec.id)
            agent = make_agent(f"hemosim-{policy}", env)
            for number, seed in enumerate(seeds):
                watch(Progress(done, 3 * len(tasks.TASKS) * episodes, "episodes"))
                ends.append(asyncio.run(play(env, agent, episode=number, seed=seed)))
                done += 1
            returns = np.array([end.episode_return for end in ends])
            gain = None if clinical is None else student_t(returns - clinical)
            clinical = returns if clinical is None else clinical
            early = sum(end.grade.components["ended_early"] for end in ends)
            score = of_returns([end.grade.score for end in ends])
            arms.append(Arm(task.spec.id, policy, returns, score, wilson(early, episodes), gain))
    return tuple(arms)
