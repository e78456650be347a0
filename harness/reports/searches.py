"""Searches for dangerous drug combinations, in a table."""

from __future__ import annotations

from harness.agents.bandits.combinations import DANGEROUS
from harness.evaluation.intervals import Estimate
from harness.evaluation.searches import Searches
from harness.reports.block import Block
from harness.reports.text import number, outward, percent

HEADINGS = ("seed", "precision", "recall", "patterns", "flagged", "steps", "CPU s")

NOTICE = "Simulated relative risks, no patients. A benchmark, not medical advice."


def table(done: Searches) -> Block:
    """A row for every seed, and the means with their intervals."""
    patterns = done.simulation.patterns
    rows: list[tuple[str, ...]] = [
        (
            str(o.seed),
            "–" if o.precision is None else number(o.precision),
            number(o.recall),
            f"{o.patterns} of {patterns}",
            f"{o.flagged:,}",
            f"{o.steps:,}",
            f"{o.cpu_seconds:.0f}",
        )
        for o in done.outcomes
    ]
    if len(done.outcomes) > 1:
        means = ("precision", "recall", "patterns", "flagged", "steps", "cpu_seconds")
        digits = (4, 4, 1, 0, 0, 0)
        cells = (_mean(done.mean(name), places) for name, places in zip(means, digits, strict=True))
        rows.append(("mean", *cells))
    settings = done.settings
    notes = [
        f"Dangerous: a relative risk above {DANGEROUS}, {percent(done.dangerous_share)} of the combinations. Flagged: "
        f"some snapshot's μ - {settings.n_sigmas:g} σ is above it. Patterns: those flagged themselves.",
    ]
    if len(done.outcomes) > 1:
        notes.append(f"Means with Student-t 95 % intervals over {len(done.outcomes)} seeds, on one data set.")
    caption = (
        f"{settings.arm} · {settings.schedule} schedule · warm-up {settings.warm_up:,} · ν = {settings.nu:g} · "
        f"{done.simulation}"
    )
    return Block(caption, HEADINGS, rows, tuple(notes))


def _mean(found: Estimate | None, digits: int) -> str:
    if found is None:
        return "–"
    value = f"{found.value:,.{digits}f}"
    if found.lower != found.lower or found.upper == found.lower:
        return value
    return f"{value} ({' – '.join(outward(found.lower, found.upper, digits))})"
