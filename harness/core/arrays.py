"""Files of arrays (.npz): plain numbers and text, nothing that is run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from harness.core.errors import RunError
from harness.core.files import whole


def write_arrays(path: Path, arrays: Mapping[str, Any], *, compressed: bool = True) -> None:
    """Replace a file of arrays as a whole.

    Raises
    ------
    RunError
        If it cannot be written; what was there before is kept.
    """
    with whole(path) as partial, partial.open("wb") as file:
        (np.savez_compressed if compressed else np.savez)(file, **arrays)


def read_arrays(path: Path, names: Iterable[str] | None = None) -> dict[str, Any]:
    """The arrays of a file, all or those named; objects are refused.

    Raises
    ------
    RunError
        If it cannot be read, or holds anything but plain arrays, or one is missing.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in (file.files if names is None else names)}
    except (OSError, ValueError, EOFError, BadZipFile, KeyError, AttributeError, TypeError) as error:
        why = "it holds objects, which are never loaded, or no arrays at all" if "pickle" in str(error) else error
        raise RunError(f"{path} cannot be read ({why}); it is no file of arrays, or damaged.") from error
