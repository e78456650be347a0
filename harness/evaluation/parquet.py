"""Columns in a Parquet file, with one text in its metadata."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.core.errors import RunError
from harness.core.extras import require
from harness.core.files import whole

KEY = b"harness"
"""Under which the text stands."""


def require_pyarrow() -> None:
    """See that pyarrow is installed; files that end in .npz need nothing more."""
    require("Parquet", "data", "pyarrow")


def write(path: Path, columns: dict[str, Any], text: str) -> None:
    """Write a whole file, or nothing.

    Raises
    ------
    UsageError
        If pyarrow is not installed.
    RunError
        If it cannot be written.
    """
    require_pyarrow()
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.table(columns).replace_schema_metadata({KEY: text.encode()})
    with whole(path) as partial:
        parquet.write_table(table, partial, compression="zstd")


def read(path: Path) -> tuple[dict[str, Any], str | None]:
    """The columns, by name, and the text if there is one. Missing values are NaN.

    Raises
    ------
    UsageError
        If pyarrow is not installed.
    RunError
        If the file cannot be read.
    """
    require_pyarrow()
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise RunError(f"{path} cannot be read ({error}); it is no Parquet file, or damaged.") from error
    text = (table.schema.metadata or {}).get(KEY)
    columns = {name: table[name].to_numpy() for name in table.column_names}
    return columns, None if text is None else text.decode()
