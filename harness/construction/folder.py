"""The folder of a built MDP: whether a path is one, and where its data come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.core.errors import UsageError
from harness.core.run import MANIFEST
from harness.data.sharing import Provenance

KIND = "built-mdp"
FORMAT = 2
"""Raised with any change that makes another MDP of the same table and recipe."""


def check_target(out: Path) -> None:
    """See that a built MDP may be written there.

    Raises
    ------
    UsageError
        If something else is there.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and read_manifest(out) is None)):
        raise UsageError(f"'{out}' is there and is no built MDP; name a new folder with --out, it is not overwritten.")


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a built MDP; None for any other folder, or an archive."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("kind") == KIND else None


def provenance_of(folder: Path) -> Provenance | None:
    """Where the data of a built MDP come from; None for an MDP that was not built here.

    Raises
    ------
    UsageError
        If the manifest does not say it.
    """
    found = read_manifest(folder)
    if found is None:
        return None
    try:
        return Provenance.model_validate(found.get("provenance"))
    except ValidationError:
        raise UsageError(f"{folder / MANIFEST} does not say where the data come from; build the MDP again.") from None
