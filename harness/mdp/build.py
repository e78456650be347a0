"""Arrays in, a validated `TabularMDP` out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from harness.core.errors import InvalidMDP
from harness.mdp.linear import stranded_state
from harness.mdp.tabular import SUM_TOLERANCE, BoolArray, FloatArray, IntArray, TabularMDP


def from_arrays(
    transitions: ArrayLike,
    rewards: ArrayLike,
    start: ArrayLike,
    *,
    terminal: ArrayLike,
    discount: float = 1.0,
    admissible: ArrayLike | None = None,
    legal: ArrayLike | None = None,
) -> TabularMDP:
    """Build a `TabularMDP` from dense arrays and keep only the distinct rows.

    Parameters
    ----------
    transitions : array, shape (S, A, S)
        P(s' | s, a). Rows of terminal states are ignored.
    rewards : array, shape (S, A) or (S, A, S)
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
    P = _numbers("Transitions", transitions)
    if P.ndim != 3 or P.shape[0] != P.shape[2]:
        raise InvalidMDP(f"Transitions have shape {P.shape}; expected (states, actions, states).")
    S, A, _ = P.shape
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
    given = _numbers("Rewards", rewards)
    if given.shape not in ((S, A), P.shape):
        raise InvalidMDP(f"Rewards have shape {given.shape}; expected {(S, A)} or {P.shape}.")
    first, inverse = _distinct(P, given, pairs)
    rows, row_rewards = P[*first.T], given[*first.T]
    sums = _check_rows(rows, first)
    if per_transition := given.ndim == 3:
        row_rewards = np.where(rows > 0, row_rewards, 0.0)  # what cannot happen is not paid
    row_reward = np.einsum("rs,rs->r", rows, row_rewards) if per_transition else row_rewards
    if not np.all(np.isfinite(row_reward)):
        s, a = first[np.flatnonzero(~np.isfinite(row_reward))[0]]
        raise InvalidMDP(f"The reward of state {s}, action {a} is not a finite number.")
    row_of = np.full((S, A), -1, dtype=np.int64)
    row_of[live] = inverse
    row_of[ends] = -1
    mdp = TabularMDP(
        rows=sparse.csr_array(rows / sums[:, None]),
        row_of=row_of,
        row_reward=row_reward,
        row_rewards=sparse.csr_array(row_rewards) if per_transition else None,
        start=d0,
        discount=float(discount),
        terminal=ends,
        admissible=supported & allowed,
    )
    if mdp.discount == 1.0 and (stranded := stranded_state(mdp)) is not None:
        raise InvalidMDP(
            f"From state {stranded} no policy reaches a terminal state, so its undiscounted value does not exist; mark "
            "the states that end an episode as terminal, or use a discount below 1."
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


def _check_rows(rows: FloatArray, pairs: IntArray) -> FloatArray:
    bad = np.flatnonzero(~np.all(rows >= 0, axis=1))  # also true where a value is NaN
    if bad.size:
        s, a = pairs[bad[0]]
        raise InvalidMDP(f"Transitions of state {s}, action {a} hold a negative or missing probability.")
    sums: FloatArray = rows.sum(axis=1)
    bad = np.flatnonzero(np.abs(sums - 1.0) > SUM_TOLERANCE)
    if bad.size:
        s, a = pairs[bad[0]]
        raise InvalidMDP(f"Transitions of state {s}, action {a} sum to {sums[bad[0]]:.10g}; expected 1.")
    return sums


def _distinct(P: FloatArray, R: FloatArray, pairs: IntArray) -> tuple[IntArray, IntArray]:
    """The first (state, action) of every distinct (row, reward), and which of them each pair equals.

    Rows are compared bit for bit through their bytes, which is exact and needs no sort over columns.
    """
    seen: dict[tuple[bytes, bytes], int] = {}
    first: list[int] = []
    inverse = np.empty(len(pairs), dtype=np.int64)
    for i, (s, a) in enumerate(pairs):
        key = (P[s, a].tobytes(), R[s, a].tobytes())
        known = seen.setdefault(key, len(first))
        if known == len(first):
            first.append(i)
        inverse[i] = known
    return pairs[first], inverse
