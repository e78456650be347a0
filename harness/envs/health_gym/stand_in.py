"""The MDP of a stand-in, made when it is first needed and kept in the user's cache.

It is small and the same for everybody up to rounding: for trying the tasks without the data, which may not be bundled.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
from filelock import FileLock
from platformdirs import user_cache_path

from harness.construction.folder import FORMAT, read_manifest
from harness.construction.recipe import Recipe, load

PATIENTS = {"hypotension": 2_000, "sepsis": 2_164, "art-hiv": 2_000}
"""Of each recipe; the published files have 3,910, 2,164 and 8,916."""
SEED = 0


def folder(recipe: str) -> Path:
    """The folder of the stand-in's MDP; it is built if it is not there yet.

    Raises
    ------
    HarnessError
        If scikit-learn is not installed, which building needs.
    """
    wanted = load(recipe)
    path = user_cache_path("harness") / "stand-ins" / f"{recipe}-{_key(wanted)}"
    if read_manifest(path) is not None:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if read_manifest(path) is None:
            _make(wanted, PATIENTS[recipe], path)
    return path


def _key(recipe: Recipe) -> str:
    """Of everything that the MDP follows from."""
    from harness.data.stand_ins.write import VERSION

    parts = f"{recipe.model_dump_json()} {PATIENTS[recipe.id]} {SEED} {VERSION} {FORMAT}"
    return sha256(parts.encode()).hexdigest()[:12]


def _make(recipe: Recipe, patients: int, path: Path) -> None:
    from harness.construction.build import build
    from harness.construction.write import write
    from harness.data.stand_ins.catalogue import process
    from harness.data.stand_ins.simulate import simulate
    from harness.data.table import Source, Table

    made = process(recipe.data or recipe.id)
    offsets = np.arange(patients + 1) * made.steps
    source = Source(path, f"simulated here, {patients} patients, seed {SEED}", "stand-in")
    table = Table(made.schema, simulate(made, patients, SEED).columns, offsets, source)
    write(build(table, recipe), path)
