"""Targets beside measurements, in tables."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from harness.reports.block import Block
from harness.reports.text import outward
from harness.reproduce.calibration import Calibration, Row

NOTICE = "A benchmark, not medical advice."


def blocks(found: Calibration) -> Iterator[Block]:
    """A table for each section; the last one says how many targets are met."""
    met = [row.met for row in found.rows if row.met is not None]
    for heading, rows in found.sections:
        last = heading == found.sections[-1][0]
        yield Block(
            heading,
            ("", "target", "measured (95 % interval)", "n", "met", "basis", "published"),
            [_cells(row) for row in rows],
            (f"{sum(met)} of {len(met)} targets are met.", *found.notes) if last else (),
        )


def _cells(row: Row) -> tuple[str, ...]:
    found, digits = row.found, row.digits
    interval = "" if math.isnan(found.lower) else f" ({' – '.join(outward(found.lower, found.upper, digits))})"
    value = f"{found.value:.{digits}f}{interval}{f' {row.unit}' if row.unit else ''}"
    met = "–" if row.met is None else "yes" if row.met else "no"
    return row.what, _target(row.target), value, f"{found.n:,}", met, row.basis or "–", row.published


def _target(target: tuple[float, float] | None) -> str:
    if target is None:
        return "–"
    low, high = target
    if math.isinf(high):
        return f"> {low:g}"
    return f"< {high:g}" if math.isinf(low) else f"{low:g} – {high:g}"


def plain(found: Calibration) -> dict[str, Any]:
    """The same as data."""
    return {
        "title": found.title,
        "rows": [
            {
                "section": heading,
                "what": row.what.strip(),
                "target": None if row.target is None else list(row.target),
                "value": row.found.value,
                "lower": row.found.lower,
                "upper": row.found.upper,
                "interval": row.found.interval,
                "n": row.found.n,
                "unit": row.unit,
                "met": row.met,
                "basis": row.basis,
                "published": row.published,
            }
            for heading, rows in found.sections
            for row in rows
        ],
        "notes": list(found.notes),
    }
