"""The arrays of a user's MDP, from a folder of tables or an `.npz` archive; `read.py` describes both.

Says nothing yet on whether they describe an MDP, but for what is best said with a place in a file.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from harness.core.errors import InvalidMDP, UsageError, unknown_name
from harness.mdp.tables import action_lists, named_numbers, numbers
from harness.mdp.tabular import SUM_TOLERANCE, BoolArray, FloatArray
from harness.mdp.words import About

TRANSITIONS, REWARDS, START = "transitionFunction.csv", "rewardFunction.csv", "initialStateDistribution.csv"
EXPERT, STATES, ACTIONS, ABOUT = "expertPolicy.csv", "states.csv", "actions.csv", "mdp.toml"
ADMISSIBLE, SOFA, CENTRES = "extras/admissibleActions.txt", "extras/sofaScores.csv", "extras/stateClusterCenters.csv"
ARCHIVE = "mdp.npz"
"""In a folder instead of the tables."""
NEEDED = (TRANSITIONS, REWARDS, START)
FILES = (*NEEDED, EXPERT, STATES, ACTIONS, ABOUT, ADMISSIBLE, SOFA, CENTRES)

ARRAYS = {
    "P": "P", "tx_mat": "P", "R": "R", "r_mat": "R", "d0": "d0", "d_0": "d0", "expert_policy": "expert_policy",
    "terminal": "terminal", "discount": "discount", "admissible": "admissible", "sofa_scores": "sofa",
    "state_cluster_centers": "centres",
}  # fmt: skip
"""Names of arrays in an archive, and what they are here."""


@dataclass(frozen=True, eq=False)
class GivenArrays:
    """The arrays of a folder or an archive; `R` is (S, A) or (S, A, S), `features` hold (S,) by name."""

    P: FloatArray
    R: FloatArray
    d0: FloatArray
    expert_policy: FloatArray | None = None
    admissible: BoolArray | None = None
    terminal: BoolArray | None = None
    discount: float | None = None
    features: dict[str, FloatArray] = field(default_factory=dict)


def from_folder(path: Path, about: About) -> GivenArrays:
    """The arrays of a folder of tables; `about` lists its terminal states, or none.

    Raises
    ------
    UsageError
        If a file cannot be read.
    InvalidMDP
        If a table has the wrong shape, or a row of transitions is no distribution; the message names the row.
    """
    flat = numbers(path / TRANSITIONS)
    rows, S = flat.shape
    if rows % S:
        raise InvalidMDP(
            f"{path / TRANSITIONS} has {rows} rows of {S} columns; expected a column for each state and a row for each "
            f"state and action, so a multiple of {S} rows (and no header row)."
        )
    A = rows // S
    start = numbers(path / START)
    if start.size != S or 1 not in start.shape:
        raise _wrong_shape(path / START, start, f"1 row of {S}, a probability for each state")
    if np.any(start < 0) or abs(start.sum() - 1) > SUM_TOLERANCE:
        state = int(start.argmin())
        fault = f"gives state {state} {start.ravel()[state]:g}" if np.any(start < 0) else f"sums to {start.sum():.10g}"
        raise InvalidMDP(f"{path / START} {fault}; expected probabilities that sum to 1.")
    terminal = _listed(path / ABOUT, about.terminal, S)
    _require_probabilities(path / TRANSITIONS, flat, A, terminal)
    expert = numbers(path / EXPERT) if (path / EXPERT).is_file() else None
    if expert is not None and expert.shape != (S, A):
        raise _wrong_shape(path / EXPERT, expert, f"{S} rows of {A}, a probability for each state and action")
    return GivenArrays(
        P=flat.reshape(S, A, S),
        R=_folder_rewards(path / REWARDS, S, A),
        d0=start.ravel(),
        expert_policy=expert,
        admissible=action_lists(path / ADMISSIBLE, S, A) if (path / ADMISSIBLE).is_file() else None,
        terminal=terminal,
        features=_features(path / SOFA, "sofa", S) | _features(path / CENTRES, "centre", S),
    )


def _folder_rewards(path: Path, S: int, A: int) -> FloatArray:
    table = numbers(path)
    if table.shape == (1, S):
        return np.broadcast_to(table[0], (S, A, S))
    if table.shape == (S, A):
        return table
    if table.shape == (S * A, S):
        return table.reshape(S, A, S)
    expected = f"1 row of {S} (for entering a state), {S} rows of {A} (state and action), or {S * A} rows of {S}"
    raise _wrong_shape(path, table, expected)


def _require_probabilities(path: Path, flat: FloatArray, A: int, terminal: BoolArray | None) -> None:
    """Refuse a row that is no distribution by where it stands in the file; rows of terminal states are not used."""
    used = np.ones(len(flat), dtype=np.bool_) if terminal is None else np.repeat(~terminal, A)
    negative = np.argwhere((flat < 0) & used[:, None])
    if negative.size:
        row, column = negative[0]
        raise InvalidMDP(
            f"{path}, row {row + 1}, column {column + 1} (state {row // A}, action {row % A}, to state {column}): "
            f"{flat[row, column]:g} is no probability; expected 0 to 1."
        )
    sums = flat.sum(axis=1)
    wrong = np.flatnonzero((np.abs(sums - 1) > SUM_TOLERANCE) & used)
    if wrong.size:
        row = int(wrong[0])
        hint = " (if the state ends the episode, list it under 'terminal' in mdp.toml)" if sums[row] == 0 else ""
        raise InvalidMDP(
            f"{path}, row {row + 1} (state {row // A}, action {row % A}) sums to {sums[row]:.10g}; expected 1{hint}."
        )


def _listed(path: Path, indices: ArrayLike | None, S: int) -> BoolArray | None:
    """The mask of listed terminal states, or None where none are listed."""
    if indices is None:
        return None
    listed = np.asarray(indices, dtype=np.int64)
    wrong = listed[(listed < 0) | (listed >= S)]
    if wrong.size:
        raise InvalidMDP(f"{path}: terminal: there is no state {wrong[0]}; expected 0 to {S - 1}.")
    mask = np.zeros(S, dtype=np.bool_)
    mask[listed] = True
    return mask


def from_archive(path: Path) -> GivenArrays:
    """The arrays of an `.npz` archive.

    Raises
    ------
    UsageError
        If it is none, holds pickled objects, or lacks an array or has one of an unknown name.
    InvalidMDP
        If an array has the wrong shape.
    """
    try:
        with np.load(path, allow_pickle=False) as found:
            unknown = next((name for name in found.files if name not in ARRAYS), None)
            if unknown is not None:
                raise UsageError(f"{path}: {unknown_name('array', unknown, ARRAYS)}")
            given = {ARRAYS[name]: np.asarray(found[name]) for name in found.files}
            names = found.files
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile):
        raise UsageError(
            f"{path} is no .npz archive of arrays, or holds pickled objects, which are never loaded; write one with "
            "numpy.savez_compressed."
        ) from None
    if len(given) < len(names):
        raise UsageError(f"{path} holds an array under two names ({', '.join(names)}); keep one of them.")
    for name in ("P", "R", "d0"):
        if name not in given:
            raise UsageError(f"{path} holds no array '{name}'; expected P (states, actions, states), R and d0.")
    for name, array in given.items():
        if array.dtype.kind not in "biuf":
            raise InvalidMDP(f"{path}: the array '{name}' holds no numbers but {array.dtype}.")
    P = given["P"].astype(np.float64, copy=False)
    if P.ndim != 3 or P.shape[0] != P.shape[2]:
        raise InvalidMDP(f"{path}: P has shape {P.shape}; expected (states, actions, states).")
    S, A, _ = P.shape
    shapes = {"expert_policy": (S, A), "admissible": (S, A), "d0": (S,), "discount": ()}
    for name, shape in shapes.items():
        if name in given and given[name].shape != shape:
            raise InvalidMDP(f"{path}: {name} has shape {given[name].shape}; expected {shape}.")
    R = given["R"].astype(np.float64, copy=False)
    if R.shape not in ((S,), (S, A), P.shape):
        raise InvalidMDP(f"{path}: R has shape {R.shape}; expected {(S,)}, {(S, A)} or {P.shape}.")
    ends = given.get("terminal")
    numbers = ends if ends is not None and ends.dtype.kind != "b" else None
    if numbers is not None and numbers.shape == (S,) and S > 1 and np.isin(numbers, (0, 1)).all():
        raise InvalidMDP(
            f"{path}: terminal holds {S} numbers 0 and 1, which may be flags or indices; save flags as booleans, or "
            "the indices of the terminal states alone."
        )
    if numbers is not None and not np.equal(numbers, np.round(numbers)).all():
        raise InvalidMDP(f"{path}: terminal holds a number that is no index of a state; expected whole numbers.")
    if ends is not None and ends.dtype.kind == "b" and ends.shape != (S,):
        raise InvalidMDP(f"{path}: terminal has shape {ends.shape}; expected ({S},), or indices of states.")
    return GivenArrays(
        P=P,
        R=np.broadcast_to(R, P.shape) if R.shape == (S,) else R,
        d0=given["d0"].astype(np.float64, copy=False),
        expert_policy=given.get("expert_policy"),
        admissible=given["admissible"].astype(np.bool_) if "admissible" in given else None,
        terminal=ends if ends is None or ends.dtype.kind == "b" else _listed(path, ends, S),
        discount=float(given["discount"]) if "discount" in given else None,
        features=_columns("sofa", given.get("sofa"), S, path) | _columns("centre", given.get("centres"), S, path),
    )


def _features(path: Path, name: str, S: int) -> dict[str, FloatArray]:
    """The columns of a table that ICU-Sepsis adds for reference; they may have names above them."""
    if not path.is_file():
        return {}
    names, table = named_numbers(path)
    found = _columns(name, table, S, path)
    return dict(zip(names, found.values(), strict=True)) if len(names) == len(found) else found


def _columns(name: str, table: FloatArray | None, S: int, path: Path) -> dict[str, FloatArray]:
    """The features of a table with a row for each state, or of a single row or column of them."""
    if table is None:
        return {}
    rows = table.reshape(S, 1) if table.size == S else table
    if rows.ndim != 2 or len(rows) != S:
        raise InvalidMDP(f"{path}: the features '{name}' have shape {table.shape}; expected {S} rows, one a state.")
    return {name if rows.shape[1] == 1 else f"{name}_{i}": column for i, column in enumerate(rows.T)}


def _wrong_shape(path: Path, table: FloatArray, expected: str) -> InvalidMDP:
    rows, columns = table.shape
    return InvalidMDP(f"{path} has {rows} row{'s' * (rows > 1)} of {columns}; expected {expected}.")
