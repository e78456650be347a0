"""Health Gym's tutorial beside its correction, in tables and a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.reports import doubt
from harness.reports.block import Block
from harness.reports.plots import new_figure, save
from harness.reports.text import number
from harness.reproduce.hypotension import CORRECTED, RECIPE, Tutorial


def blocks(found: Tutorial, origin: str) -> list[Block]:
    """What the shortcut claims, then what is left of it with either recipe's states."""
    rows = [(name, number(value)) for name, value in found.claimed.items()]
    note = (
        "Read off the Q that was learned, at hour 0 and undiscounted: these patients chose the policy and judge it. "
        f"The shift makes {found.crossing[0]:,} transitions to another patient; {found.crossing[1]:,} are left when "
        "the last hours are dropped."
    )
    return [
        Block(f"The tutorial as it is, on {origin}", ("policy", "value by the learned Q"), rows, (note,)),
        *doubt.blocks(found.judged, f"Corrected, with its states (recipe '{RECIPE}')", "reward"),
        *doubt.blocks(
            found.of_own_states, f"Corrected, with states made of the pressure (recipe '{CORRECTED}')", "reward"
        ),
    ]


def as_json(found: Tutorial) -> dict[str, Any]:
    """The same as plain data."""
    return {
        "claimed": dict(found.claimed),
        "crossing": list(found.crossing),
        RECIPE: doubt.as_json(found.judged),
        CORRECTED: doubt.as_json(found.of_own_states),
    }


def plot(found: Tutorial, path: Path) -> list[Path]:
    """Box plots of the next hour's pressure by treatment."""
    figure = new_figure(11, 4.5)
    for axes, (name, levels) in zip(figure.subplots(1, 2, sharey=True), found.pressures.items(), strict=True):
        seen = [(word, values) for word, values in levels if len(values)]
        axes.boxplot([values for _, values in seen], showfliers=False)
        axes.set_xticks(range(1, len(seen) + 1), [f"{word}\nn = {len(v):,}" for word, v in seen], fontsize=7)
        axes.set(title=name, ylabel="MAP of the next hour (mmHg)")
    return save(figure, path)
