"""The curves of trainings, in tables."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from harness.agents.rl import dqn, reinforce
from harness.agents.rl.cohort import HELD_OUT
from harness.evaluation.intervals import Estimate, of_returns
from harness.reports.block import Block
from harness.reports.text import between, number
from harness.training.reinforce import Trained

HEADINGS = ("episodes", "mean return", "entropy", "baseline loss", "held-out return")
DQN_HEADINGS = ("episodes", "random actions", "mean return", "loss", "held-out return")


def table(done: Trained[reinforce.Settings]) -> Block:
    """A row for every look at held-out patients; the other columns are means over the updates since the last."""
    rows = [
        (f"{last['episodes']:,}", *_means(since, "mean_return", "entropy", "baseline_loss"), _held_out(last))
        for since, last in _looks(done.curve)
    ]
    settings = done.settings
    return Block(
        f"reinforce in {done.env} · seed {settings.seed} · {settings.batch} episodes an update",
        HEADINGS,
        rows,
        (
            "Mean return, entropy (nats) and baseline loss while exploring, over the updates since the row before.",
            f"Held-out return: of the likeliest actions, {_on(settings.look_at)}",
        ),
    )


def dqn_table(done: Trained[dqn.Settings]) -> Block:
    """A row for every look at held-out patients; the other columns are means over the rounds since the last."""
    rows = [
        (f"{last['episodes']:,}", *_means(since, "epsilon", "mean_return", "loss"), _held_out(last))
        for since, last in _looks(done.curve)
    ]
    settings = done.settings
    return Block(
        f"dqn in {done.env} · seed {settings.seed} · {settings.patients} episodes a round",
        DQN_HEADINGS,
        rows,
        (
            "Random actions (share), mean return and loss while exploring, over the rounds since the row before.",
            f"Held-out return: of the greedy actions, {_on(settings.look_at)}",
        ),
    )


def _on(patients: int) -> str:
    return (
        f"on {patients} patients of training seeds {HELD_OUT.start} to {HELD_OUT.stop - 1} that nothing is learned "
        "from, with 95 % intervals; – where there is none, all being equal."
    )


def _looks(curve: list[dict[str, Any]]) -> Iterator[tuple[list[dict[str, Any]], dict[str, Any]]]:
    """The rows with a look at held-out patients, each with all rows since the one before."""
    since: list[dict[str, Any]] = []
    for row in curve:
        since.append(row)
        if "held_out_returns" in row:
            yield since, row
            since = []


def _means(rows: list[dict[str, Any]], *names: str) -> Iterator[str]:
    return (number(sum(row[name] for row in rows) / len(rows)) for name in names)


def _held_out(row: dict[str, Any]) -> str:
    return _looked(of_returns(row["held_out_returns"]))


def _looked(found: Estimate) -> str:
    if math.isnan(found.lower) or math.isnan(found.upper):
        return f"{number(found.value)} (–)"
    return f"{number(found.value)} ({between(found.lower, found.upper)})"
