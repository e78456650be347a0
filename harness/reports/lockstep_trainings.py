"""Trainings of tabular agents, in tables: exact values with intervals over seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from harness.evaluation.intervals import Estimate, student_t
from harness.evaluation.summary import ReferenceValue
from harness.reports.block import Block
from harness.reports.text import DIGITS, number, outward, plus_minus, policy_name, with_options
from harness.reproduce.table_3 import PUBLISHED, Row
from harness.training.convergence import LAST, SMOOTHING, WITHIN, Convergence
from harness.training.learning_curves import Trained

ROWS = 10
"""Of the looks, so many are printed."""

NOTICE = "A benchmark, not medical advice."

CRITERION = (
    f"Converged: from when on the return of the training episodes, mean over the seeds, smoothed by {SMOOTHING} an "
    f"episode, stays within {WITHIN} of its final level, which is the mean of the last {LAST:.0%}."
)


def curve(done: Trained) -> Block:
    """Exact value and length at some of the looks."""
    looks = len(done.looks)
    shown = sorted({round(looks * (i + 1) / ROWS) - 1 for i in range(ROWS)} - {-1})
    rows = [
        (f"{done.looks[i]:,}", estimated(student_t(done.value[:, i])), estimated(student_t(done.length[:, i]), 2))
        for i in shown
    ]
    return Block(
        f"{done.algorithm} in {done.env}{with_options(done.options)} · {len(done.seeds)} training seeds",
        ("episodes", "exact value", "exact length"),
        rows,
        ("Mean over seeds, with its 95 % interval (Student); each seed's value is exact. Lengths in decisions.",),
    )


def final(done: Trained, references: Mapping[str, ReferenceValue]) -> Block:
    """What was reached, beside those that every agent is measured against."""
    found = done.convergence
    rows = [(done.algorithm, estimated(done.final_value), estimated(student_t(done.length[:, -1]), 2))]
    rows += [
        (policy_name(name, known.kind), number(known.value), "–" if known.length is None else f"{known.length:.2f}")
        for name, known in references.items()
    ]
    notes = (
        f"{done.algorithm}: n = {len(done.seeds)} seeds; the others are exact.",
        f"Return of the last {LAST:.0%} of the training episodes: {estimated(done.final_return)}.",
        *_when(found, done.episodes),
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
        ("agent", "episodes, paper", "episodes, ours", "95 %", "decisions, ours"),
        [_converged(row) for row in rows],
        (
            f"{CRITERION} This criterion is ours, because the paper's is not in its code: the two columns of episodes "
            "may not mean the same. 95 %: percentile bootstrap of the seeds; it says what hangs on them, not on the "
            "criterion.",
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
        "convergence": asdict(row.convergence),
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
    found = row.convergence
    if found.untold is not None:
        return row.name, published, "–", "–", "–"
    if found.episodes is None or found.decisions is None:
        return row.name, published, "not by the end", _ends(found), "–"
    return row.name, published, f"{found.episodes:,.0f}", _ends(found), f"{found.decisions / 1e6:.2f} M"


def _ends(found: Convergence) -> str:
    lower, upper = ("the end" if end is None else f"{end:,.0f}" for end in (found.lower, found.upper))
    return f"{lower} – {upper}"


def _when(found: Convergence, episodes: int) -> tuple[str, ...]:
    """Sentences on when a training had converged."""
    if found.untold is not None:
        return (f"When it had converged cannot be told: that {found.untold}.",)
    if found.episodes is None or found.decisions is None:
        return (f"It had not converged after {episodes:,} episodes.", CRITERION)
    return (
        f"Episodes to converge: {found.episodes:,.0f} ({_ends(found)}, 95 % by a bootstrap of the seeds); decisions: "
        f"{found.decisions:,.0f}. {CRITERION}",
    )


def estimated(found: Estimate, digits: int = DIGITS) -> str:
    """A mean with its interval."""
    value = f"{found.value:.{digits}f}"
    if math.isnan(found.lower):
        return value
    return f"{value} ({' – '.join(outward(found.lower, found.upper, digits))})"
