"""The curve of a training, in a table."""

from __future__ import annotations

import math

from harness.agents.rl.reinforce import HELD_OUT
from harness.evaluation.intervals import Estimate, of_returns
from harness.evaluation.trainings import Trained
from harness.reports.block import Block
from harness.reports.text import between, number

HEADINGS = ("episodes", "mean return", "entropy", "baseline loss", "held-out return")


def table(done: Trained) -> Block:
    """A row for every look at held-out patients; the other columns are means over the updates since the last."""
    rows: list[tuple[str, ...]] = []
    since: list[dict[str, float]] = []
    for row in done.curve:
        since.append(row)
        if "held_out_returns" in row:
            means = (sum(r[name] for r in since) / len(since) for name in ("mean_return", "entropy", "baseline_loss"))
            rows.append((f"{row['episodes']:,}", *map(number, means), _looked(of_returns(row["held_out_returns"]))))
            since = []
    settings = done.settings
    return Block(
        f"reinforce in {done.env} · seed {settings.seed} · {settings.batch} episodes an update",
        HEADINGS,
        rows,
        (
            "Mean return, entropy (nats) and baseline loss while exploring, over the updates since the row before.",
            f"Held-out return: of the likeliest actions, on {settings.look_at} patients of training seeds "
            f"{HELD_OUT.start} to {HELD_OUT.stop - 1} that nothing is learned from, with 95 % intervals.",
        ),
    )


def _looked(found: Estimate) -> str:
    if math.isnan(found.lower) or math.isnan(found.upper):
        return number(found.value)
    return f"{number(found.value)} ({between(found.lower, found.upper)})"
