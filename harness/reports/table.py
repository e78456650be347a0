"""Several runs in one table: for a reader, and as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from harness.evaluation.config import Method
from harness.evaluation.intervals import CONFIDENCE
from harness.evaluation.summary import Summary
from harness.reports.block import Block
from harness.reports.text import between, not_for_ranking, number, percent, policy_name, without_interval


class Format(StrEnum):
    """How a table is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"


def certainty(s: Summary) -> str:
    """What the bounds of a value are: 'exact', 'certain', or the confidence of an interval with its sample size.

    Where there is no interval, that, and why.
    """
    if s.method is Method.ROLLOUT:
        sure = without_interval(s) if s.lower is None or s.upper is None else f"{CONFIDENCE:.0%}"
        return f"{sure}, n = {s.episodes}"
    if s.samples > 1:
        return s.interval
    if s.caveats:
        return "for these replies"
    return "exact" if s.exact else "certain"


def records(summaries: Sequence[Summary]) -> list[dict[str, Any]]:
    """A row of plain values for each run and each exactly known policy, the most valuable first.

    In an environment that is assumption-based nothing is ranked: the runs stand as they were asked for.
    """
    rows: list[dict[str, Any]] = [
        {
            "policy": s.agent,
            "prompt": s.prompt,
            "value": s.value,
            "lower": s.lower,
            "upper": s.upper,
            "certainty": certainty(s),
            "interval": s.interval,
            "regret": s.regret,
            "regret_lower": s.regret_lower,
            "regret_upper": s.regret_upper,
            "regret_kind": s.regret_kind,
            **_score(s),
            "invalid": s.invalid_share,
            "inadmissible": s.inadmissible_share,
            "vetoed": s.veto_share,
            "decisions": s.decisions,
            "calls": s.llm_calls,
            "run": s.run_dir,
            **({"assumption_based": True} if s.assumption_based else {}),
        }
        for s in summaries
    ]
    taken = {s.agent for s in summaries if s.exact}
    first = summaries[0]
    for name, reference in first.references.items():
        if name not in taken:
            lost = None if first.optimal_value is None else first.optimal_value - reference.value
            known = {"value": reference.value, "lower": reference.value, "upper": reference.value, "certainty": "exact"}
            known |= {"regret": lost, "regret_lower": lost, "regret_upper": lost, "regret_kind": first.regret_kind}
            rows.append(dict.fromkeys(rows[0]) | {"policy": name} | known)
    task = {
        "env": first.env,
        "env_version": first.env_version,
        "env_options": " ".join(f"{name}={value}" for name, value in sorted(first.env_options.items())) or None,
        "value_name": first.value_name,
    }
    ordered = rows if first.assumption_based else sorted(rows, key=lambda row: -float(row["value"]))
    return [task | row for row in ordered]


def _score(s: Summary) -> dict[str, float | None]:
    """The mean score of a rollout, where no table gives the value another meaning."""
    if s.references:
        return dict.fromkeys(("score", "score_lower", "score_upper"))
    return {"score": s.mean_score, "score_lower": s.mean_score_lower, "score_upper": s.mean_score_upper}


def cells(row: dict[str, Any], value_name: str) -> dict[str, str]:
    """The same for a reader: rounded outward, shares in percent, empty where nothing is to be said."""
    return {
        "policy": policy_name(row["policy"], row["regret_kind"]),
        "prompt": row["prompt"] or "",
        value_name: _with_bounds(row, ""),
        "certainty": row["certainty"],
        "regret": "" if row["regret"] is None else _with_bounds(row, "regret"),
        **({} if row["score"] is None else {"score": _with_bounds(row, "score")}),
        "invalid": "" if row["invalid"] is None else percent(row["invalid"]),
        "inadmissible": "" if row["inadmissible"] is None else percent(row["inadmissible"]),
        "calls": "" if row["calls"] is None else str(row["calls"]),
    }


def table(summaries: Sequence[Summary]) -> Block:
    """All rows for a reader, without the columns in which nothing is said; where nobody is to be ranked, that."""
    first = summaries[0]
    found = [cells(row, first.value_name) for row in records(summaries)]
    said = tuple(name for name in found[0] if any(row[name] for row in found))
    mind = (not_for_ranking(first.env),) if first.assumption_based else ()
    return Block("", said, [tuple(row[name] for name in said) for row in found], mind)


def _with_bounds(row: dict[str, Any], name: str) -> str:
    """One number, certain bounds alone, or an estimate with its interval."""
    value, lower, upper = (
        (row["value"], row["lower"], row["upper"])
        if not name
        else (row[name], row[f"{name}_lower"], row[f"{name}_upper"])
    )
    if lower == upper:
        return number(value) if lower is not None else f"{number(value)} (–)"
    bounds = between(lower, upper)
    return bounds if row["certainty"] in ("certain", "for these replies") else f"{number(value)} ({bounds})"
