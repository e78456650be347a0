"""Trainings of tabular agents, in tables: exact values with intervals over seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from harness.evaluation.intervals import Estimate, student_t
from harness.evaluation.learning_curves import LAST, SMOOTHING, WITHIN, Trained
from harness.evaluation.summary import ReferenceValue
from harness.reports.block import Block
from harness.reports.text import between, number, plus_minus, with_options
from harness.reproduce.table_3 import PUBLISHED, Row

ROWS = 10
"""Of the looks, so many are printed."""

NOTICE = "A benchmark, not medical advice."

CRITERION = (
    f"Converged: from when on the return of the training episodes, smoothed by {SMOOTHING} an episode, stays within "
    f"{WITHIN} of its final level, the mean of the last {LAST:.0%}."
)


def curve(done: Trained) -> Block:
    """Exact value and length at some of the looks."""
    looks = len(done.looks)
    shown = sorted({round(looks * (i + 1) / ROWS) - 1 for i in range(ROWS)} - {-1})
    rows = [
        (f"{done.looks[i]:,}", estimated(student_t(done.value[:, i])), f"{done.length[:, i].mean():.2f}") for i in shown
    ]
    return Block(
        f"{done.algorithm} in {done.env}{with_options(done.options)} · {len(done.seeds)} training seeds",
        ("episodes", "exact value", "exact length"),
        rows,
        ("Mean over seeds, with its 95 % interval (Student); each seed's value is exact. Lengths in decisions.",),
    )


def final(done: Trained, references: Mapping[str, ReferenceValue]) -> Block:
    """What was reached, beside those that every agent is measured against."""
    episodes, decisions = done.converged()
    rows = [(done.algorithm, estimated(done.final_value), f"{done.length[:, -1].mean():.2f}")]
    rows += [
        (name, number(found.value), "–" if found.length is None else f"{found.length:.2f}")
        for name, found in references.items()
    ]
    notes = (
        f"{done.algorithm}: n = {len(done.seeds)} seeds; the others are exact.",
        f"Return of the last {LAST:.0%} of the training episodes: {estimated(done.final_return)}.",
        f"Episodes to converge: {counted(episodes)}; decisions: {counted(decisions)}. {CRITERION}",
    )
    return Block("At the end", ("policy", "exact value", "exact length"), rows, notes)


def table_3(rows: Sequence[Row]) -> Iterator[Block]:
    """Table 3 of the ICU-Sepsis paper beside ours."""
    yield Block(
        "Table 3 (Choudhary, Gupta, Thomas, RLC 2024), tabular agents, beside ours",
        ("agent", "return, paper", "return, ours", "difference", "allowed", "within", "exact value"),
        [_returns(row) for row in rows],
        (
            "Return: mean of the last training episodes, while exploring; the paper's has two decimals. Exact value: "
            f"of the policy learned, greedy where the agent is greedy. Mean of {rows[0].seeds} seeds ± Student-t 95 %.",
            "'sarsa' is the algorithm; 'sarsa, as published' does what the paper's code does, which takes the greedy "
            "action of the state before.",
        ),
    )
    yield Block(
        "Until they converge",
        ("agent", "episodes, paper", "episodes, ours", "decisions, ours"),
        [_converged(row) for row in rows],
        (
            f"{CRITERION} This criterion is ours, because the paper's is not in its code: the two columns of episodes "
            "may not mean the same. Ours are of the mean curve over seeds.",
        ),
    )


def plain(row: Row) -> dict[str, Any]:
    """A row of table 3 as plain data, with the published figures."""
    published = PUBLISHED.get(row.name)
    return {
        "agent": row.name,
        "run_dir": row.run_dir,
        "seeds": row.seeds,
        "published": None if published is None else {"return": published[0], "episodes_to_converge": published[1]},
        "training_return": asdict(row.training_return),
        "value": asdict(row.value),
        "episodes_to_converge": row.converged[0],
        "decisions_to_converge": row.converged[1],
        "agrees": None if published is None else row.agrees,
    }


def _returns(row: Row) -> tuple[str, ...]:
    ours, exact = (plus_minus(e.value, e.lower, e.upper) for e in (row.training_return, row.value))
    if row.name not in PUBLISHED:
        return row.name, "–", ours, "–", "–", "–", exact
    within = "yes" if row.agrees else "no"
    return (
        row.name,
        f"{PUBLISHED[row.name][0]:.2f}",
        ours,
        f"{row.difference:+.4f}",
        f"{row.allowed:.3f}",
        within,
        exact,
    )


def _converged(row: Row) -> tuple[str, ...]:
    published = f"{PUBLISHED[row.name][1]:,.0f}" if row.name in PUBLISHED else "–"
    episodes, decisions = row.converged
    return row.name, published, f"{episodes:,.0f}", f"{decisions / 1e6:.2f} M"


def estimated(found: Estimate) -> str:
    """A mean with its interval."""
    if math.isnan(found.lower):
        return number(found.value)
    return f"{number(found.value)} ({between(found.lower, found.upper)})"


def counted(found: Estimate) -> str:
    """A mean number with its interval."""
    if math.isnan(found.lower):
        return f"{found.value:,.0f}"
    return f"{found.value:,.0f} ({max(found.lower, 0.0):,.0f} – {found.upper:,.0f})"
