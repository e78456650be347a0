"""Where a file comes from: its git blob hash, and the mark of a stand-in.

A stand-in is marked twice: its patients are numbered from `STAND_IN_PATIENTS`, which stays with the rows through every
copy and conversion; and beside the file lies `<file>.stand-in.json`, which says what made it and holds for exactly
these bytes. In a user's own data the numbers mark nothing: hospitals may have such.
"""

from __future__ import annotations

import json
from hashlib import sha1
from pathlib import Path

import numpy as np

from harness.data.schemas import Schema
from harness.data.table import Array, Origin, Source

STAND_IN_PATIENTS = 900_000_000
"""The first patient's number in a stand-in. The published files number a few thousand patients from 0 or 1."""

BLOCK = 1 << 20


def blob_sha1(path: Path) -> str:
    """The git blob SHA-1 of a file, as `git hash-object` prints it. It identifies a file, it does not protect it.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    digest = sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def manifest_path(path: Path) -> Path:
    """Where the manifest of a stand-in lies."""
    return path.with_name(f"{path.name}.stand-in.json")


def has_manifest(path: Path) -> bool:
    """Whether a manifest beside the file says that it is a stand-in, of exactly these bytes."""
    return _has_manifest(path, blob_sha1(path))


def _has_manifest(path: Path, found: str) -> bool:
    try:
        manifest = json.loads(manifest_path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("blob_sha1") == found


def source(path: Path, schema: Schema, patients: Array) -> Source:
    """What is known of a file whose patient column is `patients`."""
    found = blob_sha1(path)
    kind: Origin = "unknown"
    if found == schema.blob_sha1:
        kind = "published"
    elif _has_manifest(path, found) or (schema.access != "own" and _numbered_as_stand_in(patients)):
        kind = "stand-in"
    return Source(path=path, blob_sha1=found, kind=kind)


def _numbered_as_stand_in(patients: Array) -> bool:
    return bool(np.issubdtype(patients.dtype, np.integer) and len(patients) and patients.min() >= STAND_IN_PATIENTS)
