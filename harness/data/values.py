"""Cells turned into numbers, strictly: what is no number, missing, out of range or an unknown category is named."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from harness.core.errors import UsageError
from harness.data.files import Cells, shown
from harness.data.schemas import Column
from harness.data.table import Array, levels

MISSING = ("", "na", "nan", "null", "none")
"""How missing cells are written (in small letters)."""

CATEGORIES_SHOWN = 16

ROUNDING = 1e-6
"""By how much a value may be outside its range: generated values come back from transforms in single precision, where
what was 0 can be a little less."""


def values(cells: Cells, column: Column) -> Array:
    """The values of a column in its dtype, not yet compared with its range or categories.

    Raises
    ------
    UsageError
        Naming file, row, column and the first value that is missing or no number.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    found = cells.columns[column.name]
    if column.dtype == "text":
        if found.null_count:
            _missing(cells, column, int(pc.index(pc.is_null(found), True).as_py()))
        return np.array(found.cast(pa.string()).to_pylist())
    if pa.types.is_boolean(found.type):
        found = found.cast(pa.int8())
    if pa.types.is_string(found.type) or pa.types.is_large_string(found.type):
        found = _numbers(cells, column, found)
    elif not (pa.types.is_integer(found.type) or pa.types.is_floating(found.type)):
        raise UsageError(
            f"{cells.path}, column '{column.name}': it holds values of type {found.type}; expected {_expected(column)}."
        )
    numbers = found.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    bad = ~np.isfinite(numbers)
    if column.may_be_missing:
        bad &= ~np.isnan(numbers)
    if bad.any():
        row = int(np.argmax(bad))
        if np.isnan(numbers[row]):
            _missing(cells, column, row)
        _no_number(cells, column, row, numbers[row])
    return _whole(cells, column, numbers) if column.dtype == "integer" else numbers


def _numbers(cells: Cells, column: Column, text: Any) -> Any:
    """Text as floats; missing cells as NaN."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return text.cast(pa.float64())
    except pa.ArrowInvalid:
        pass
    # the slow way, to find the first cell that is at fault, or those that are missing
    lowered = pc.utf8_lower(pc.utf8_trim_whitespace(text))
    missing = pc.is_in(lowered, value_set=pa.array(MISSING))
    present = pc.if_else(missing, "nan", text)
    try:
        return present.cast(pa.float64())
    except pa.ArrowInvalid:
        for row, cell in enumerate(present.to_pylist()):
            try:
                pa.scalar(cell).cast(pa.float64())
            except pa.ArrowInvalid:
                _no_number(cells, column, row, cell)
        raise AssertionError("the column holds no cell that is at fault") from None


def _whole(cells: Cells, column: Column, numbers: Array) -> Array:
    bad = (numbers != np.floor(numbers)) | (np.abs(numbers) > 2**53)
    if bad.any():
        row = int(np.argmax(bad))
        _no_number(cells, column, row, f"{numbers[row]:.15g}")
    return numbers.astype(np.int64)


def check_range(cells: Cells, column: Column, found: Array) -> None:
    """See that all values are within the column's range, or among its categories.

    Raises
    ------
    UsageError
        Naming file, row, column, value and what was expected.
    """
    if column.categories:
        unknown = levels(column, found) < 0
        if unknown.any():
            row = int(np.argmax(unknown))
            known = [category.code for category in column.categories]
            listed = ", ".join(known[:CATEGORIES_SHOWN]) + (", …" if len(known) > CATEGORIES_SHOWN else "")
            raise UsageError(
                f"{_place(cells, column, row)}: {shown(found[row])} is no category; expected one of {listed}. "
                "Give the codes of the data set, or correct the row."
            )
    if column.dtype == "text":
        return
    low, high = (limit if limit is not None else np.nan for limit in (column.low, column.high))
    outside = (found < low - ROUNDING) | (found > high + ROUNDING)  # a comparison with NaN is false
    if outside.any():
        row = int(np.argmax(outside))
        expected = " to ".join(f"{limit:,g}" if limit is not None else "any" for limit in (column.low, column.high))
        unit = f" {column.unit}" if column.unit else ""
        raise UsageError(
            f"{_place(cells, column, row)}: the value is {found[row]:g}; expected {expected}{unit}. "
            "Correct the row, or leave out its patient."
        )


def _expected(column: Column) -> str:
    if column.dtype == "text":
        return "text"
    what = "whole numbers" if column.dtype == "integer" else "numbers"
    return f"{what} in {column.unit}" if column.unit else what


def _place(cells: Cells, column: Column, row: int) -> str:
    return f"{cells.path}, {cells.row(row)}, column '{column.name}'"


def _missing(cells: Cells, column: Column, row: int) -> NoReturn:
    raise UsageError(
        f"{_place(cells, column, row)}: the value is missing; expected {_expected(column)} in every row. Fill it in, "
        "or leave out its patient."
    )


def _no_number(cells: Cells, column: Column, row: int, value: object) -> NoReturn:
    whole = column.dtype == "integer"
    written = "digits alone" if whole else "with a decimal point and nothing else in the cell"
    raise UsageError(
        f"{_place(cells, column, row)}: {shown(value)} is no {'whole ' if whole else ''}number; expected "
        f"{_expected(column)}, {written}. Correct the row."
    )
