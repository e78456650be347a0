"""The cells of a CSV or Parquet file, by column name, as Arrow columns; every one of them text, for a CSV file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.errors import UsageError
from harness.core.extras import require
from harness.core.text import harmless

SUFFIXES = (".csv", ".parquet")
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
SHOWN = 60
"""Characters of a foreign value that are shown."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Columns of a file, as they were found.

    Attributes
    ----------
    path : Path
    columns : mapping of name to Arrow array
    first : int
        What the first row is called: its line in a CSV file (2), 1 in a Parquet file.
    """

    path: Path
    columns: dict[str, Any]
    first: int

    def row(self, index: int) -> str:
        """What a row is called in messages."""
        return f"line {index + self.first:,}" if self.first == 2 else f"row {index + self.first:,}"


def shown(value: object) -> str:
    """A foreign value in quotes, made fit for a terminal."""
    text = harmless(str(value))
    return f"'{text if len(text) <= SHOWN else text[:SHOWN] + '…'}'"


def names(path: Path) -> tuple[str, ...]:
    """The names of a file's columns, in its order.

    Raises
    ------
    UsageError
        If there is no such file, or it is no table.
    """
    require("Reading tables", "data", "pyarrow")
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is not there"
        raise UsageError(f"'{path}' {what}; expected a CSV or Parquet file.")
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"'{path}' ends with '{path.suffix}'; expected a file that ends with .csv or .parquet.")
    if path.suffix.lower() == ".parquet":
        import pyarrow as pa
        from pyarrow import parquet

        try:
            return tuple(parquet.read_schema(path).names)
        except (pa.ArrowException, OSError) as error:
            raise UsageError(f"{path} is no Parquet file that can be read: {_reason(error)}.") from None
    return _header(path)


def _header(path: Path) -> tuple[str, ...]:
    import csv

    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            found = next(csv.reader(file, strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} is not text in UTF-8 with commas: {error}. Save it as CSV in UTF-8.") from None
    if not found:
        raise UsageError(f"{path} is empty; expected a first line with the names of the columns.")
    if len(found) == 1:
        for separator, word in SEPARATORS.items():
            if separator in found[0]:
                raise UsageError(f"{path} is separated by {word}; expected commas. Save it as CSV with commas.")
    return tuple(found)


def read_cells(path: Path, wanted: tuple[str, ...], there: tuple[str, ...]) -> Cells:
    """The wanted columns of a file whose columns are `there`.

    Raises
    ------
    UsageError
        If the file is damaged; the message names the line.
    """
    if path.suffix.lower() == ".parquet":
        return _parquet(path, wanted)
    import pyarrow as pa
    from pyarrow import csv

    torn: list[Any] = []

    def keep(row: Any) -> str:
        torn.append(row)
        return "skip"

    try:
        found = csv.read_csv(
            path,
            # one thread: only then a damaged row is known by its number
            read_options=csv.ReadOptions(use_threads=False, block_size=1 << 24),
            parse_options=csv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=keep),
            convert_options=csv.ConvertOptions(
                include_columns=list(wanted),
                column_types={name: pa.string() for name in wanted},
                strings_can_be_null=False,
            ),
        )
    except (pa.ArrowException, OSError) as error:
        raise UsageError(f"{path} is no CSV file that can be read: {_reason(error)}.") from None
    if torn:
        row = torn[0]
        raise UsageError(
            f"{path}, line {row.number:,}: the line has {row.actual_columns} cells; expected {row.expected_columns}, "
            "as in the first line. The file was cut off or edited; get it again."
        )
    found = found.slice(0, _rows_without_blank_end(found))
    return Cells(path, {name: found.column(name).combine_chunks() for name in wanted}, first=2)


def _rows_without_blank_end(found: Any) -> int:
    """Rows up to the last one that is not blank; a line without anything is read as empty cells."""
    rows = int(found.num_rows)
    while rows and not any(column[rows - 1].as_py() for column in found.columns):
        rows -= 1
    return rows


def _parquet(path: Path, wanted: tuple[str, ...]) -> Cells:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        found = parquet.read_table(path, columns=list(wanted)).unify_dictionaries()
    except (pa.ArrowException, OSError) as error:
        raise UsageError(f"{path} is no Parquet file that can be read: {_reason(error)}.") from None
    columns = {}
    for name in wanted:
        column = found.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        columns[name] = column.combine_chunks()
    return Cells(path, columns, first=1)


def _reason(error: Exception) -> str:
    return harmless(str(error).strip().splitlines()[0])[:200].rstrip(".") if str(error).strip() else "damaged"
