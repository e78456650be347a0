"""A sweep of offline learners, in tables."""

from __future__ import annotations

from harness.evaluation.intervals import Estimate
from harness.evaluation.sweep.plan import Plan
from harness.evaluation.sweep.results import Held, Row
from harness.reports.block import Block
from harness.reports.text import number, plus_minus


def blocks(plan: Plan, rows: list[Row], held: list[Held], references: dict[str, float]) -> list[Block]:
    """Every arm by size, and below it the best learner beside the best planner."""
    by_cell = {(row.arm.name, row.size): row for row in rows}
    sizes = [size for size in plan.sizes if any(row.size == size for row in rows)]
    seeds = sorted({row.value.n for row in rows})
    told = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}, unfinished"
    arms = [arm for arm in plan.arms if any(row.arm.name == arm.name for row in rows)]
    known = ", ".join(f"{name} {number(value)}" for name, value in references.items())
    return [
        Block(
            f"{plan.env} · data of {plan.agent} · episodes across",
            ("learner", *(f"{size:,}" for size in sizes)),
            [
                (arm.name, *(_plus_minus(by_cell[arm.name, size].value) if (arm.name, size) in by_cell else "–"
                             for size in sizes))
                for arm in arms
            ],
            (
                f"Each policy's value is exact ({known}); mean over data sets ± Student-t 95 %, n = {told}.",
                "Larger data sets of a seed begin with its smaller ones.",
            ),
        ),
        Block(
            "The best learner beside the best planner on the same data",
            ("episodes", "learner", "value", "planner", "value", "difference (95 %)"),
            [
                (
                    f"{found.size:,}",
                    found.learner.arm.name,
                    number(found.learner.value.value),
                    found.planner.arm.name,
                    number(found.planner.value.value),
                    f"{_plus_minus(found.difference)}, n = {found.difference.n}",
                )
                for found in held
            ],
            ("Both are chosen by the exact value, among the settings above: with the data alone nobody could.",),
        ),
    ]  # fmt: skip


def _plus_minus(found: Estimate) -> str:
    return plus_minus(found.value, found.lower, found.upper)
