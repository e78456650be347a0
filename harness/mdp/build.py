"""Arrays in, a validated `TabularMDP` out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from harness.core.errors import InvalidMDP
from harness.mdp.tabular import SUM_TOLERANCE, BoolArray, FloatArray, IntArray, TabularMDP

LARGEST_REWARD = 1e100
"""Sums over an episode, and their squares, must stay finite."""


def from_arrays(
    transitions: ArrayLike | sparse.csr_array,
    rewards: ArrayLike | sparse.csr_array,
    start: ArrayLike,
    *,
    terminal: ArrayLike,
    discount: float = 1.0,
    admissible: ArrayLike | None = None,
    legal: ArrayLike | None = None,
) -> TabularMDP:
    """Build a `TabularMDP` and keep only the distinct rows.

    Parameters
    ----------
    transitions : array, shape (S, A, S), or scipy CSR array, shape (S * A, S)
        P(s' | s, a); row s * A + a of a sparse one. Rows of terminal states are ignored.
    rewards : array, shape (S, A) or (S, A, S), or scipy CSR array, shape (S * A, S)
        Expected immediate reward, or the reward of each transition (it is averaged).
    start : array, shape (S,)
        Distribution of the first state.
    terminal : bool array, shape (S,)
        States that end the episode.
    discount : float
        γ in (0, 1].
    admissible : bool array, shape (S, A), optional
        Actions that the data support; all, if not given.
    legal : bool array, shape (S, A), optional
        Actions that can be taken at all; all, if not given.

    Raises
    ------
    InvalidMDP
        If a shape, a probability, a sum or the discount is wrong, or (γ = 1) no policy reaches a terminal state from
        some state; the message names the first offending index.

    Examples
    --------
    A patient who recovers with probability 0.9 if treated and 0.5 if not:

    >>> import numpy as np
    >>> P = np.zeros((3, 2, 3)); P[0, 0] = [0, 0.5, 0.5]; P[0, 1] = [0, 0.9, 0.1]
    >>> R = np.zeros((3, 2, 3)); R[:, :, 1] = 1
    >>> from_arrays(P, R, [1, 0, 0], terminal=[False, True, True])
    TabularMDP(3 states, 2 actions, 2 distinct rows, discount 1)
    """
    P, S, A = _transitions(transitions)
    ends = _mask("terminal", terminal, (S,))
    allowed = _mask("legal", legal, (S, A))
    supported = _mask("admissible", admissible, (S, A))
    d0 = _distribution(start, S)
    if np.any(d0[ends] > 0):
        state = int(np.flatnonzero(ends & (d0 > 0))[0])
        raise InvalidMDP(f"The start distribution puts {d0[state]:.3g} on state {state}, which is terminal.")
    if not 0.0 < discount <= 1.0:
        raise InvalidMDP(f"The discount is {discount}; expected a number above 0 and at most 1.")
    if np.any(~allowed[~ends].any(axis=1)):
        state = int(np.flatnonzero(~ends & ~allowed.any(axis=1))[0])
        raise InvalidMDP(f"State {state} is not terminal and has no legal action; give it one or mark it terminal.")

    live = ~ends[:, None] & allowed
    pairs = np.argwhere(live)
    rows = P[np.flatnonzero(live)]
    _check_rows(rows, pairs)
    given, paid = _rewards(rewards, rows, pairs, S, A)
    first, inverse = _distinct(rows, given if paid is None else paid)
    kept = rows[first]
    row_rewards, row_reward = None, given[first]
    if paid is not None:
        each = np.concatenate([paid[rows.indptr[i] : rows.indptr[i + 1]] for i in first])
        row_rewards = sparse.csr_array((each, kept.indices.copy(), kept.indptr.copy()), shape=kept.shape)
        row_reward = np.asarray(kept.multiply(row_rewards).sum(axis=1)).ravel()
    kept.data /= np.repeat(np.asarray(kept.sum(axis=1)).ravel(), np.diff(kept.indptr))
    bad = np.flatnonzero(~(np.abs(row_reward) < LARGEST_REWARD))
    if bad.size:
        s, a = pairs[first[bad[0]]]
        raise InvalidMDP(
            f"The reward of state {s}, action {a} is {row_reward[bad[0]]:g}; expected a number, and below "
            f"{LARGEST_REWARD:g}."
        )
    row_of = np.full((S, A), -1, dtype=np.int64)
    row_of[live] = inverse
    row_of[ends] = -1
    mdp = TabularMDP(
        rows=kept,
        row_of=row_of,
        row_reward=row_reward,
        row_rewards=row_rewards,
        start=d0,
        discount=float(discount),
        terminal=ends,
        admissible=supported & allowed,
    )
    if mdp.discount == 1.0 and (lost := np.flatnonzero(mdp.choices.ending() < 0)).size:
        raise InvalidMDP(
            f"From state {mdp.decision_states[lost[0]]} no policy reaches a terminal state, so its undiscounted value "
            "does not exist; mark the states that end an episode as terminal, or use a discount below 1."
        )
    return mdp


def _numbers(name: str, given: ArrayLike) -> FloatArray:
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidMDP(f"{name} are not an array of numbers: {error}.") from None


def with_rewards(mdp: TabularMDP, rewards: ArrayLike) -> TabularMDP:
    """The same MDP, paid by `rewards` for every decision instead.

    With ones the return is the episode's length; with the regret of every decision it is the episode's regret. So the
    variance of either is that of a return.

    Parameters
    ----------
    mdp : TabularMDP
    rewards : array, shape (S, A)
        Ignored where the action is illegal.

    Raises
    ------
    InvalidMDP
        If the shape is wrong, or the reward of a legal action is not a finite number.

    Examples
    --------
    A patient who recovers with probability 0.9 each day, and otherwise stays, stays 1 / 0.9 days:

    >>> import numpy as np
    >>> from harness.mdp.evaluate import evaluate
    >>> P = np.array([[[0.1, 0.9]], [[0, 1]]])
    >>> mdp = from_arrays(P, np.zeros((2, 1)), [1, 0], terminal=[False, True])
    >>> round(evaluate(with_rewards(mdp, np.ones((2, 1))), np.ones((2, 1))).J, 4)
    1.1111
    """
    given = np.asarray(rewards, dtype=np.float64)
    if given.shape != mdp.row_of.shape:
        raise InvalidMDP(f"Rewards have shape {given.shape}; expected {mdp.row_of.shape}.")
    bad = np.argwhere(mdp.legal & ~np.isfinite(given))
    if bad.size:
        raise InvalidMDP(f"The reward of state {bad[0][0]}, action {bad[0][1]} is not a finite number.")
    paid = np.column_stack([mdp.row_of[mdp.legal].astype(np.float64), given[mdp.legal]])
    distinct, inverse = np.unique(paid, axis=0, return_inverse=True)
    row_of = np.full_like(mdp.row_of, -1)
    row_of[mdp.legal] = inverse.ravel()
    return replace(
        mdp,
        rows=mdp.rows[distinct[:, 0].astype(np.int64)],
        row_of=row_of,
        row_reward=distinct[:, 1].copy(),
        row_rewards=None,
    )


def _mask(name: str, given: ArrayLike | None, shape: tuple[int, ...]) -> BoolArray:
    if given is None:
        return np.ones(shape, dtype=np.bool_)
    mask = np.asarray(given, dtype=np.bool_)
    if mask.shape != shape:
        raise InvalidMDP(f"'{name}' has shape {mask.shape}; expected {shape}.")
    return mask


def _distribution(start: ArrayLike, n_states: int) -> FloatArray:
    d0 = _numbers("The start probabilities", start)
    if d0.shape != (n_states,):
        raise InvalidMDP(f"The start distribution has shape {d0.shape}; expected ({n_states},).")
    bad = np.flatnonzero(~(d0 >= 0))
    if bad.size:
        raise InvalidMDP(f"The start probability of state {bad[0]} is {d0[bad[0]]}; expected a number from 0 to 1.")
    if abs(d0.sum() - 1.0) > SUM_TOLERANCE:
        raise InvalidMDP(f"The start distribution sums to {d0.sum():.10g}; expected 1.")
    return np.asarray(d0 / d0.sum(), dtype=np.float64)


def _transitions(given: ArrayLike | sparse.csr_array) -> tuple[sparse.csr_array, int, int]:
    """One sparse row for every (state, action), and the numbers of states and actions."""
    if isinstance(given, sparse.csr_array):
        P = sparse.csr_array(given.astype(np.float64))
        if not P.shape[1] or P.shape[0] % P.shape[1]:
            raise InvalidMDP(f"Transitions have shape {P.shape}; expected (states * actions, states).")
    else:
        dense = _numbers("Transitions", given)
        if dense.ndim != 3 or dense.shape[0] != dense.shape[2] or not dense.size:
            raise InvalidMDP(f"Transitions have shape {dense.shape}; expected (states, actions, states).")
        P = sparse.csr_array(dense.reshape(-1, dense.shape[2]))
    P.sum_duplicates()
    P.eliminate_zeros()
    return P, P.shape[1], P.shape[0] // P.shape[1]


def _rewards(
    given: ArrayLike | sparse.csr_array, rows: sparse.csr_array, pairs: IntArray, S: int, A: int
) -> tuple[FloatArray, FloatArray | None]:
    """Expected reward of each pair (n,), or else that of each stored transition of `rows` (nnz,).

    What cannot happen is not paid.
    """
    nothing = np.zeros(len(pairs))
    owner = np.repeat(np.arange(len(pairs)), np.diff(rows.indptr))
    if isinstance(given, sparse.csr_array):
        paid = sparse.csr_array(given.astype(np.float64))
        if paid.shape != (S * A, S):
            raise InvalidMDP(f"Rewards have shape {paid.shape}; expected {(S * A, S)}.")
        return nothing, np.asarray(paid[(pairs[:, 0] * A + pairs[:, 1])[owner], rows.indices], dtype=np.float64).ravel()
    dense = _numbers("Rewards", given)
    if dense.shape == (S, A):
        return dense[pairs[:, 0], pairs[:, 1]], None
    if dense.shape == (S, A, S):
        return nothing, dense[pairs[owner, 0], pairs[owner, 1], rows.indices]
    raise InvalidMDP(f"Rewards have shape {dense.shape}; expected {(S, A)} or {(S, A, S)}.")


def _check_rows(rows: sparse.csr_array, pairs: IntArray) -> None:
    bad = np.flatnonzero(~(rows.data >= 0))  # also true where a value is NaN
    if bad.size:
        s, a = pairs[int(np.searchsorted(rows.indptr, bad[0], side="right")) - 1]
        raise InvalidMDP(f"Transitions of state {s}, action {a} hold a negative or missing probability.")
    sums = np.asarray(rows.sum(axis=1)).ravel()
    bad = np.flatnonzero(np.abs(sums - 1.0) > SUM_TOLERANCE)
    if bad.size:
        s, a = pairs[bad[0]]
        raise InvalidMDP(f"Transitions of state {s}, action {a} sum to {sums[bad[0]]:.10g}; expected 1.")


def _distinct(rows: sparse.csr_array, rewards: FloatArray) -> tuple[IntArray, IntArray]:
    """Positions of the first of every distinct (row, reward), and which of them each row equals.

    Rows are compared bit for bit through their bytes, which is exact and needs no sort over columns. `rewards` are
    those of the rows (n,), or of their stored transitions (nnz,).
    """
    seen: dict[tuple[bytes, bytes, bytes], int] = {}
    first: list[int] = []
    n = rows.shape[0]
    inverse = np.empty(n, dtype=np.int64)
    ends = rows.indptr.tolist()
    whole = len(rewards) == n
    for i in range(n):
        b, e = ends[i], ends[i + 1]
        paid = rewards[i : i + 1] if whole else rewards[b:e]
        key = (rows.indices[b:e].tobytes(), rows.data[b:e].tobytes(), paid.tobytes())
        known = seen.setdefault(key, len(first))
        if known == len(first):
            first.append(i)
        inverse[i] = known
    return np.array(first, dtype=np.int64), inverse
