"""Where data sets are kept, and how they get there: fetched where that is open, put there by the user where not."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from filelock import FileLock
from platformdirs import user_data_path

from harness.core.errors import DataError, UsageError
from harness.data.download import Progress, download, silent
from harness.data.schemas import Schema
from harness.data.source import blob_sha1

How = Literal["there", "fetched"]


def place(schema: Schema, root: Path | None = None) -> Path:
    """Where the file of a data set is, or would be."""
    return (root or user_data_path("harness") / "data") / schema.id / schema.file


def instructions(schema: Schema, root: Path | None = None) -> str:
    """How a user gets a file that is not open, and where to put it."""
    return (
        f"The data set '{schema.id}' is not open. It is at {schema.where}. Put the file {schema.file} at "
        f"{place(schema, root)}, and see that it is right with: harness data check {schema.id}. A stand-in is made by: "
        f"harness data synthesize {schema.id}"
    )


def existing(schema: Schema, file: Path | None, root: Path | None = None) -> Path:
    """The file that the user named, or the one where the data set is kept.

    Raises
    ------
    UsageError
        If none was named and none is kept, saying how to get it.
    """
    if file is not None:
        return file
    if not schema.file:
        raise UsageError(f"The data set '{schema.id}' is your own; name its file.")
    path = place(schema, root)
    if path.exists():
        return path
    if schema.url is None:
        raise UsageError(instructions(schema, root))
    raise UsageError(f"There is no {path}; get it with: harness data fetch {schema.id}")


def fetch(schema: Schema, root: Path | None = None, progress: Progress = silent) -> tuple[Path, How]:
    """The published file of an open data set: the one that is there, or downloaded and checked by its blob hash.

    Raises
    ------
    UsageError
        If the data set is not open, or another file is in its place.
    DataError
        If it cannot be fetched, or what came is not the published file.
    """
    if schema.url is None:
        raise UsageError(instructions(schema, root))
    path = place(schema, root)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if path.exists():
            found = blob_sha1(path)
            if found != schema.blob_sha1:
                raise UsageError(
                    f"{path} has the git blob hash {found}; expected {schema.blob_sha1}, that of the published file. "
                    "Move it away to fetch that, or give yours to the commands by its name."
                )
            return path, "there"
        partial = path.with_name(f"{path.name}.partial")
        download(schema.url, partial, progress)
        found = blob_sha1(partial)
        if found != schema.blob_sha1:
            other = path.with_name(f"{path.name}.unknown")
            partial.replace(other)
            raise DataError(
                f"What came from {schema.url} has the git blob hash {found}; expected {schema.blob_sha1}. It is kept "
                f"as {other}. If the data set was published anew, rename it to end with .csv and see what is in it "
                f"with: harness data check {schema.id} FILE"
            )
        partial.replace(path)
    return path, "fetched"
