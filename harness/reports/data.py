"""Data sets in tables: which there are, and what is in a file beside what was published of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.data.describe import Described
from harness.data.schemas import Schema
from harness.data.sharing import provenance
from harness.data.table import Table
from harness.reports.block import Block
from harness.reports.text import percent

MOST_SHARES = 14
"""Categories whose shares stand in one cell."""


def catalogue(schemas: Sequence[Schema], places: Sequence[Path]) -> list[tuple[str, ...]]:
    """A row for every data set: id, size, access, whether it is there, title."""
    return [
        (
            schema.id,
            f"{schema.patients or 0:,} × {schema.steps} {schema.step_name}s",
            schema.access,
            "there" if place.exists() else "not there",
            schema.title,
        )
        for schema, place in zip(schemas, places, strict=True)
    ]


def summary(table: Table) -> str:
    """One line: what the file is, how much is in it, where it comes from."""
    steps = table.schema.steps
    each = f" × {steps} {table.schema.step_name}s" if steps else ""
    return (
        f"{table.source.path}: {provenance(table).in_words()}. {_counted(table.n_patients, 'patient')}{each}, "
        f"{_counted(table.n_rows, 'row')}; git blob {table.source.blob_sha1}"
    )


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def blocks(table: Table, described: Sequence[Described]) -> list[Block]:
    """Numbers, then categories; each beside what was published of it."""
    numbers = [found for found in described if found.shares is None]
    categories = [found for found in described if found.shares is not None]
    notes = (
        "Published figures are in brackets, those of categories in the same order; – where none are in print.",
        *table.schema.notes,
    )
    return [
        Block(
            summary(table),
            ("column", "unit", "n", "measured", "mean", "sd", "least", "quartiles", "most"),
            [_number(found) for found in numbers],
        ),
        Block(
            "",
            ("column", "measured", "codes", "percent of rows", "published"),
            [_category(found) for found in categories],
            notes,
        ),
    ]


def _number(found: Described) -> tuple[str, ...]:
    published = found.published()

    def cell(name: str) -> str:
        value = f"{found.figures[name]:.4g}" if name in found.figures else "–"
        return f"{value} [{published[name]:.4g}]" if name in published else value

    mode = f" [mode {published['mode']:.4g}]" if "mode" in published else ""
    return (
        found.column.name,
        found.column.unit,
        f"{found.n:,}",
        "" if found.measured is None else percent(found.measured),
        cell("mean") + mode,
        cell("sd"),
        cell("minimum"),
        " ".join(cell(name) for name in ("q1", "median", "q3")),
        cell("maximum"),
    )


def _category(found: Described) -> tuple[str, ...]:
    codes = [category.code for category in found.column.categories]
    published = found.column.published
    shares = published.shares if published is not None else None
    return (
        found.column.name,
        "" if found.measured is None else percent(found.measured),
        _span(codes),
        _shares(found.shares or ()),
        _mean_code(found) if shares is None else _shares(shares),
    )


def _mean_code(found: Described) -> str:
    """Where no shares are in print, the mean of the codes may be."""
    published = found.published()
    if "mean" not in published or "mean" not in found.figures:
        return "–"
    return f"mean code {published['mean']:.4g}; here {found.figures['mean']:.4g}"


def _span(codes: Sequence[str]) -> str:
    return " ".join(codes) if len(codes) <= 6 else f"{codes[0]} {codes[1]} … {codes[-1]}"


def _shares(shares: Sequence[float]) -> str:
    return " ".join(f"{100 * share:.1f}" for share in shares[:MOST_SHARES])


def as_json(table: Table, described: Sequence[Described]) -> dict[str, Any]:
    """The same as plain data."""
    return {
        "file": str(table.source.path),
        "provenance": provenance(table).model_dump(),
        "patients": table.n_patients,
        "rows": table.n_rows,
        "columns": {
            found.column.name: {
                "unit": found.column.unit,
                "n": found.n,
                "measured": found.measured,
                **found.figures,
                **(
                    {}
                    if found.shares is None
                    else {
                        "shares": {
                            category.code: share
                            for category, share in zip(found.column.categories, found.shares, strict=True)
                        }
                    }
                ),
                "published": None
                if found.column.published is None
                else found.column.published.model_dump(exclude_none=True),
            }
            for found in described
        },
    }
