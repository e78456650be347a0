"""One data set of a sweep: drawn once, learned from by every arm that has no cell yet."""

from __future__ import annotations

import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np

from harness.agents.offline.learners import within_legal
from harness.core.errors import RunError
from harness.core.run import write_json
from harness.envs.registry import make_tabular
from harness.evaluation.datasets import policy_table
from harness.evaluation.sweep.plan import Arm, Cell, Plan, learner_of
from harness.mdp.evaluate import evaluate
from harness.mdp.simulate import record
from harness.mdp.tabular import FloatArray

CELLS = "cells"


def behaviour(plan_env: str, options: dict[str, str], agent_id: str) -> tuple[FloatArray, str]:
    """The table of the agent that collects, shape (S, A), and its SHA-256.

    Raises
    ------
    UsageError
        If the environment is not tabular or the agent has no policy table.
    """
    table = np.ascontiguousarray(policy_table(agent_id, make_tabular(plan_env, **options)), dtype=np.float64)
    return table, sha256(table.tobytes()).hexdigest()


def file_of(folder: Path, arm: Arm, size: int, seed: int) -> Path:
    """Where the cell of an arm stands."""
    return folder / CELLS / arm.name.replace(" ", "_") / f"{size}-{seed}.json"


def missing(folder: Path, plan: Plan, size: int, seed: int) -> list[Arm]:
    """The arms that have no cell for this data set."""
    return [arm for arm in plan.arms if not file_of(folder, arm, size, seed).exists()]


def work(folder: Path, plan: Plan, size: int, seed: int) -> Iterator[Cell]:
    """Fill the missing cells of one data set, one after the other.

    Raises
    ------
    RunError
        If the agent that collects has changed, or a cell cannot be written.
    UsageError
        If a learner finds no values, or a policy that never ends.
    """
    arms = missing(folder, plan, size, seed)
    if not arms:
        return
    env = make_tabular(plan.env, **plan.options)
    table, digest = behaviour(plan.env, plan.options, plan.agent)
    if digest != plan.agent_sha256:
        raise RunError(f"The policy of '{plan.agent}' has changed since this sweep began; start another.")
    data = record(env.mdp, table, size, seed=seed, horizon=env.spec.horizon)
    for arm in arms:
        learner = learner_of(arm)
        began = time.perf_counter()
        policy, _ = learner.learn(data, learner.settings(**arm.settings))
        seconds = time.perf_counter() - began
        worth = evaluate(env.mdp, within_legal(policy, env.mdp.legal))
        target = file_of(folder, arm, size, seed)
        target.parent.mkdir(parents=True, exist_ok=True)
        cell = Cell(
            learner=arm.learner,
            settings=arm.settings,
            size=size,
            seed=seed,
            transitions=len(data),
            value=worth.J,
            length=worth.length,
            seconds=round(seconds, 4),
        )
        write_json(target, cell)
        yield cell
