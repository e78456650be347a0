"""The tables of transitions of Gymnasium's toy-text environments (FrozenLake, Taxi, CliffWalking) as a `TabularMDP`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from harness.core.errors import InvalidMDP, UsageError
from harness.mdp.build import from_arrays
from harness.mdp.tabular import TabularMDP

DISCOUNT = 0.99
"""Used where none is given. Gymnasium's own returns are undiscounted and cut off by a limit on steps, which is no part
of the MDP; without either, policies that never end (CliffWalking has many) would have no value."""

Entry = tuple[int, int, float, int, float, bool]
"""State, action, probability, next state, reward, whether the episode ends."""


def from_toy_text(env: Any, *, discount: float = DISCOUNT) -> TabularMDP:
    """The MDP that `env.unwrapped.P` and `env.unwrapped.initial_state_distrib` describe.

    Parameters
    ----------
    env : gymnasium.Env
        `P[state][action]` is a list of (probability, next state, reward, done). An action without a list is illegal.
    discount : float
        γ in (0, 1]. A limit on steps is no part of the MDP.

    Raises
    ------
    UsageError
        If the environment has no such tables.
    InvalidMDP
        If they do not describe an MDP; the message names the state and action.

    Notes
    -----
    The table says of a transition, not of a state, that it ends the episode. A state that is entered from others in no
    other way is terminal. Where it is entered both ways, ending transitions lead to one more state, the last, and the
    state itself stays what it is. Entries of the same next state are added up, and their rewards averaged.

    Examples
    --------
    >>> import gymnasium
    >>> from_toy_text(gymnasium.make("FrozenLake-v1"))
    TabularMDP(16 states, 4 actions, 44 distinct rows, discount 0.99)
    """
    table = getattr(env.unwrapped, "P", None)
    first = getattr(env.unwrapped, "initial_state_distrib", None)
    if not isinstance(table, dict) or first is None:
        raise UsageError(
            f"{_name(env)} has no table of transitions `P` with `initial_state_distrib`; Gymnasium's FrozenLake-v1, "
            "FrozenLake8x8-v1, Taxi-v4 and CliffWalking-v1 have them."
        )
    start = np.asarray(first, dtype=np.float64)
    S = len(start)
    entries = list(_entries(table, S))
    A = 1 + max((action for _, action, *_ in entries), default=0)
    ending, going_on = np.zeros(S, dtype=np.bool_), np.zeros(S, dtype=np.bool_)
    for state, _, probability, following, _, done in entries:
        if probability > 0 and following != state:
            (ending if done else going_on)[following] = True
    terminal = ending & ~going_on & (start == 0)
    extra = int(any(done and p > 0 and not terminal[n] and not terminal[s] for s, _, p, n, _, done in entries))
    n = S + extra
    P, R, legal = np.zeros((n, A, n)), np.zeros((n, A, n)), np.zeros((n, A), dtype=np.bool_)
    for state, action, probability, following, reward, done in entries:
        target = S if extra and done and not terminal[following] else following
        P[state, action, target] += probability
        R[state, action, target] += probability * reward
        legal[state, action] = True
    np.divide(R, P, out=R, where=P > 0)
    added = np.ones(extra, dtype=np.bool_)
    ends = np.concatenate([terminal, added])
    return from_arrays(
        P,
        R,
        np.concatenate([start, np.zeros(extra)]),
        terminal=ends,
        discount=discount,
        legal=legal | ends[:, None],
    )


def _entries(table: dict[Any, Any], n_states: int) -> Iterator[Entry]:
    for state, actions in table.items():
        if not 0 <= state < n_states:
            raise InvalidMDP(f"P has a state {state}; expected 0 to {n_states - 1}, as in the start distribution.")
        for action, listed in actions.items():
            for entry in listed:
                try:
                    probability, following, reward, done = entry
                    found = int(state), int(action), float(probability), int(following), float(reward), bool(done)
                except (TypeError, ValueError):
                    raise InvalidMDP(
                        f"P[{state}][{action}] holds {entry!r}; expected (probability, next state, reward, done)."
                    ) from None
                if found[2] < 0 or not 0 <= found[3] < n_states:
                    raise InvalidMDP(
                        f"P[{state}][{action}] holds probability {found[2]:g} of state {found[3]}; expected at least 0 "
                        f"of a state from 0 to {n_states - 1}."
                    )
                yield found


def _name(env: Any) -> str:
    return env.spec.id if env.spec is not None else type(env.unwrapped).__name__
