"""A search on disk: interrupted it goes on, finished it screens.

    about.json                 which data set, settings, seed and version the rest belongs to
    state.npz                  everything that the next step depends on, replaced at intervals
    snapshots/010200.npz       parameters and U at that step, of which the ensemble is made
    curve.json                 precision, recall and patterns found, a row for every snapshot

Files appear whole or not at all, and nothing in them is code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.agents.bandits.combinations import Combinations
from harness.agents.bandits.optim_neural_ts import Search, Settings, begin
from harness.core.arrays import read_arrays, write_arrays
from harness.core.errors import RunError
from harness.core.files import cannot_write
from harness.core.run import write_json

CHECKPOINT_VERSION = 2
"""Rises when files mean something else, or the same seed would give another search."""

ABOUT, STATE, CURVE, SNAPSHOTS = "about.json", "state.npz", "curve.json", "snapshots"

Arrays = dict[str, NDArray[Any]]


def about(data: Combinations, settings: Settings, seed: int) -> dict[str, Any]:
    """What a search is, as plain data."""
    return {
        "checkpoint_version": CHECKPOINT_VERSION,
        "data": data.name,
        "data_sha256": data.fingerprint,
        "settings": settings.model_dump(mode="json"),
        "seed": seed,
        "drugs": list(data.drugs),
    }


def open_search(folder: Path, data: Combinations, settings: Settings, seed: int) -> Search:
    """The search that `folder` holds as it was last saved, or a new one if there is none.

    Raises
    ------
    RunError
        If the folder holds another search (data set, settings, seed or version), is damaged, or cannot be written.
    """
    now = about(data, settings, seed)
    if not (folder / ABOUT).exists():
        try:
            (folder / SNAPSHOTS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(folder, error) from error
        write_json(folder / ABOUT, now)
        return begin(data, settings, seed)
    before = read_about(folder)
    other = [name for name in now if before.get(name) != now[name]]
    if other:
        raise RunError(
            f"The checkpoint {folder} is of another search (it differs in {', '.join(other)}); give the data set, "
            "settings and seed that it was made with, or another folder."
        )
    return _restored(folder, begin(data, settings, seed)) if (folder / STATE).exists() else begin(data, settings, seed)


def save(search: Search, folder: Path) -> None:
    """Replace the saved state by this one.

    Raises
    ------
    RunError
        If it cannot be written; what was saved before is kept.
    """
    write_json(folder / CURVE, search.curve)
    n = search.step
    arrays: Arrays = {
        "parameters": search.adam.parameters,
        "first": search.adam.first,
        "second": search.adam.second,
        "updates": np.array(search.adam.updates),
        "U": search.U,
        "rows": search.rows[:n],
        "observed": search.observed[:n],
        "flagged": search.flagged,
        "found": search.found,
        "curve": np.frombuffer(json.dumps(search.curve).encode(), dtype=np.uint8),
        "cpu_seconds": np.array(search.cpu_seconds),
    }
    write_arrays(folder / STATE, arrays, compressed=False)


def save_snapshot(search: Search, folder: Path) -> None:
    """Keep the network and U of now for the ensemble."""
    arrays = {"parameters": search.adam.parameters, "U": search.U}
    write_arrays(folder / SNAPSHOTS / f"{search.step:06}.npz", arrays, compressed=False)


def snapshots(folder: Path) -> Iterator[tuple[int, Arrays]]:
    """Step, parameters and U of every snapshot, the earliest first."""
    for path in sorted((folder / SNAPSHOTS).glob("*.npz")):
        yield int(path.stem), read_arrays(path, ("parameters", "U"))


def read_about(folder: Path) -> dict[str, Any]:
    """What the search in `folder` is.

    Raises
    ------
    RunError
        If it holds none, or one of another version.
    """
    try:
        found = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(
            f"'{folder}' holds no checkpoint (it has no {ABOUT}); `harness train optim-neural-ts` makes one."
        ) from None
    except (OSError, ValueError) as error:
        raise RunError(f"{folder / ABOUT} cannot be read: {error}.") from error
    version = found.get("checkpoint_version") if isinstance(found, dict) else None
    if version != CHECKPOINT_VERSION:
        raise RunError(
            f"The checkpoint {folder} has version {version}; this harness reads version {CHECKPOINT_VERSION}. "
            "Train anew, or use the harness that made it."
        )
    return dict(found)


def _restored(folder: Path, search: Search) -> Search:
    names = ("parameters", "first", "second", "updates", "U", "rows", "observed", "flagged", "found", "curve")
    saved = read_arrays(folder / STATE, (*names, "cpu_seconds"))
    n = len(saved["rows"])
    adam = search.adam
    try:
        for into, name in ((adam.parameters, "parameters"), (adam.first, "first"), (adam.second, "second")):
            into[:] = saved[name]
        search.U[:], search.flagged[:], search.found[:] = saved["U"], saved["flagged"], saved["found"]
        search.rows[:n], search.observed[:n] = saved["rows"], saved["observed"]
        search.curve = json.loads(saved["curve"].tobytes())
    except ValueError as error:
        raise RunError(f"{folder / STATE} does not fit its {ABOUT}: {error}. Delete {STATE} to start anew.") from error
    adam.updates, search.step, search.cpu_seconds = int(saved["updates"]), n, float(saved["cpu_seconds"])
    return search
