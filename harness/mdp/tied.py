"""The best memoryless policy found for an agent that cannot tell some states apart.

The agent sees `seen[s]` instead of the state, and so acts alike wherever it sees the same. Finding the best such policy
is NP-hard (Littman 1994). What is found here is a local optimum: its value is exact, that nothing is better is not
proven. It is a lower bound on what agents without the state can achieve, all the more on what they can with a memory of
what they saw before; the optimum of the MDP, which knows the state, is an upper bound.

References
----------
Littman: Memoryless policies: theoretical limitations and practical results. From Animals to Animats 3, 1994.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import linalg

from harness.core.errors import InvalidMDP
from harness.mdp.evaluate import action_values, evaluate
from harness.mdp.policy import deterministic
from harness.mdp.solve import Solution, solve
from harness.mdp.tabular import BoolArray, FloatArray, IntArray, TabularMDP

SMALLEST_GAIN = 1e-11
"""What is done at a sight changes only if that adds more than this to the policy's value."""

MAX_SWEEPS = 1_000


def best_tied(mdp: TabularMDP, seen: IntArray) -> Solution:
    """A deterministic policy that depends on `seen` alone and that no change at one sight improves.

    Parameters
    ----------
    mdp : TabularMDP
        Small enough for a dense inverse of its decision states.
    seen : int array, shape (S,)
        What is seen in each state.

    Returns
    -------
    Solution
        The policy with its own exact V, Q and J. `error` is NaN: the distance to the best such policy is not known.

    Raises
    ------
    InvalidMDP
        If there is a sight in whose states no action is legal everywhere.

    Notes
    -----
    Coordinate ascent from four starts: the optimum as if all states of a sight were its first, or its last; and the
    action of the highest mean Q*, weighted by the optimum's visits, and unweighted.

    Another action at a sight of k states changes k rows of `I - γ P_π`. By the matrix inversion lemma J then changes by
    `w (I - D)^-1 g`, exactly, where w are the discounted visits of the k states, g the advantages of the action there,
    and D (k, k) is `γ (P_new - P_old) (I - γ P_π)^-1` at those states. Sight after sight gets its best action, until a
    whole round changes nothing.
    """
    ascent = _Ascent(mdp, seen)
    J, actions = max((ascent.climb(start) for start in ascent.starts(mdp)), key=lambda found: found[0])
    everywhere = np.zeros(mdp.n_states, dtype=np.int64)
    everywhere[mdp.decision_states] = actions
    V = evaluate(mdp, deterministic(mdp, everywhere)).V
    return Solution(actions=everywhere, V=V, Q=action_values(mdp, V), J=J, error=float("nan"))


class _Ascent:
    """Policies by decision state, tied by sight. Rows are of `γ P`, among the decision states."""

    def __init__(self, mdp: TabularMDP, seen: IntArray) -> None:
        live = mdp.decision_states
        self._rows: FloatArray = mdp.discount * mdp.rows[:, live].toarray()
        self._reward = mdp.row_reward
        self._row_of = mdp.row_of[live]
        self._start = mdp.start[live]
        order = np.argsort(seen[live], kind="stable")
        self._sights = np.split(order, np.flatnonzero(np.diff(seen[live][order])) + 1)
        self._legal = [np.logical_and.reduce(mdp.legal[live[sight]]) for sight in self._sights]
        for sight, legal in zip(self._sights, self._legal, strict=True):
            if not legal.any():
                raise InvalidMDP(
                    f"No action is legal in all the states that look like state {live[sight[0]]}; an agent that "
                    "cannot tell them apart has none to take."
                )

    def starts(self, mdp: TabularMDP) -> Iterator[IntArray]:
        """The policies to climb from, tied and legal."""
        optimum = solve(mdp)
        live = mdp.decision_states
        visits = evaluate(mdp, deterministic(mdp, optimum.actions)).occupancy[live]
        Q = np.nan_to_num(optimum.Q[live])
        own = np.eye(mdp.n_actions)[optimum.actions[live]]
        yield self._tied([own[sight[0]] for sight in self._sights])
        yield self._tied([own[sight[-1]] for sight in self._sights])
        yield self._tied([(visits[sight] + SMALLEST_GAIN) @ Q[sight] for sight in self._sights])
        yield self._tied([Q[sight].sum(axis=0) for sight in self._sights])

    def _tied(self, liking: list[FloatArray]) -> IntArray:
        """The action that is liked best at each sight among those legal there, by decision state."""
        actions = np.zeros(len(self._row_of), dtype=np.int64)
        for sight, legal, liked in zip(self._sights, self._legal, liking, strict=True):
            actions[sight] = np.where(legal, liked, -np.inf).argmax()
        return actions

    def climb(self, actions: IntArray) -> tuple[float, IntArray]:
        """The local optimum that coordinate ascent reaches, with its value."""
        actions = actions.copy()
        states = np.arange(len(actions))
        for _ in range(MAX_SWEEPS):
            inverse = linalg.inv(np.eye(len(actions)) - self._rows[self._row_of[states, actions]])
            changed = False
            moved = True
            for sight, legal in zip(self._sights, self._legal, strict=True):
                if moved:
                    V = inverse @ self._reward[self._row_of[states, actions]]
                    visits = self._start @ inverse
                best = self._best(sight, legal, actions[sight[0]], inverse, V, visits)
                moved = best is not None
                if best is not None:
                    self._replace(sight, actions, best, inverse)
                    changed = True
            if not changed:
                return float(self._start @ V), actions
        raise InvalidMDP(f"Coordinate ascent did not settle in {MAX_SWEEPS} rounds.")

    def _best(
        self, sight: IntArray, legal: BoolArray, now: int, inverse: FloatArray, V: FloatArray, visits: FloatArray
    ) -> int | None:
        """The action that adds most to the policy's value at this sight, if it adds anything."""
        rows = np.maximum(self._row_of[sight], 0)
        leading = self._rows[rows]  # (states of the sight, actions, n)
        advantage = (self._reward[rows] + leading @ V - V[sight, None]).T
        back = (leading @ inverse[:, sight]).transpose(1, 0, 2)
        gain = np.linalg.solve(np.eye(len(sight)) - (back - back[now]), advantage[..., None])[..., 0] @ visits[sight]
        best = int(np.where(legal, gain, -np.inf).argmax())
        return best if gain[best] > SMALLEST_GAIN else None

    def _replace(self, sight: IntArray, actions: IntArray, action: int, inverse: FloatArray) -> None:
        """Take another action at this sight; `actions` and `inverse` are changed in place."""
        before, after = self._row_of[sight, actions[sight]], self._row_of[sight, action]
        change = (self._rows[after] - self._rows[before]) @ inverse
        inverse += inverse[:, sight] @ np.linalg.solve(np.eye(len(sight)) - change[:, sight], change)
        actions[sight] = action
