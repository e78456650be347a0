"""Patients of a table: in the order of their numbers, or some of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.data.table import IntArray, Table


def take(table: Table, which: IntArray) -> Table:
    """The table of these patients, by index and in this order; a patient may be taken several times."""
    counts = np.diff(table.patients)[which]
    ends = np.cumsum(counts)
    rows = np.repeat(table.patients[which] - (ends - counts), counts) + np.arange(int(ends[-1]) if len(ends) else 0)
    columns = {name: column[rows] for name, column in table.columns.items()}
    return replace(table, columns=columns, patients=np.concatenate([[0], ends]).astype(np.int64))


def ordered(table: Table) -> Table:
    """The same patients by number, so that nothing depends on the order of a file."""
    numbers = table.columns[table.schema.patient][table.patients[:-1]]
    order = np.argsort(numbers, kind="stable")
    return table if (np.diff(order) == 1).all() else take(table, order)


def before_the_last(table: Table) -> IntArray:
    """Rows after which the same patient has another, in order."""
    followed = np.ones(table.n_rows, dtype=np.bool_)
    followed[table.patients[1:] - 1] = False
    return np.flatnonzero(followed)
