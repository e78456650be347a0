"""Patients and time: every patient's rows together, in order, with no step twice and none missing."""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from harness.core.errors import UsageError
from harness.data.files import Cells, shown
from harness.data.schemas import Schema
from harness.data.table import Array, IntArray

TOLERANCE = 1e-6
"""Of a time step, for times that are not whole numbers."""


def offsets(cells: Cells, schema: Schema, patient: Array, time: Array) -> IntArray:
    """Where each patient's rows begin and the last one's end, shape (n + 1,).

    Raises
    ------
    UsageError
        Naming the row at which patients or times are not as the schema says.
    """
    rows = len(patient)
    if rows == 0:
        raise UsageError(f"{cells.path} has a first line and no rows; expected a row for every {schema.step_name}.")
    begins = np.append(True, patient[1:] != patient[:-1])
    starts = np.flatnonzero(begins)
    found = np.append(starts, rows).astype(np.int64)
    same = np.flatnonzero(~begins)
    steps = time[same] - time[same - 1]
    wrong = steps <= 0 if schema.time_step is None else np.abs(steps - schema.time_step) > TOLERANCE
    scattered = _again(patient[starts])
    first_wrong = int(same[np.argmax(wrong)]) if wrong.any() else rows
    first_again = int(starts[scattered]) if scattered is not None else rows
    if first_wrong < first_again:
        _explain(cells, schema, patient, time, found, first_wrong)
    if first_again < rows:
        raise UsageError(
            f"{cells.path}, {cells.row(first_again)}, column '{schema.patient}': patient "
            f"{shown(patient[first_again])} comes again after others; expected all rows of a patient together. Sort "
            f"the file by '{schema.patient}' and '{schema.time}'."
        )
    _complete(cells, schema, patient, time, found)
    return found


def _again(firsts: Array) -> int | None:
    """The index of the first patient that was there before."""
    _, first = np.unique(firsts, return_index=True)
    if len(first) == len(firsts):
        return None
    before = np.zeros(len(firsts), dtype=np.bool_)
    before[first] = True
    return int(np.argmin(before))


def _explain(cells: Cells, schema: Schema, patient: Array, time: Array, found: IntArray, row: int) -> NoReturn:
    """Say in what way the time of a row does not follow the one before."""
    block = int(np.searchsorted(found, row, side="right")) - 1
    times = time[found[block] : found[block + 1]]
    who = f"patient {shown(patient[row])}"
    place = f"{cells.path}, {cells.row(row)}, column '{schema.time}'"
    step = schema.step_name
    earlier = np.flatnonzero(times[: row - found[block]] == time[row])
    if len(earlier):
        before = cells.row(int(found[block] + earlier[0]))
        raise UsageError(
            f"{place}: {step} {time[row]:g} of {who} was there in {before} already; expected each {step} once. Delete "
            "one of the two rows."
        )
    wanted = f"{step} {time[row - 1] + schema.time_step:g}" if schema.time_step else f"a {step} after {time[row - 1]:g}"
    follows = f"{step} {time[row]:g} of {who} follows {step} {time[row - 1]:g}; expected {wanted}"
    if time[row] < time[row - 1] or (schema.time_step and (times == time[row - 1] + schema.time_step).any()):
        raise UsageError(
            f"{place}: {follows}: the rows are not in order of time. Sort the file by '{schema.patient}' and "
            f"'{schema.time}'."
        )
    raise UsageError(f"{place}: {follows}, which is missing. Add it, or leave out the patient.")


def _complete(cells: Cells, schema: Schema, patient: Array, time: Array, found: IntArray) -> None:
    """See that all patients begin at the same step, and have the schema's number of them."""
    if schema.steps is None:
        return
    begun = time[found[:-1]]
    first = 0 if 2 * np.count_nonzero(begun == 0) >= len(begun) else 1
    step = schema.step_name
    expected = f"expected {step}s {first} to {first + schema.steps - 1}"
    late = begun != first
    counts = np.diff(found)
    short = counts != schema.steps
    if not (late | short).any():
        return
    block = int(np.argmax(late | short))
    row = int(found[block])
    who = f"patient {shown(patient[row])}"
    place = f"{cells.path}, {cells.row(row)}, column '{schema.time}'"
    if late[block]:
        raise UsageError(
            f"{place}: {who} begins at {step} {begun[block]:g}; {expected}. Add the rows, or leave it out."
        )
    last = time[found[block + 1] - 1]
    if counts[block] < schema.steps:
        raise UsageError(
            f"{place}: {who} has {counts[block]} {step}s, no more after {step} {last:g}; {expected}. Add what is "
            "missing, or leave out the patient."
        )
    raise UsageError(
        f"{place}: {who} has {counts[block]} {step}s and goes on to {step} {last:g}; {expected}. Cut off the rest."
    )
