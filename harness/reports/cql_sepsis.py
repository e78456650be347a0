"""The table of CQL-sepsis beside exact values, and its figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness.evaluation.intervals import wilson
from harness.evaluation.summary import ReferenceValue
from harness.reports.block import Block
from harness.reports.plots import NEUTRAL, STYLES, new_figure
from harness.reports.text import number, percent, plus_minus
from harness.reproduce.binomial import Shares
from harness.reproduce.cql_sepsis import LONGEST, RANDOM, Row, Settings
from harness.reproduce.protocol import EPISODES, SEEDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NOTICE = "A benchmark, not medical advice."


def table(settings: Settings, rows: Sequence[Row], references: dict[str, ReferenceValue]) -> Iterator[Block]:
    """Published figures, exact values, and what evaluations of the same policies would have printed."""
    n, looks = len(settings.seeds), len(settings.told(settings.trained[0], settings.seeds[0]).looks)
    yield Block(
        f"CQL-sepsis (coursework with open code): published, and what {n} trainings of an arm are worth",
        ("arm", "published", "exact at end", "kept, exact", "would print", "95 %", "P(so much)", "independent"),
        [_row(row) for row in rows],
        (
            f"exact at end: survival under the last policy, no sampling; mean of {n} training seeds ± Student-t "
            "95 %. " + " ".join(f"{name} {number(v.value)}." for name, v in references.items()),
            f"would print: the mean of {n} seeds' best of {looks} evaluations of {EPISODES} episodes each, as the "
            f"repository reports it; simulated {settings.repeats:,} times a seed, every look at the same patients, cut "
            f"off after {LONGEST} decisions as there, the seeds apart (two published ones share 19 of 100 patients, "
            "which would widen it by some 4 %). P(so much): of the published mean or more. random: one "
            "evaluation a seed, nothing selected, exact.",
            "kept, exact: the checkpoints that such evaluations keep; mean over simulations and seeds. independent: "
            "what would be printed on average if every look met other patients, exact.",
            f"Published means are of {SEEDS} seeds. DQN and CQL with alpha 0 are the same trainings here, and very "
            "likely there: same code, same seeds, same published mean.",
            *_deviations(settings),
        ),
    )


def _row(row: Row) -> tuple[str, ...]:
    return (
        row.arm,
        "–" if row.published is None else percent(row.published),
        plus_minus(row.exact.value, row.exact.lower, row.exact.upper),
        "–" if row.arm == RANDOM else number(row.kept),
        percent(row.printed.mean),
        "{:.1f} – {:.1f} %".format(*(100 * end for end in row.printed.central())),
        "–" if row.reached is None else f"{row.reached:.2f}",
        "–" if row.arm == RANDOM else percent(row.independent.mean),
    )


def _deviations(settings: Settings) -> Iterator[str]:
    """What is not as published, or not known to be."""
    protocol = Settings()
    changed = [
        f"{name.replace('_', ' ')} {getattr(settings, name)} instead of {getattr(protocol, name)}"
        for name in ("seeds", "steps", "look_every", "hidden")
        if getattr(settings, name) != getattr(protocol, name)
    ]
    if changed:
        yield f"NOT the published protocol: {', '.join(changed)}."
    yield (
        f"All learned from the same {settings.episodes:,} episodes of the clinicians' policy (data seed "
        f"{settings.data_seed}): what other data would have given is in no ±. The repository's README and collecting "
        "script say 5,000; its script for everything says 50,000."
    )
    yield (
        "There an evaluation also sets the generator that draws the batches back to the run's seed, so each block of "
        "steps learns from the same batches again; here new ones are drawn."
    )


def figure(rows: Sequence[Row], references: dict[str, ReferenceValue]) -> Figure:
    """A line for every arm: the published mean, the exact value, and the distribution of what would be printed."""
    drawn = new_figure(8.0, 0.62 * len(rows) + 1.8)
    axes = drawn.add_subplot()
    for place, row in enumerate(rows):
        _distribution(axes, place, row.printed, label="what evaluations of it would print" if not place else None)
        _published(
            axes, place, row, label="published, with a 95 % interval as if nothing was selected" if not place else None
        )
        axes.plot(
            [row.exact.value], [place], color=STYLES[1][0], marker="D", linestyle="none", markersize=6,
            label="survival, exact (mean over seeds)" if not place else None,
        )  # fmt: skip
    for (name, reference), style in zip(references.items(), (":", "--", "-."), strict=False):
        value = reference.value
        axes.axvline(value, color=NEUTRAL, linewidth=0.8, linestyle=style, label=f"{name} {value:.4f}")
    axes.set_yticks(range(len(rows)), [row.arm for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.75)
    axes.set_xlabel("survival")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)
    drawn.legend(loc="outside upper left", ncols=2, frameon=False, fontsize=8, handlelength=3.0)
    return drawn


def _distribution(axes: Axes, place: int, printed: Shares, label: str | None) -> None:
    chances = printed.probabilities
    seen = chances > chances.max() / 1_000
    height = 0.55 * chances[seen] / chances.max()
    axes.fill_between(
        printed.values[seen], place - height, np.full(seen.sum(), place), step="mid", color=STYLES[0][0], alpha=0.35,
        linewidth=0, label=label,
    )  # fmt: skip


def _published(axes: Axes, place: int, row: Row, label: str | None) -> None:
    if row.published is None:
        return
    n = SEEDS * EPISODES
    interval = wilson(round(row.published * n), n)
    below, above = row.published - interval.lower, interval.upper - row.published
    axes.errorbar(
        [row.published], [place + 0.18], xerr=[[below], [above]], color="black", marker="o", markersize=5, capsize=3,
        linewidth=1, linestyle="none", label=label,
    )  # fmt: skip
