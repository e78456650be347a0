"""A sweep of offline learners as a figure: exact values by the size of the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from harness.evaluation.sweep.results import Row
from harness.reports.plots import NEUTRAL, STYLES, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ACROSS = 4
"""Panels beside each other."""


def by_size(rows: Sequence[Row], references: Mapping[str, float], value_name: str) -> Figure:
    """A panel for every learner and planner, in it a line for every setting, all on one scale.

    Parameters
    ----------
    rows : sequence of Row
        Means over data sets with their intervals, which are drawn as bars; of one data set without.
    references : mapping of policy to value
        Drawn as lines.
    value_name : str
    """
    learners = list(dict.fromkeys(row.arm.learner for row in rows))
    sizes = sorted({row.size for row in rows})
    across = min(len(learners), ACROSS)
    down = -(-len(learners) // across)
    figure = new_figure(2.9 * across + 1.0, 2.7 * down + 0.6)
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, learner in zip(panels, learners, strict=False):
        of = [row for row in rows if row.arm.learner == learner]
        arms = dict.fromkeys(row.arm.name for row in of)
        for name, (colour, marker, line) in zip(arms, cycle(STYLES), strict=False):
            found = [row for row in of if row.arm.name == name]
            ends = np.array([(row.value.lower, row.value.value, row.value.upper) for row in found]).T
            axes.errorbar(
                [row.size for row in found], ends[1], yerr=np.nan_to_num(np.diff(ends, axis=0)), color=colour,
                marker=marker, linestyle=line, markersize=4, linewidth=1.2, elinewidth=0.8,
                label=name.removeprefix(learner).strip(),
            )  # fmt: skip
        axes.set_title(learner, fontsize=9)
        axes.set_xscale("log")
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=45)
        axes.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
        for value in references.values():
            axes.axhline(value, color=NEUTRAL, linewidth=0.7, linestyle=(0, (1, 2)))
        if any(name != learner for name in arms):
            axes.legend(frameon=False, fontsize=6.5, handlelength=3, loc="best")
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    for i in range(len(learners), len(panels)):
        panels[i].set_axis_off()
        panels[i - across].tick_params(axis="x", labelbottom=True)
    for axes in panels[::across]:
        axes.set_ylabel(f"{value_name}, exact", fontsize=8)
    known = ", ".join(f"{name} {value:.4f}" for name, value in references.items())
    seeds = sorted({row.value.n for row in rows})
    figure.suptitle(
        f"Mean over data sets with 95 % interval, n = {' to '.join(map(str, dict.fromkeys((seeds[0], seeds[-1]))))}. "
        f"Dotted: {known}.",
        fontsize=8,
    )
    figure.supxlabel("episodes learned from", fontsize=9)
    return figure
