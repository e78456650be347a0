"""What a sweep came to: the cells there are, with intervals over seeds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from harness.core.errors import RunError, first_problem
from harness.evaluation.intervals import Estimate, student_t
from harness.evaluation.sweep.plan import Arm, Cell, Plan
from harness.evaluation.sweep.work import file_of


@dataclass(frozen=True)
class Row:
    """One arm on one size of data: the mean of exact values over seeds with its interval."""

    arm: Arm
    size: int
    value: Estimate
    seconds: float


@dataclass(frozen=True)
class Held:
    """The best learner of one size beside the best planner, and their difference on the same data.

    Both are the best of their settings by the exact value, which nobody knows who has the data alone.
    """

    size: int
    learner: Row
    planner: Row
    difference: Estimate


Cells = dict[tuple[str, int], list[Cell]]
"""The cells that are there, by the arm's name and the size, in the order of the seeds."""


def cells(folder: Path, plan: Plan) -> Cells:
    """What there is of a sweep, each cell counted once.

    Raises
    ------
    RunError
        If a cell is damaged or is not the one that its name says.
    """
    found: Cells = {}
    for arm in plan.arms:
        for size in plan.sizes:
            paths = [(seed, file_of(folder, arm, size, seed)) for seed in plan.seeds]
            found[arm.name, size] = [_cell(path, arm, size, seed) for seed, path in paths if path.exists()]
    return found


def rows(plan: Plan, there: Cells) -> list[Row]:
    """A row for every arm and size that has a cell, in the plan's order."""
    return [
        Row(arm, size, student_t([cell.value for cell in done]), float(np.mean([cell.seconds for cell in done])))
        for arm in plan.arms
        for size in plan.sizes
        if (done := there[arm.name, size])
    ]


def held(plan: Plan, there: Cells) -> list[Held]:
    """The best learner beside the best planner for every size that has both on the same seeds."""
    compared = []
    for size in plan.sizes:
        by_size = [row for row in rows(plan, there) if row.size == size]
        learners = [row for row in by_size if not row.arm.planner]
        planners = [row for row in by_size if row.arm.planner]
        if not learners or not planners:
            continue
        learner, planner = (max(best, key=lambda row: row.value.value) for best in (learners, planners))
        ours, theirs = ({cell.seed: cell.value for cell in there[of.arm.name, size]} for of in (learner, planner))
        both = sorted(ours.keys() & theirs.keys())
        if both:
            compared.append(Held(size, learner, planner, student_t([ours[seed] - theirs[seed] for seed in both])))
    return compared


def _cell(path: Path, arm: Arm, size: int, seed: int) -> Cell:
    try:
        cell = Cell.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        why = first_problem(error) if isinstance(error, ValidationError) else error
        raise RunError(f"{path} cannot be read ({why}); delete it, and --resume fills it again.") from None
    if (cell.learner, cell.settings, cell.size, cell.seed) != (arm.learner, arm.settings, size, seed):
        raise RunError(f"{path} is another cell than its name says; delete it, and --resume fills it again.")
    return cell
