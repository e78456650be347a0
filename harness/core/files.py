"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.core.errors import RunError


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write what is to be at `path`: it takes that place at the end, or vanishes if something fails.

    A folder replaces a folder, and a file a file. What was there before is kept until then.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        _remove(partial)
        yield partial
        if partial.is_dir() and path.is_dir():
            shutil.rmtree(path)
        partial.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            _remove(partial)


def cannot_write(path: Path, error: OSError) -> RunError:
    """One sentence for what the operating system refused to write."""
    mend = "free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "see that it can be written"
    return RunError(
        f"Cannot write {path}: {error.strerror or error}. What was written before is kept; {mend}, or choose another "
        "folder with --out."
    )


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
