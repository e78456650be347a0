"""The learning curve of a neural offline learner, in a table."""

from __future__ import annotations

from harness.reports.block import Block
from harness.reports.text import number
from harness.training.neural import Trained

ROWS = 10
"""Of the looks, so many are printed."""


def curve(done: Trained) -> Block:
    """Exact value and length at some of the looks."""
    looks = len(done.curve)
    shown = sorted({round(looks * (i + 1) / ROWS) - 1 for i in range(ROWS)} - {-1})
    return Block(
        f"{done.learned.algorithm} in {done.learned.env} · seed {done.learned.settings['seed']}",
        ("steps", "loss", f"exact {done.learned.value_name}", "exact length"),
        [
            (
                f"{row['steps']:,}",
                f"{row['loss']:.4g}",
                "–" if row["value"] is None else number(row["value"]),
                "–" if row["length"] is None else f"{row['length']:.2f}",
            )
            for row in (done.curve[i] for i in shown)
        ],
        ("Loss: mean since the look before, on the data. No look has a part in what is learned or kept.",),
    )
