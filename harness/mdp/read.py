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

A folder may hold an archive `mdp.npz` in the place of all tables of numbers, never beside one; so does what `harness
build-mdp` makes.

An archive holds `tx_mat`, `r_mat`, `d_0` and `expert_policy`, as in the package `icu-sepsis`; or `P` (S, A, S), `R`
((S,), (S, A) or (S, A, S)) and `d0`. It may hold `terminal` (a mask or indices), `discount` and `admissible` (S, A).
Pickled objects are never loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np

from harness.core.errors import InvalidMDP, InvalidPolicy, UsageError
from harness.mdp.arrays import (
    ABOUT,
    ACTIONS,
    ADMISSIBLE,
    ARCHIVE,
    CENTRES,
    EXPERT,
    FILES,
    NEEDED,
    SOFA,
    STATES,
    from_archive,
    from_folder,
)
from harness.mdp.build import from_arrays
from harness.mdp.doses import fitting
from harness.mdp.policy import check_policy
from harness.mdp.tabular import SUM_TOLERANCE, BoolArray, FloatArray, TabularMDP
from harness.mdp.words import About, ActionWords, StateWords, read_about, read_actions, read_states

KEPT = 32
"""MDPs held in memory, a few megabytes each (the dense arrays are not kept)."""

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


@lru_cache(maxsize=KEPT)
def _read(path: Path, stamp: tuple[tuple[Path, int, int], ...], discount: float | None) -> GivenMDP:
    files = [file for file, _, _ in stamp]
    about = read_about(path / ABOUT)
    archive = next((file for file in files if file.suffix == ".npz"), None)
    arrays = from_folder(path, about) if archive is None else from_archive(archive)
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
        raise InvalidPolicy(f"{archive or path / EXPERT}: the expert policy is none. {error}") from None
    except InvalidMDP as error:
        hint = _found(terminal, archive) if arrays.terminal is None and "terminal" in str(error) else ""
        raise InvalidMDP(f"{path}: {error}{hint}") from None
    if about.fallback >= A:
        raise UsageError(f"{path / ABOUT}: fallback: there is no action {about.fallback}; expected 0 to {A - 1}.")
    fitting(about.doses, about.severity, len(terminal), A, str(path / ABOUT))
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


def _found(terminal: BoolArray, archive: Path | None) -> str:
    """What was taken to be terminal, for a message; a wrong guess is behind most of what is no MDP."""
    found = ", ".join(map(str, np.flatnonzero(terminal)[:10])) or "none"
    where = f"'terminal' in {ABOUT}" if archive is None else "the array 'terminal'"
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
    if (path / ARCHIVE).is_file():
        tables = [name for name in (*NEEDED, EXPERT, ADMISSIBLE, SOFA, CENTRES) if (path / name).is_file()]
        if tables:
            raise UsageError(
                f"'{path}' holds both {ARCHIVE} and {tables[0]}, which may say different things; expected one of them: "
                "take the other away."
            )
        return [path / name for name in (ARCHIVE, STATES, ACTIONS, ABOUT) if (path / name).is_file()]
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


def _without_words(features: dict[str, FloatArray], terminal: BoolArray) -> tuple[StateWords, ...]:
    """Features that come without a `states.csv`; the numbers in terminal states mean nothing."""
    return tuple(
        StateWords(
            None, {} if ended else {name: round(float(column[s]), DECIMALS) for name, column in features.items()}
        )
        for s, ended in enumerate(terminal)
    )
