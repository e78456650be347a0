"""Searches for dangerous drug combinations, in a table."""

from __future__ import annotations

import numpy as np

from harness.agents.bandits.combinations import DANGEROUS
from harness.evaluation.intervals import Estimate
from harness.reports.block import Block
from harness.reports.text import number, outward, percent
from harness.training.searches import Searches

HEADINGS = ("seed", "precision", "recall", "patterns", "flagged", "steps", "CPU s")

NOTICE = "Simulated relative risks, no patients. A benchmark, not medical advice."


def table(done: Searches) -> Block:
    """A row for every seed, and the means with their intervals."""
    patterns = done.data.patterns
    rows: list[tuple[str, ...]] = [
        (
            str(o.seed),
            "–" if o.precision is None else number(o.precision),
            number(o.recall),
            f"{o.patterns} of {patterns}" if patterns else "",
            f"{o.flagged:,}",
            f"{o.steps:,}",
            f"{o.cpu_seconds:.0f}",
        )
        for o in done.outcomes
    ]
    if len(done.outcomes) > 1:
        digits = {"precision": 4, "recall": 4, "patterns": 1, "flagged": 0, "steps": 0, "cpu_seconds": 0}
        cells = {name: _mean(done.mean(name), places) for name, places in digits.items()}
        rows.append(("mean", *(cells if patterns else cells | {"patterns": ""}).values()))
    settings = done.settings
    notes = [
        f"Dangerous: a relative risk above {DANGEROUS}, {percent(done.dangerous_share)} of the combinations. Flagged: "
        f"some snapshot's μ - {settings.n_sigmas:g} σ is above it."
        + (" Patterns: those flagged themselves." if patterns else ""),
    ]
    if len(done.outcomes) > 1:
        notes.append(f"Means with Student-t 95 % intervals over {len(done.outcomes)} seeds, on one data set.")
    caption = (
        f"{settings.arm} · {settings.schedule} schedule · warm-up {settings.warm_up:,} · ν = {settings.nu:g} · "
        f"{done.data}"
    )
    return Block(caption, HEADINGS, rows, tuple(notes))


def against_step(done: Searches, points: int = 11) -> Block:
    """Means over the seeds at some of the snapshots, the first and the last among them."""
    rows = []
    for at in np.unique(np.linspace(0, len(done.curves[0]) - 1, points).round().astype(int)):
        here = [curve[at] for curve in done.curves]
        precise = [row["precision"] for row in here if row["precision"] is not None]
        rows.append(
            (
                f"{here[0]['step']:,}",
                number(float(np.mean(precise))) if precise else "–",
                number(float(np.mean([row["recall"] for row in here]))),
                f"{np.mean([row['patterns'] for row in here]):.1f}" if done.data.patterns else "",
                number(float(np.mean([row["recall_now"] for row in here]))),
            )
        )
    headings = ("step", "precision", "recall", "patterns", "recall of the latest snapshot alone")
    return Block("Against step, means over the seeds; every snapshot is in curve.json", headings, rows)


def _mean(found: Estimate | None, digits: int) -> str:
    if found is None:
        return "–"
    value = f"{found.value:,.{digits}f}"
    if found.lower != found.lower or found.upper == found.lower:
        return value
    return f"{value} ({' – '.join(outward(found.lower, found.upper, digits))})"
