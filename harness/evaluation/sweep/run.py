"""A sweep from its plan to its last cell, in parallel processes; killed at any instant it goes on where it was.

manifest.json                                  the plan, versions
cells/conservative-q_alpha=0.5/5000-3.json     what the arm came to on 5,000 episodes of seed 3
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from harness.core.errors import RunError, UsageError, first_problem
from harness.core.run import MANIFEST, RunFolder, read_manifest
from harness.core.seeds import check_training_seeds
from harness.envs.ids import short_name
from harness.envs.registry import make_tabular
from harness.evaluation.manifest import made_by
from harness.evaluation.sweep.plan import Arm, Plan, learner_of
from harness.evaluation.sweep.work import behaviour, missing, work
from harness.evaluation.tabular import Progress, Watch
from harness.execution.processes import Tell, each

SWEEP = "sweep"
"""The kind of run."""

PACKAGES = ("numpy", "scipy")


def start(
    out: Path,
    env_id: str,
    agent_id: str,
    arms: tuple[Arm, ...],
    *,
    sizes: tuple[int, ...],
    seeds: tuple[int, ...],
    options: dict[str, str] | None = None,
) -> RunFolder:
    """A new run folder with its plan.

    Raises
    ------
    UsageError
        If the environment is not tabular, the agent has no policy table, or arms, sizes or seeds are wrong.
    RunError
        If it cannot be written.
    """
    given = dict(options or {})
    check_training_seeds(seeds)
    _, digest = behaviour(env_id, given, agent_id)
    try:
        for arm in arms:
            learner_of(arm).settings(**arm.settings)
        plan = Plan(
            env=env_id,
            env_version=make_tabular(env_id, **given).spec.version,
            options=given,
            agent=agent_id,
            agent_sha256=digest,
            sizes=sizes,
            seeds=seeds,
            arms=arms,
        )
    except ValidationError as error:
        raise UsageError(f"This is no sweep: {first_problem(error)}.") from None
    folder = RunFolder.create(out, f"{short_name(env_id)}-sweep".replace("/", "-"))
    folder.write_json(
        MANIFEST,
        {
            "kind": SWEEP,
            "plan": plan.model_dump(mode="json"),
            **made_by(PACKAGES),
        },
    )
    return folder


def plan_of(folder: Path) -> Plan:
    """The plan of a sweep.

    Raises
    ------
    RunError
        If the folder holds none, or one of another version of the environment.
    """
    try:
        plan = Plan.model_validate(read_manifest(folder, SWEEP)["plan"])
    except (KeyError, ValidationError) as error:
        raise RunError(f"The manifest of {folder} holds no plan of a sweep that can be read.") from error
    now = make_tabular(plan.env, **plan.options).spec.version
    if now != plan.env_version:
        raise RunError(f"The sweep {folder} is of {plan.env} v{plan.env_version}, and this is v{now}; start another.")
    return plan


def carry_out(folder: Path, processes: int, watch: Watch = lambda progress: None) -> None:
    """Fill every cell that is missing. The caller holds the run folder.

    Raises
    ------
    UsageError, RunError
        As `work`; cells that were written are kept.
    """
    plan = plan_of(folder)
    total = len(plan.arms) * len(plan.data_sets)
    open_sets = [(job, len(left)) for job in plan.data_sets if (left := missing(folder, plan, *job))]
    done = total - sum(left for _, left in open_sets)
    watch(Progress(done, total, "cells"))
    if open_sets:
        parts = [(str(folder), [job for job, _ in open_sets[i::processes]]) for i in range(processes)]
        each(
            [part for part in parts if part[1]],
            fill,
            processes,
            lambda told: watch(Progress(done + sum(told), total, "cells")),
        )


def fill(job: tuple[str, list[tuple[int, int]]], tell: Tell) -> None:
    """Fill the missing cells of some data sets (size, seed) of a sweep's folder, telling how many are done."""
    folder, data_sets = Path(job[0]), job[1]
    plan = plan_of(folder)
    done = 0
    for size, seed in data_sets:
        for _ in work(folder, plan, size, seed):
            done += 1
            tell(done)
