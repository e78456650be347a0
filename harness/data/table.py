"""A checked table: columns as arrays, rows of a patient together and in order of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from harness.data.schemas import Column, Schema

Array = NDArray[Any]
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Origin = Literal["published", "stand-in", "unknown"]


@dataclass(frozen=True)
class Source:
    """The file that a table was read from.

    Attributes
    ----------
    path : Path
    blob_sha1 : str
        Git blob SHA-1 of its bytes (`git hash-object`).
    kind : {'published', 'stand-in', 'unknown'}
        The known copy of the published file, by its hash; made by `harness data synthesize`, by its mark; or neither:
        there may be published files of other bytes.
    """

    path: Path
    blob_sha1: str
    kind: Origin

    @property
    def stand_in(self) -> bool:
        """Whether the rows were made by `harness data synthesize`."""
        return self.kind == "stand-in"


@dataclass(frozen=True, eq=False)
class Table:
    """Trajectories of patients.

    Attributes
    ----------
    schema : Schema
    columns : mapping of name to array, shape (rows,)
        float64 for dtype float, int64 for integer, str for text. Categories are the codes of the file; missing
        floats, where the schema allows them, are NaN. Arrays are not writeable.
    patients : int array, shape (n + 1,)
        Rows `patients[i]` to `patients[i + 1]` are those of patient i, in order of time.
    source : Source
    """

    schema: Schema
    columns: Mapping[str, Array]
    patients: IntArray
    source: Source

    @property
    def n_rows(self) -> int:
        """Rows of all patients."""
        return int(self.patients[-1])

    @property
    def n_patients(self) -> int:
        """Patients."""
        return len(self.patients) - 1

    @property
    def patient_of(self) -> IntArray:
        """The index of each row's patient, shape (rows,)."""
        return np.repeat(np.arange(self.n_patients), np.diff(self.patients))

    def levels(self, name: str) -> IntArray:
        """The index of each row's category in the schema's `categories`, shape (rows,).

        Raises
        ------
        KeyError
            If there is no such column.
        ValueError
            If it has no categories.
        """
        found = levels(self.schema.column(name), self.columns[name])
        if (found < 0).any():
            raise ValueError(f"the column '{name}' holds a code that is none of its categories")
        return found


def codes(column: Column) -> Array:
    """The codes of a column's categories, in its dtype.

    Raises
    ------
    ValueError
        If it has none.
    """
    if not column.categories:
        raise ValueError(f"the column '{column.name}' has no categories")
    written = [category.code for category in column.categories]
    if column.dtype == "text":
        return np.array(written)
    values = np.array(written, dtype=np.float64)
    return values.astype(np.int64) if column.dtype == "integer" else values


def levels(column: Column, values: Array) -> IntArray:
    """The index of each value in the column's categories, -1 for what is none of them."""
    known = codes(column)
    order = np.argsort(known)
    nearest = np.searchsorted(known[order], values).clip(max=len(known) - 1)
    found = order[nearest]
    return np.where(known[found] == values, found, -1).astype(np.int64)
