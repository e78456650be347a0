"""A stand-in as a file: the published file's layout, and beside it a manifest that says what it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from harness import __version__
from harness.core.errors import UsageError
from harness.core.extras import require
from harness.core.files import whole
from harness.core.run import write_json
from harness.data.schemas import Column
from harness.data.source import STAND_IN_PATIENTS, blob_sha1, has_manifest, manifest_path
from harness.data.stand_ins.process import Process
from harness.data.stand_ins.simulate import simulate
from harness.data.table import Array, levels

VERSION = 1
"""Of the processes; raised with any change of what a seed gives."""

NOTICE = "Made by a simulation for tests and demonstrations. Not data of patients; nothing clinical follows from it."


def synthesize(process: Process, patients: int, seed: int, path: Path) -> dict[str, Any]:
    """Write a stand-in as CSV, and its manifest; returns the manifest.

    Raises
    ------
    UsageError
        If the path does not end with .csv, or something else than a stand-in is there already.
    """
    require("A stand-in", "data", "pyarrow")
    if path.suffix.lower() != ".csv":
        raise UsageError(f"'{path}' does not end with .csv; a stand-in has the format of the published file, CSV.")
    if path.exists() and not has_manifest(path):
        raise UsageError(f"{path} is there and is no stand-in; name another file with --out, it is not overwritten.")
    cohort = simulate(process, patients, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as partial:
        write_csv(process, cohort.columns, partial)
        manifest = {
            "stand_in_for": process.schema.id,
            "notice": NOTICE,
            "file": path.name,
            "blob_sha1": blob_sha1(partial),
            "patients": patients,
            "steps": process.steps,
            "seed": seed,
            "first_patient": STAND_IN_PATIENTS,
            "process_version": VERSION,
            "harness_version": __version__,
            "numpy_version": np.__version__,
        }
        write_json(manifest_path(path), manifest)
    return manifest


def write_csv(process: Process, columns: Mapping[str, Array], path: Path) -> None:
    """Columns in the layout of the published file."""
    import pyarrow as pa
    from pyarrow import csv

    schema = process.schema
    arrays = {column.name: _written(column, columns[column.name]) for column in schema.columns}
    if schema.index:
        arrays = {"": pa.array(np.arange(len(columns[schema.patient]))), **arrays}
    with path.open("wb") as file:
        file.write((",".join(arrays) + "\n").encode())
        options = csv.WriteOptions(include_header=False, quoting_style="none")
        csv.write_csv(pa.table(list(arrays.values()), names=list(arrays)), file, options)


def _written(column: Column, values: Array) -> Any:
    """Categories by their codes as the file has them ('1e-06'), numbers as they are."""
    import pyarrow as pa

    if not column.categories:
        return pa.array(values)
    words = pa.array([category.code for category in column.categories])
    return pa.DictionaryArray.from_arrays(pa.array(levels(column, values)), words).cast(pa.string())
