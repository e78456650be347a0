"""How rows of patients become states and actions, kept beside a built MDP: `construction.npz`.

It holds arrays and one text, nothing that is run, and no row of a patient: what columns are scaled by, the projection,
the centres of the states, the edges of doses, and how far from its centre a state reaches.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from pydantic import ValidationError

from harness.construction.actions import Actions, Levels
from harness.construction.build import Built, Construction
from harness.construction.features import FeatureMap, carried
from harness.construction.folder import read_manifest
from harness.construction.recipe import Recipe
from harness.construction.states import distances
from harness.core.errors import UsageError
from harness.data.schemas import Schema
from harness.data.table import FloatArray

FILE = "construction.npz"
ABOUT = "about"

REACH = 0.99
"""Of the rows that a state was made of, the share that is within its reach."""


@dataclass(frozen=True, eq=False)
class Kept:
    """What a folder keeps: the construction, and the `REACH` quantile of distances to each centre, shape (K,)."""

    construction: Construction
    reach: FloatArray


def save(built: Built, path: Path) -> str:
    """Write the construction of a built MDP, and return the file's SHA-256."""
    found, table = built.construction, built.table
    features, chosen = found.features, found.actions
    columns = {name: carried(table.columns[name], table.patients) for name in features.features.columns}
    apart = distances(features.of(columns), found.centres, built.states)
    reach = [float(np.quantile(apart[built.states == k], REACH)) if (built.states == k).any() else 0.0
             for k in range(len(found.centres))]  # fmt: skip
    about = {
        "recipe": found.recipe.model_dump(mode="json"),
        "schema": features.schema.model_dump(mode="json"),
        "names": features.names,
        "fill": dict(features.fill),
        "treatments": [
            {"column": t.column.name, "words": t.words, "dose": t.dose, "abrupt": t.abrupt} for t in chosen.treatments
        ],
        "labels": chosen.labels,
    }
    arrays: dict[str, Any] = {f"edges_{i}": t.edges for i, t in enumerate(chosen.treatments) if t.edges is not None}
    if features.matrix is not None:
        arrays["matrix"] = features.matrix
    np.savez_compressed(
        path,
        about=np.array(json.dumps(about, ensure_ascii=False)),
        centres=found.centres,
        centre=features.centre,
        scale=features.scale,
        index=chosen.index,
        reach=np.array(reach),
        **arrays,
    )
    return sha256(path.read_bytes()).hexdigest()


def load(folder: Path) -> Kept:
    """The construction that a folder keeps.

    Raises
    ------
    UsageError
        If the folder is no built MDP, keeps none, or its file is not the one that was written.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise UsageError(
            f"'{folder}' is no built MDP, so it does not say which state a patient is in; make one with: harness "
            "build-mdp."
        )
    path = folder / FILE
    if not path.is_file():
        raise UsageError(f"{path} is not there: the MDP was built by an earlier version; build it again.")
    try:
        if sha256(path.read_bytes()).hexdigest() != manifest["sha256"][FILE]:
            raise UsageError(f"{path} is not the file that was written with this MDP; build it again.")
        with np.load(path, allow_pickle=False) as arrays:
            given = {name: np.asarray(arrays[name]) for name in arrays.files}
        return _restored(given, json.loads(str(given[ABOUT])))
    except (OSError, ValueError, KeyError, TypeError, BadZipFile, ValidationError):
        raise UsageError(f"{path} cannot be read as the construction of an MDP; build it again.") from None


def _restored(given: dict[str, Any], about: dict[str, Any]) -> Kept:
    recipe, schema = Recipe.model_validate(about["recipe"]), Schema.model_validate(about["schema"])
    treatments = tuple(
        Levels(schema.column(t["column"]), tuple(t["words"]), given.get(f"edges_{i}"), t["dose"], t["abrupt"])
        for i, t in enumerate(about["treatments"])
    )
    features = FeatureMap(
        recipe.features,
        schema,
        tuple(about["names"]),
        given["centre"],
        given["scale"],
        about["fill"],
        given.get("matrix"),
    )
    chosen = Actions(treatments, given["index"], tuple(about["labels"]))
    return Kept(Construction(recipe, chosen, features, given["centres"]), given["reach"])
