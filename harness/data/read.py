"""A file read by column names, checked from the header to the last cell."""

from __future__ import annotations

from pathlib import Path

from harness.core.errors import UsageError
from harness.data.catalogue import looks_like
from harness.data.files import names, read_cells, shown
from harness.data.order import offsets
from harness.data.plausible import check_unit
from harness.data.schemas import Schema
from harness.data.source import source
from harness.data.table import Source, Table
from harness.data.values import check_range, values

__all__ = ["Source", "Table", "read"]

NAMED = 6
"""Missing columns that are named in a message."""


def read(path: Path, schema: Schema) -> Table:
    """The table of a CSV or Parquet file; columns that the schema does not know are ignored.

    Parameters
    ----------
    path : Path
    schema : Schema
        See `harness.data.catalogue.schema` for those of known data sets.

    Raises
    ------
    UsageError
        One sentence that names file, row, column, value, what was expected and how to mend it: for a file that is not
        there, no table, or of another data set; values that are missing, no numbers, out of range or unknown
        categories; a column in other units; rows twice, out of order or missing.
    """
    there = names(path)
    _check_columns(path, schema, there)
    cells = read_cells(path, schema.names, there)
    columns = {}
    for column in schema.columns:
        found = values(cells, column)
        if column.kind == "float":
            check_unit(cells, column, found)
        columns[column.name] = found
    # units first: a column in other units is one finding, not the first of its values that is out of range
    patients = offsets(cells, schema, columns[schema.patient], columns[schema.time])
    for column in schema.columns:
        check_range(cells, column, columns[column.name])
        columns[column.name].setflags(write=False)
    return Table(schema, columns, patients, source(path, schema, columns[schema.patient]))


def _check_columns(path: Path, schema: Schema, there: tuple[str, ...]) -> None:
    missing = [name for name in schema.names if name not in there]
    twice = [name for name in schema.names if there.count(name) > 1]
    if not missing and not twice:
        return
    if twice:
        raise UsageError(f"{path}: the column '{twice[0]}' is there {there.count(twice[0])} times; expected it once.")
    other = looks_like(there)
    if other is not None:
        raise UsageError(
            f"{path} is not of the data set '{schema.id}' (it has no column '{missing[0]}'); it looks like "
            f"'{other.id}'. Give that file, or name the data set '{other.id}'."
        )
    listed = ", ".join(f"'{name}'" for name in missing[:NAMED]) + (", …" if len(missing) > NAMED else "")
    found = ", ".join(shown(name) for name in there[:NAMED]) + (", …" if len(there) > NAMED else "")
    raise UsageError(
        f"{path} has no column {listed}; expected the {len(schema.names)} columns of '{schema.id}' by these names, "
        f"found {found}. Rename the columns, or describe your own file in a recipe."
    )
