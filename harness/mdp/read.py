"""A tabular MDP from a user's files: a folder of CSV tables, or an `.npz` archive of arrays.

The folder has the layout in which ICU-Sepsis publishes its parameters (github.com/icu-sepsis/icu-sepsis,
`icu-sepsis-csv-tables.tar.gz`). Its tables of numbers have no header row:

    transitionFunction.csv          S * A rows of S; row s * A + a holds p(. | s, a)
    rewardFunction.csv              1 row of S: the reward of entering a state; or S rows of A: r(s, a);
                                    or S * A rows of S: r(s, a, s')
    initialStateDistribution.csv    1 row of S
    expertPolicy.csv                optional: S rows of A
    extras/admissibleActions.txt    optional: the actions that the data support, see `tables.action_lists`
    extras/sofaScores.csv           optional: one number a state
    extras/stateClusterCenters.csv  optional: S rows of features without names

Beside these may lie what makes states and actions readable, with header rows:

    states.csv    features of each state, with units in their names ('map_mmhg'); 'description' is text about the state;
                  with a column 'state' rows may come in any order, and terminal states may be left out
    actions.csv   'label', 'description' if wanted, and 'action' if the rows are not in order
    mdp.toml      what the task is, see `words.About`

An archive holds `tx_mat`, `r_mat`, `d_0` and `expert_policy`, as in the package `icu-sepsis`; or `P` (S, A, S), `R`
((S,), (S, A) or (S, A, S)) and `d0`. It may hold `terminal` (a mask or indices), `discount` and `admissible` (S, A).
Pickled objects are never loaded.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from harness.core.errors import InvalidMDP, InvalidPolicy, UsageError, unknown_name
from harness.mdp.build import from_arrays
from harness.mdp.policy import check_policy
from harness.mdp.tables import action_lists, named_numbers, numbers
from harness.mdp.tabular import SUM_TOLERANCE, BoolArray, FloatArray, TabularMDP
from harness.mdp.words import About, ActionWords, StateWords, read_about, read_actions, read_states

TRANSITIONS, REWARDS, START = "transitionFunction.csv", "rewardFunction.csv", "initialStateDistribution.csv"
EXPERT, STATES, ACTIONS, ABOUT = "expertPolicy.csv", "states.csv", "actions.csv", "mdp.toml"
ADMISSIBLE, SOFA, CENTRES = "extras/admissibleActions.txt", "extras/sofaScores.csv", "extras/stateClusterCenters.csv"
NEEDED = (TRANSITIONS, REWARDS, START)
FILES = (*NEEDED, EXPERT, STATES, ACTIONS, ABOUT, ADMISSIBLE, SOFA, CENTRES)

ARRAYS = {
    "P": "P", "tx_mat": "P", "R": "R", "r_mat": "R", "d0": "d0", "d_0": "d0", "expert_policy": "expert_policy",
    "terminal": "terminal", "discount": "discount", "admissible": "admissible", "sofa_scores": "sofa",
    "state_cluster_centers": "centres",
}  # fmt: skip
"""Names of arrays in an archive, and what they are here."""

DECIMALS = 4
"""To which features are shown that come without a `states.csv`."""


@dataclass(frozen=True, eq=False)
class GivenMDP:
    """What a user's files say.

    Attributes
    ----------
    path : Path
        The folder or archive.
    mdp : TabularMDP
    about : About
    found_terminal : bool
        Whether the terminal states were found (see `find_terminal`) because the files do not list them.
    states : tuple of StateWords
    actions : tuple of ActionWords
        Empty where the files do not name them.
    expert_policy : float array, shape (S, A), or None
    sha256 : str
        Hash of the names and contents of all files that were read.
    """

    path: Path
    mdp: TabularMDP
    about: About
    found_terminal: bool
    states: tuple[StateWords, ...]
    actions: tuple[ActionWords, ...]
    expert_policy: FloatArray | None
    sha256: str


@dataclass(frozen=True, eq=False)
class _Arrays:
    """The arrays of a folder or an archive; `R` is (S, A) or (S, A, S), `features` hold (S,) by name."""

    P: FloatArray
    R: FloatArray
    d0: FloatArray
    expert_policy: FloatArray | None = None
    admissible: BoolArray | None = None
    terminal: BoolArray | None = None
    discount: float | None = None
    features: dict[str, FloatArray] = field(default_factory=dict)


def read(path: Path, discount: float | None = None) -> GivenMDP:
    """The MDP of a folder or an `.npz` archive; files are read again only when one has changed.

    Parameters
    ----------
    path : Path
    discount : float, optional
        γ in (0, 1], instead of what the files say (1 if they say nothing).

    Raises
    ------
    UsageError
        If a file is missing or cannot be read.
    InvalidMDP, InvalidPolicy
        If the files do not describe an MDP, or the expert policy is none of it; the message names the place.
    """
    stamp = tuple((file, file.stat().st_mtime_ns, file.stat().st_size) for file in _files(path))
    return _read(path, stamp, discount)


@lru_cache(maxsize=4)
def _read(path: Path, stamp: tuple[tuple[Path, int, int], ...], discount: float | None) -> GivenMDP:
    files = [file for file, _, _ in stamp]
    about = read_about(path / ABOUT)
    arrays = _folder(path, about) if path.is_dir() else _archive(path)
    A = arrays.P.shape[1]
    terminal = arrays.terminal
    if terminal is None:
        terminal = find_terminal(arrays.P, arrays.R, arrays.d0)
    chosen = next((d for d in (discount, about.discount, arrays.discount) if d is not None), 1.0)
    try:
        mdp = from_arrays(
            arrays.P, arrays.R, arrays.d0, terminal=terminal, discount=chosen, admissible=arrays.admissible
        )
        if arrays.expert_policy is not None:
            check_policy(mdp, arrays.expert_policy)
    except InvalidPolicy as error:
        raise InvalidPolicy(f"{path / EXPERT if path.is_dir() else path}: the expert policy is none. {error}") from None
    except InvalidMDP as error:
        hint = "" if arrays.terminal is not None else _found(terminal, path)
        raise InvalidMDP(f"{path}: {error}{hint}") from None
    if about.fallback >= A:
        raise UsageError(f"{path / ABOUT}: fallback: there is no action {about.fallback}; expected 0 to {A - 1}.")
    return GivenMDP(
        path=path,
        mdp=mdp,
        about=about,
        found_terminal=arrays.terminal is None,
        states=read_states(path / STATES, terminal)
        if path / STATES in files
        else _without_words(arrays.features, terminal),
        actions=read_actions(path / ACTIONS, A) if path / ACTIONS in files else (),
        expert_policy=arrays.expert_policy,
        sha256=_hash(path, files),
    )


def _found(terminal: BoolArray, path: Path) -> str:
    """What was taken to be terminal, for a message; a wrong guess is behind most of what is no MDP."""
    found = ", ".join(map(str, np.flatnonzero(terminal)[:10])) or "none"
    where = f"'terminal' in {ABOUT}" if path.is_dir() else "the array 'terminal'"
    return (
        f" (Terminal states are not listed; those that keep themselves without a reward were taken: {found}. "
        f"List them in {where}.)"
    )


def find_terminal(P: FloatArray, R: FloatArray, start: FloatArray) -> BoolArray:
    """The states in which nothing is left to happen, shape (S,).

    They are the states that every action keeps, unrewarded, with probability one; and, unless an episode starts there,
    those from which every action leads, unrewarded, with probability one to such a state (in ICU-Sepsis death and
    survival, which lead to an absorbing state). `R` is (S, A) or (S, A, S).
    """
    rewards = np.broadcast_to(R[:, :, None] if R.ndim == 2 else R, P.shape)
    states = np.arange(len(P))
    kept = (P[states, :, states] >= 1 - SUM_TOLERANCE) & (rewards[states, :, states] == 0)
    absorbing = kept.all(axis=1)
    into = P[:, :, absorbing]
    leading = (into.sum(axis=2) >= 1 - SUM_TOLERANCE).all(axis=1)
    paid = ((into > 0) & (rewards[:, :, absorbing] != 0)).any(axis=(1, 2))
    return np.asarray(absorbing | (leading & ~paid & (start == 0)), dtype=np.bool_)


# --------------------------------------------------------------------------- the files


def _files(path: Path) -> list[Path]:
    """The files to read, if there is something to read at all."""
    if path.is_file() and path.suffix == ".npz":
        return [path]
    expected = f"expected a folder with {NEEDED[0]}, {NEEDED[1]} and {NEEDED[2]}, or an .npz archive"
    if path.is_file():
        raise UsageError(f"'{path}' is a file; {expected}.")
    if not path.is_dir():
        raise UsageError(f"There is no folder or archive '{path}'; {expected}.")
    missing = [name for name in NEEDED if not (path / name).is_file()]
    if missing:
        raise UsageError(f"The folder '{path}' has no {missing[0]}; {expected}.")
    return [path / name for name in FILES if (path / name).is_file()]


def _hash(path: Path, files: list[Path]) -> str:
    digest = sha256()
    for file in files:
        content = file.read_bytes()
        name = file.relative_to(path) if path.is_dir() else path.suffix
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _folder(path: Path, about: About) -> _Arrays:
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
    return _Arrays(
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


def _archive(path: Path) -> _Arrays:
    try:
        with np.load(path, allow_pickle=False) as found:
            unknown = next((name for name in found.files if name not in ARRAYS), None)
            if unknown is not None:
                raise UsageError(f"{path}: {unknown_name('array', unknown, ARRAYS)}")
            given = {ARRAYS[name]: np.asarray(found[name]) for name in found.files}
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile):
        raise UsageError(
            f"{path} is no .npz archive of arrays, or holds pickled objects, which are never loaded; write one with "
            "numpy.savez_compressed."
        ) from None
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
    if ends is not None and ends.dtype.kind == "b" and ends.shape != (S,):
        raise InvalidMDP(f"{path}: terminal has shape {ends.shape}; expected ({S},), or indices of states.")
    return _Arrays(
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


def _without_words(features: dict[str, FloatArray], terminal: BoolArray) -> tuple[StateWords, ...]:
    """Features that come without a `states.csv`; the numbers in terminal states mean nothing."""
    return tuple(
        StateWords(
            None, {} if ended else {name: round(float(column[s]), DECIMALS) for name, column in features.items()}
        )
        for s, ended in enumerate(terminal)
    )


def _wrong_shape(path: Path, table: FloatArray, expected: str) -> InvalidMDP:
    rows, columns = table.shape
    return InvalidMDP(f"{path} has {rows} row{'s' * (rows > 1)} of {columns}; expected {expected}.")
