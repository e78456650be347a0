"""A column in other units, or of another quantity, recognised by where its values lie."""

from __future__ import annotations

import numpy as np

from harness.core.errors import UsageError
from harness.core.units import conversions
from harness.data.files import Cells
from harness.data.schemas import Column
from harness.data.table import Array


def check_unit(cells: Cells, column: Column, found: Array) -> None:
    """See that the median of a column lies where it may in its unit.

    Raises
    ------
    UsageError
        Saying where it lies, and in which unit that would be usual.
    """
    if column.plausible is None or len(found) == 0 or np.isnan(found).all():
        return
    low, high = column.plausible
    median = float(np.nanmedian(found))
    if low <= median <= high:
        return
    unit = f" {column.unit}" if column.unit else ""
    guess = next(
        (
            f": it looks like {way.other} (then {(median - way.offset) / way.factor:.4g}{unit}). Convert the column"
            for way in conversions(column.unit, column.substance)
            if low <= (median - way.offset) / way.factor <= high
        ),
        f": it is in another unit, or another quantity. Convert the column to {column.unit}"
        if column.unit
        else ": it is another quantity. Look up what the column holds",
    )
    raise UsageError(
        f"{cells.path}, column '{column.name}': the median of {len(found):,} rows is {median:.4g}; expected {low:g} to "
        f"{high:g}{unit}{guess}, and read the file again."
    )
