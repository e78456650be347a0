"""How far a built MDP can be trusted, in tables, as JSON and in one figure."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from harness.construction.diagnostics import QUANTILES, Diagnostics
from harness.core.run import write_json
from harness.reports.block import Block
from harness.reports.plots import new_figure, save
from harness.reports.text import number

JSON, FIGURE = "diagnostics.json", "diagnostics"


def blocks(found: Diagnostics) -> list[Block]:
    """Sizes and coverage, the Markov check, other seeds, other numbers of states."""
    pairs = len(found.sizes)
    sizes = [
        ("rows in a state", *(f"{q:,.0f}" for q in np.quantile(found.sizes, QUANTILES))),
        ("patients in a state", *(f"{q:,.0f}" for q in np.quantile(found.patients, QUANTILES))),
        ("admissible actions", *(f"{q:,.0f}" for q in np.quantile(found.choices, QUANTILES))),
    ]
    history = [
        (e.what, e.by, f"{100 * e.share:.1f} %", f"{100 * e.lower:.1f} to {100 * e.upper:.1f}", f"{e.patients:,}")
        for e in found.explained
    ]
    seeds = [
        (str(i), number(rand) if i else "–", number(optimum))
        for i, (rand, optimum) in enumerate(zip((1.0, *found.rand), found.optima, strict=True))
    ]
    return [
        Block(
            f"{pairs} states; {found.seen:,} pairs of state and action were seen, {found.admissible:,} are admissible "
            f"and hold {100 * found.on_admissible:.1f} % of the decisions",
            ("", "least", "quarter", "median", "three quarters", "most"),
            sizes,
        ),
        Block(
            "Markov check: of what state and action leave, a linear model of history explains",
            ("of", "by", "share", "95 % interval", "held-out patients"),
            history,
            ("0 where the states are Markov. Above 0 the optimum is that of a model which patients do not follow.",),
        ),
        Block("Other seeds of the clustering", ("seed", "adjusted Rand", "optimal value"), seeds),
        Block(
            "Davies–Bouldin index, lower is better separated",
            ("states", "index"),
            [(str(n), f"{index:.3f}") for n, index in found.davies_bouldin],
        ),
    ]


def as_json(found: Diagnostics) -> dict[str, Any]:
    """The same as plain data."""
    return {
        "sizes": found.sizes.tolist(),
        "patients": found.patients.tolist(),
        "seen": found.seen,
        "admissible": found.admissible,
        "on_admissible": found.on_admissible,
        "choices": found.choices.tolist(),
        "explained": [vars(e) for e in found.explained],
        "adjusted_rand": found.rand.tolist(),
        "optima": found.optima.tolist(),
        "davies_bouldin": [{"states": n, "index": index} for n, index in found.davies_bouldin],
    }


def write(found: Diagnostics, folder: Path) -> None:
    """Write them beside the MDP; the figure only where matplotlib is installed."""
    write_json(folder / JSON, as_json(found))
    if find_spec("matplotlib") is None:
        return
    figure = new_figure(10, 7)
    sizes, choices, history, separation = figure.subplots(2, 2).ravel()
    sizes.bar(range(len(found.sizes)), np.sort(found.sizes)[::-1], width=1.0)
    sizes.set(title="Rows in each state", xlabel="state, by size", ylabel="rows")
    most = int(found.choices.max())
    choices.hist(found.choices, bins=np.arange(most + 2) - 0.5)
    choices.set(title="Admissible actions of a state", xlabel="actions", ylabel="states")
    shares = np.array([e.share for e in found.explained])
    spans = [[e.share - e.lower for e in found.explained], [e.upper - e.share for e in found.explained]]
    history.errorbar(100 * shares, range(len(shares)), xerr=100 * np.array(spans), fmt="o")
    history.set_yticks(range(len(shares)), [f"{e.what}\nby {e.by}" for e in found.explained])
    history.axvline(0, color="grey")
    history.set(title="Markov check", xlabel="% of the rest explained, 95 % interval")
    separation.plot(*zip(*found.davies_bouldin, strict=True), marker="o")
    separation.set(title="Davies–Bouldin index", xlabel="states", ylabel="lower is better separated")
    save(figure, folder / FIGURE)
