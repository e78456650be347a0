"""Differences between runs, in a table."""

from __future__ import annotations

from collections.abc import Sequence

from harness.core.text import harmless
from harness.evaluation.compare import Difference
from harness.reports.text import between

HEADINGS = ("run", "difference", "between", "certainty", "won/tied/lost", "p (Holm)")


def rows(found: Sequence[Difference]) -> list[tuple[str, ...]]:
    """A row for every difference, under `HEADINGS`."""
    listed: list[tuple[str, ...]] = []
    for d in found:
        limits = "" if d.kind == "exact" else between(d.lower, d.upper)
        certainty = d.kind if d.n is None else f"{d.kind}, n = {d.n}"
        won = "" if d.wins is None else f"{d.wins}/{d.ties}/{d.losses}"
        p = "" if d.p_holm is None else f"{d.p_holm:.2g}"
        value = "" if d.kind == "certain" else f"{d.value:+.4f}"  # the middle of certain bounds is no estimate
        listed.append((harmless(d.other), value, limits, certainty, won, p))
    return listed
