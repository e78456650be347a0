"""`Dataset`: logged transitions in arrays, the one form that offline learners and estimators read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from harness.core.errors import InvalidDataset
from harness.mdp.tabular import BoolArray, FloatArray, IntArray

COLUMNS = ("episode", "step", "state", "action", "reward", "next_state", "terminated", "propensity")
"""The columns in their order; all are needed but `propensity`."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """N transitions of n episodes: episode after episode, each in time order.

    Make one with `checked`, or record one with `harness.mdp.simulate.record`.

    Attributes
    ----------
    episode : int array, shape (N,)
        0 to n - 1, rising.
    step : int array, shape (N,)
        0, 1, 2, … within the episode.
    state, action : int array, shape (N,)
    reward : float array, shape (N,)
    next_state : int array, shape (N,)
    terminated : bool array, shape (N,)
        True on the last transition of an episode that ended in a terminal state; an episode without was cut off.
    propensity : float array, shape (N,)
        Probability that the behaviour policy gave to `action`; NaN where it is not known.
    n_states, n_actions : int
    discount : float
        γ in (0, 1].
    """

    episode: IntArray
    step: IntArray
    state: IntArray
    action: IntArray
    reward: FloatArray
    next_state: IntArray
    terminated: BoolArray
    propensity: FloatArray
    n_states: int
    n_actions: int
    discount: float

    def __len__(self) -> int:
        return len(self.state)

    @cached_property
    def first(self) -> IntArray:
        """Index of each episode's first transition, shape (n,)."""
        return np.flatnonzero(self.step == 0)

    @property
    def n_episodes(self) -> int:
        """Number of episodes n."""
        return len(self.first)

    @cached_property
    def returns(self) -> FloatArray:
        """Discounted sum of each episode's rewards, shape (n,)."""
        return np.add.reduceat(self.discount**self.step * self.reward, self.first)

    @cached_property
    def to_come(self) -> FloatArray:
        """Discounted sum of the rewards from each transition to the end of its episode, shape (N,)."""
        found = self.reward.copy()
        order = np.argsort(self.step, kind="stable")
        begins = np.searchsorted(self.step[order], np.arange(int(self.step.max()) + 1))
        for step in reversed(range(1, len(begins))):
            rows = order[begins[step] : begins[step + 1] if step + 1 < len(begins) else None]
            found[rows - 1] += self.discount * found[rows]
        return found


@dataclass(frozen=True, eq=False)
class Counts:
    """What a dataset says of every state and action.

    Attributes
    ----------
    transitions : scipy CSR array, shape (S * A, S)
        How often the action of row s * A + a led to each next state, terminal ones included.
    visits : int array, shape (S, A)
        How often the action was taken in the state.
    reward : float array, shape (S, A)
        Sum of the rewards that followed.
    start : int array, shape (S,)
        How many episodes began in the state.
    terminal : bool array, shape (S,)
        States that an episode ended in. A state that is terminal but was never entered is not among them.
    """

    transitions: sparse.csr_array
    visits: IntArray
    reward: FloatArray
    start: IntArray
    terminal: BoolArray


def checked(
    *,
    episode: ArrayLike,
    step: ArrayLike,
    state: ArrayLike,
    action: ArrayLike,
    reward: ArrayLike,
    next_state: ArrayLike,
    terminated: ArrayLike,
    propensity: ArrayLike | None = None,
    n_states: int,
    n_actions: int,
    discount: float,
) -> Dataset:
    """A dataset of these columns, each of shape (N,), if they describe one. `propensity` is unknown if not given.

    Raises
    ------
    InvalidDataset
        If they do not; the message names the first offending row (counted from 0), its column and value, and what was
        expected. States and actions must be known, rewards finite, episodes in order and each in time order, a next
        state that in which the episode goes on, and no state terminal in one row and decided in in another.

    Examples
    --------
    >>> data = checked(
    ...     episode=[0, 0, 1], step=[0, 1, 0], state=[0, 1, 0], action=[1, 0, 0], reward=[0, 1, 0],
    ...     next_state=[1, 2, 1], terminated=[False, True, False], n_states=3, n_actions=2, discount=0.5,
    ... )
    >>> data.n_episodes, data.returns.tolist()
    (2, [0.5, 0.0])
    """
    if n_states < 1 or n_actions < 1 or not 0.0 < discount <= 1.0:
        raise InvalidDataset(
            f"The data are said to have {n_states} states, {n_actions} actions and the discount {discount}; expected "
            "at least one of each, and a discount above 0 and at most 1."
        )
    unknown = np.full(np.shape(state), np.nan)
    data = Dataset(
        episode=_whole("episode", episode),
        step=_whole("step", step),
        state=_whole("state", state),
        action=_whole("action", action),
        reward=_column("reward", reward).astype(np.float64),
        next_state=_whole("next_state", next_state),
        terminated=_truth("terminated", terminated),
        propensity=_column("propensity", unknown if propensity is None else propensity).astype(np.float64),
        n_states=n_states,
        n_actions=n_actions,
        discount=discount,
    )
    for name in COLUMNS:
        if len(getattr(data, name)) != len(data):
            raise InvalidDataset(
                f"The column '{name}' has {len(getattr(data, name))} rows and 'state' has {len(data)}; expected one "
                "value of each for every transition."
            )
    if not len(data):
        raise InvalidDataset("The data hold no transition; expected at least one.")
    _check_values(data)
    _check_order(data)
    return data


def counts(data: Dataset) -> Counts:
    """The dataset's transitions, added up for every state and action."""
    S, A = data.n_states, data.n_actions
    pair = data.state * A + data.action
    transitions = sparse.csr_array(
        sparse.coo_array((np.ones(len(data), dtype=np.int64), (pair, data.next_state)), shape=(S * A, S))
    )
    transitions.sum_duplicates()
    return Counts(
        transitions=transitions,
        visits=np.bincount(pair, minlength=S * A).reshape(S, A),
        reward=np.bincount(pair, weights=data.reward, minlength=S * A).reshape(S, A).astype(np.float64),
        start=np.bincount(data.state[data.first], minlength=S),
        terminal=_ended_in(data),
    )


def _ended_in(data: Dataset) -> BoolArray:
    ended = np.zeros(data.n_states, dtype=np.bool_)
    ended[data.next_state[data.terminated]] = True
    return ended


def _column(name: str, given: ArrayLike) -> np.ndarray:
    try:
        column = np.asarray(given)
    except ValueError:
        column = np.empty(0, dtype=object)
    if column.ndim != 1 or column.dtype.kind not in "biuf":
        raise InvalidDataset(f"The column '{name}' is no list of numbers; expected one number for every transition.")
    return column


def _whole(name: str, given: ArrayLike) -> IntArray:
    column = _column(name, given)
    if column.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            refuse(name, column, ~(np.floor(column) == column) | ~(np.abs(column) < 2**53), "a whole number")
    return column.astype(np.int64)


def _truth(name: str, given: ArrayLike) -> BoolArray:
    column = _column(name, given)
    refuse(name, column, (column != 0) & (column != 1), "true or false")
    return column.astype(np.bool_)


def _check_values(data: Dataset) -> None:
    for name in ("state", "next_state"):
        column = getattr(data, name)
        refuse(name, column, (column < 0) | (column >= data.n_states), f"0 to {data.n_states - 1}")
    refuse("action", data.action, (data.action < 0) | (data.action >= data.n_actions), f"0 to {data.n_actions - 1}")
    refuse("reward", data.reward, ~np.isfinite(data.reward), "a finite number")
    known = ~np.isnan(data.propensity)
    refuse(
        "propensity",
        data.propensity,
        known & ~((data.propensity > 0) & (data.propensity <= 1)),
        "a probability above 0 and at most 1, or NaN where it is not known",
    )


def _check_order(data: Dataset) -> None:
    """Episodes and steps in order, and one state leading to the next."""
    change = np.diff(data.episode, prepend=-1)
    refuse("episode", data.episode, (change < 0) | (change > 1), "episodes numbered 0, 1, 2, … one after the other")
    new = change == 1
    first = np.flatnonzero(new)
    expected = np.arange(len(data)) - first[data.episode]
    refuse("step", data.step, data.step != expected, "steps 0, 1, 2, … of each episode in time order")
    follows = np.flatnonzero(~new[1:])
    broken = np.zeros(len(data), dtype=np.bool_)
    broken[follows] = data.next_state[follows] != data.state[follows + 1]
    refuse("next_state", data.next_state, broken, "the state of the next row, which goes on with the same episode")
    early = np.zeros(len(data), dtype=np.bool_)
    early[follows] = data.terminated[follows]
    refuse("terminated", data.terminated, early, "false, because the next row goes on with the same episode")
    decided_in = _ended_in(data)[data.state]
    refuse("state", data.state, decided_in, "a state that is not terminal, and another episode ended there")


def refuse(name: str, column: np.ndarray, bad: np.ndarray, expected: str) -> None:
    """See that no row of a column is bad.

    Raises
    ------
    InvalidDataset
        Naming the first that is, its value, and what was expected.
    """
    rows = np.flatnonzero(bad)
    if rows.size:
        value = column[rows[0]].item()
        more = f" (and {rows.size - 1:,} more rows)" if rows.size > 1 else ""
        raise InvalidDataset(f"Row {rows[0]}, column '{name}' is {value}; expected {expected}{more}.")
