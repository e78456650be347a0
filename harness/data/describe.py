"""A table in figures: per column how much, how spread, and what was published of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from harness.data.schemas import Column, Published
from harness.data.table import Table


@dataclass(frozen=True)
class Described:
    """Figures of one column.

    Attributes
    ----------
    column : Column
    n : int
        Values that are there.
    measured : float or None
        Share of rows in which its flag says that it was measured; None if it has no flag.
    figures : mapping of name to float
        `mean`, `sd` (ddof 1), `minimum`, `q1`, `median`, `q3`, `maximum`; of numbers, and of categories by their codes.
    shares : tuple of float or None
        Of the categories, in their order.
    """

    column: Column
    n: int
    measured: float | None
    figures: Mapping[str, float]
    shares: tuple[float, ...] | None

    def published(self) -> dict[str, float]:
        """The published ones of the same figures."""
        known = (self.column.published or Published()).model_dump(exclude={"shares"}, exclude_none=True)
        return {name: float(value) for name, value in known.items()}


def describe(table: Table) -> list[Described]:
    """Figures of all columns but the patient's and the time's, in the schema's order."""
    return [
        _described(table, column) for column in table.schema.columns if column.kind in ("float", "category", "flag")
    ]


def _described(table: Table, column: Column) -> Described:
    values = table.columns[column.name]
    measured = None if column.measured is None else float(table.columns[column.measured].mean())
    shares = None
    if column.categories:
        counts = np.bincount(table.levels(column.name), minlength=len(column.categories))
        shares = tuple(float(share) for share in counts / len(values))
    if column.dtype == "text":
        return Described(column, len(values), measured, {}, shares)
    there = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    figures: dict[str, float] = {}
    if len(there):
        names = ("minimum", "q1", "median", "q3", "maximum")
        figures = {"mean": float(there.mean()), "sd": float(there.std(ddof=1)) if len(there) > 1 else 0.0}
        quantiles = np.quantile(there, (0, 0.25, 0.5, 0.75, 1))
        figures |= {name: float(value) for name, value in zip(names, quantiles, strict=True)}
    return Described(column, len(there), measured, figures, shares)
