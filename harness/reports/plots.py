"""Figures: plain arrays in, a matplotlib `Figure` out. matplotlib is imported when a figure is drawn.

Colours are Okabe and Ito's, which colour-blind readers can tell apart, and never the only difference: every series has
a marker or a line style of its own.

References
----------
Okabe, Ito: Color Universal Design. 2008, https://jfly.uni-koeln.de/color/.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.core.extras import require
from harness.mdp.tabular import FloatArray, IntArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLES = (
    ("#0072B2", "o", "-"),
    ("#D55E00", "s", "--"),
    ("#009E73", "^", "-."),
    ("#CC79A7", "D", ":"),
    ("#56B4E9", "v", "-"),
    ("#E69F00", "P", "--"),
    ("#000000", "X", "-."),
)
"""Colour, marker and line style of the first, second, … series."""

NEUTRAL = "#404040"
FORMATS = ("png", "svg")
DPI = 160

SHORT_NAME = 24
"""Signs of a name of which three stand beside each other in a legend."""

APART = 0.006
"""Series are drawn this far beside each other, because random and expert would cover one another."""


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, outside any window system.

    Raises
    ------
    UsageError
        If matplotlib is not installed.
    """
    require("A figure", "plots", "matplotlib")
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, path: Path) -> list[Path]:
    """Write a figure as `path` with the suffixes .png and .svg; the same figure always gives the same bytes."""
    import matplotlib

    written = []
    for suffix in FORMATS:
        file = path.with_suffix(f".{suffix}")
        with matplotlib.rc_context({"svg.hashsalt": path.stem}):
            figure.savefig(file, dpi=DPI, metadata={"Date": None} if suffix == "svg" else {"Software": None})
        written.append(file)
    return written


def admissible_actions(actions: Sequence[int], states: Sequence[int], mean: float) -> Figure:
    """How many states have how many admissible actions.

    Parameters
    ----------
    actions, states : sequences of int
        Number of admissible actions, and number of states that have that many.
    mean : float
        Mean number of admissible actions of a state.
    """
    figure = new_figure(6.4, 3.6)
    axes = figure.add_subplot()
    bars = axes.bar(actions, states, color=STYLES[0][0], width=0.8)
    axes.bar_label(bars, padding=2, fontsize=8)
    axes.set_xticks(list(actions))
    axes.set_xlabel("admissible actions of a state (of 25)")
    axes.set_ylabel("patient states")
    axes.text(0.98, 0.95, f"mean {mean:.2f}", transform=axes.transAxes, ha="right", va="top", color=NEUTRAL)
    _plain(axes)
    return figure


def perturbation(
    probabilities: Sequence[float], values: Mapping[str, FloatArray], lengths: Mapping[str, FloatArray]
) -> Figure:
    """Survival and length against the probability that an admissible action is removed, with their spread.

    Parameters
    ----------
    probabilities : sequence of float, n of them
    values, lengths : mapping of policy to float array, shape (n, repeats)
    """
    figure = new_figure(9.6, 4.2)
    left, right = figure.subplots(1, 2)
    _bands(left, probabilities, values)
    _bands(right, probabilities, lengths)
    left.set_ylabel("survival (probability)")
    right.set_ylabel("mean length (decisions, one every 4 h)")
    for axes in (left, right):
        axes.set_xlabel("probability that an admissible action is removed")
        axes.set_xticks(list(probabilities))
        _plain(axes)
    left.legend(
        frameon=False, title="mean, ± 1 sd (dark), range (light)", fontsize=9, title_fontsize=8, handlelength=3.5
    )
    return figure


def _bands(axes: Axes, probabilities: Sequence[float], series: Mapping[str, FloatArray]) -> None:
    for i, ((name, repeats), (colour, marker, line)) in enumerate(zip(series.items(), STYLES, strict=False)):
        x = np.asarray(probabilities, dtype=np.float64) + (i - 1) * APART
        mean, sd = repeats.mean(axis=1), repeats.std(axis=1)
        axes.fill_between(x, repeats.min(axis=1), repeats.max(axis=1), color=colour, alpha=0.13, linewidth=0)
        axes.fill_between(x, mean - sd, mean + sd, color=colour, alpha=0.3, linewidth=0)
        axes.plot(x, mean, color=colour, marker=marker, linestyle=line, markersize=5, label=name)


def sampling(
    distributions: Mapping[str, tuple[FloatArray, FloatArray]],
    published: Mapping[str, float],
    marks: Mapping[str, float],
    supposed: str,
) -> Figure:
    """Distributions of a reported mean, above the means that were reported.

    Parameters
    ----------
    distributions : mapping of name to (values, probabilities), each of shape (n,)
    published : mapping of name to mean
    marks : mapping of name to value
        Drawn as vertical lines through both panels.
    supposed : str
        What the distributions rest on; it stands above their names.
    """
    figure = new_figure(7.2, 6.0)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    for (name, (values, chances)), (colour, _, line) in zip(distributions.items(), STYLES, strict=False):
        seen = chances > chances.max() / 1_000
        top.fill_between(values[seen], chances[seen], step="mid", color=colour, alpha=0.15, linewidth=0)
        top.step(values[seen], chances[seen], where="mid", color=colour, linestyle=line, label=name)
    bottom.plot(list(published.values()), list(published), color=NEUTRAL, marker="o", linestyle="none")
    bottom.invert_yaxis()
    for axes in (top, bottom):
        for (name, value), style in zip(marks.items(), (":", "--"), strict=False):
            axes.axvline(value, color="black", linestyle=style, linewidth=1, label=f"{name} {value:.4f}")
        _plain(axes)
    top.set_ylim(bottom=0)
    top.set_ylabel("probability of each mean")
    handles, names = top.get_legend_handles_labels()
    figure.legend(
        handles, names, loc="outside upper left", ncols=2, frameon=False, fontsize=8, handlelength=3.5, title=supposed,
        title_fontsize=8, alignment="left",
    )  # fmt: skip
    bottom.set_ylabel("published")
    bottom.grid(axis="y", color="#d0d0d0", linewidth=0.6)
    bottom.set_xlabel("reported survival (mean)")
    return figure


def bounds(
    runs: Mapping[str, tuple[IntArray, FloatArray, FloatArray]], references: Mapping[str, float], value_name: str
) -> Figure:
    """Certain bounds against the number of states asked, one band a run, with exactly known values as lines.

    Parameters
    ----------
    runs : mapping of name to (asked, lower, upper), each of shape (n,)
    references : mapping of policy to value
    value_name : str
    """
    figure = new_figure(7.2, 4.4)
    axes = figure.add_subplot()
    for (name, (asked, lower, upper)), (colour, marker, line) in zip(runs.items(), cycle(STYLES), strict=False):
        axes.fill_between(asked, lower, upper, color=colour, alpha=0.18, linewidth=0)
        every = max(len(asked) // 8, 1)
        for ends, label in ((upper, name), (lower, None)):
            axes.plot(
                asked, ends, color=colour, marker=marker, linestyle=line, markevery=every, markersize=4, label=label
            )
    most = max(int(asked[-1]) for asked, _, _ in runs.values())
    for name, value in _apart(references, axes.get_ylim()).items():
        axes.axhline(references[name], color=NEUTRAL, linewidth=0.7, linestyle=(0, (1, 2)))
        axes.annotate(
            f"{name} {references[name]:.4f}", (most, value), xytext=(6, 0), textcoords="offset points", va="center",
            fontsize=8, color=NEUTRAL, annotation_clip=False,
        )  # fmt: skip
    axes.set_xlim(0, most)
    axes.set_xlabel("states asked")
    axes.set_ylabel(f"{value_name}: certain bounds")
    axes.legend(frameon=False, fontsize=9, handlelength=3.5, loc="lower right")
    _plain(axes)
    return figure


Spread = tuple[FloatArray, FloatArray, FloatArray]
"""A mean and the ends of its interval, each of shape (n,)."""


def learning_curves(
    runs: Mapping[str, tuple[IntArray, Spread, Spread]],
    references: Mapping[str, float],
    value_name: str,
    *,
    along: str,
) -> Figure:
    """Exact values and lengths along a training, means over seeds with intervals, with known values as lines.

    Parameters
    ----------
    runs : mapping of name to (done, value, length)
        `done` has shape (n,), the others are `Spread`. Of one seed the ends are NaN, and no interval is drawn.
    references : mapping of policy to value
    value_name : str
    along : str
        What is `done`.
    """
    figure = new_figure(7.2, 6.4)
    axes, below = figure.subplots(2, sharex=True, height_ratios=(2, 1))
    for (name, (done, *curves)), (colour, marker, line) in zip(runs.items(), cycle(STYLES), strict=False):
        for part, (mean, lower, upper) in zip((axes, below), curves, strict=True):
            part.fill_between(done, lower, upper, color=colour, alpha=0.18, linewidth=0)
            part.plot(
                done, mean, color=colour, marker=marker, linestyle=line, markevery=max(len(mean) // 8, 1),
                markersize=4, label=name if part is axes else None,
            )  # fmt: skip
    most = max(int(done[-1]) for done, *_ in runs.values())
    for value in references.values():
        axes.axhline(value, color=NEUTRAL, linewidth=0.7, linestyle=(0, (1, 2)))
    for name, height in _apart(references, axes.get_ylim()).items():
        axes.annotate(
            f"{name} {references[name]:.4f}", (most, height), xytext=(6, 0), textcoords="offset points", va="center",
            fontsize=8, color=NEUTRAL, annotation_clip=False,
        )  # fmt: skip
    axes.set_xlim(0, most)
    axes.set_ylabel(f"{value_name}: exact, mean over seeds, 95 %")
    below.set_xlabel(along)
    below.set_ylabel("decisions: exact, 95 %")
    columns = 3 if max(map(len, runs)) <= SHORT_NAME else 2
    figure.legend(loc="outside upper left", ncols=columns, frameon=False, fontsize=8, handlelength=3.5)
    _plain(axes)
    _plain(below)
    return figure


def _apart(values: Mapping[str, float], limits: tuple[float, float]) -> dict[str, float]:
    """Heights for the names of lines, moved up where they would cover one another."""
    least, placed = 0.045 * (limits[1] - limits[0]), {}
    height = -np.inf
    for name, value in sorted(values.items(), key=lambda item: item[1]):
        height = max(value, height + least)
        placed[name] = height
    return placed


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)
