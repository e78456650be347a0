"""Bounds on a policy's value that are certain while only some states have been asked.

In asked states the policy is known; in the others it could be anything legal. Letting it be the best there, and
the worst there, gives two MDPs whose optima enclose the policy's value: `lower <= J <= upper`, with no sampling and
no assumption but that the policy has no memory. Both ends are exact to the precision of a linear solve (1e-12).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.core.errors import InvalidMDP
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import check_policy, deterministic
from harness.mdp.solve import Solution, solve
from harness.mdp.tabular import BoolArray, FloatArray, IntArray, TabularMDP


@dataclass(frozen=True, eq=False)
class Bounds:
    """What is known of a policy after some states were asked.

    Attributes
    ----------
    asked : bool array, shape (S,)
    policy : float array, shape (S, A)
        Rows of asked states; zero elsewhere.
    upper, lower : Solution
        Best and worst completion of the policy; `upper.J` and `lower.J` are the certain bounds.
    """

    asked: BoolArray
    policy: FloatArray
    upper: Solution
    lower: Solution

    @property
    def width(self) -> float:
        """`upper - lower`; zero when every state that can be reached has been asked."""
        return max(self.upper.J - self.lower.J, 0.0)


def unasked(mdp: TabularMDP, optimum: Solution | None = None) -> Bounds:
    """The bounds before anything is asked: the optimum and the worst policy.

    Raises
    ------
    InvalidMDP
        If γ = 1 and some policy never ends: what the unasked states could do is then not bounded by those that do.
    """
    if mdp.discount == 1.0 and not mdp.always_ends:
        raise InvalidMDP(
            "Undiscounted bounds need an MDP in which every policy ends, and in this one some do not; use a discount "
            "below 1, or a rollout."
        )
    return Bounds(
        asked=np.zeros(mdp.n_states, dtype=np.bool_),
        policy=np.zeros((mdp.n_states, mdp.n_actions)),
        upper=optimum if optimum is not None else solve(mdp),
        lower=solve(mdp, worst=True),
    )


def ask(mdp: TabularMDP, bounds: Bounds, states: IntArray, rows: FloatArray) -> Bounds:
    """The bounds after the policy of `states` (n,) was found to be `rows` (n, A). They never widen.

    Raises
    ------
    InvalidPolicy
        If a row does not sum to one or takes an illegal action.
    """
    asked = bounds.asked.copy()
    asked[states] = True
    policy = bounds.policy.copy()
    policy[states] = rows
    check_policy(mdp, np.where(asked[:, None], policy, deterministic(mdp, bounds.upper.actions)))
    fixed = (asked, policy)
    return Bounds(
        asked=asked,
        policy=policy,
        upper=solve(mdp, fixed=fixed, warm_start=bounds.upper.actions),
        lower=solve(mdp, worst=True, fixed=fixed, warm_start=bounds.lower.actions),
    )


def completion(mdp: TabularMDP, bounds: Bounds, *, worst: bool = False) -> FloatArray:
    """The policy with unasked states filled by their best (or worst) action, shape (S, A)."""
    policy = deterministic(mdp, (bounds.lower if worst else bounds.upper).actions)
    policy[bounds.asked] = bounds.policy[bounds.asked]
    return policy


def promise(mdp: TabularMDP, bounds: Bounds) -> FloatArray:
    """How much asking a state promises to shrink the bounds, shape (S,); zero where it cannot.

    Expected visits times how much the action matters (`max Q - min Q`), added over the best and the worst completion.
    """
    total = np.zeros(mdp.n_states)
    for worst, solution in ((False, bounds.upper), (True, bounds.lower)):
        occupancy = evaluate(mdp, completion(mdp, bounds, worst=worst)).occupancy
        Q = solution.Q
        spread = np.where(mdp.legal, Q, -np.inf).max(axis=1) - np.where(mdp.legal, Q, np.inf).min(axis=1)
        total += occupancy * np.where(mdp.terminal, 0.0, spread)
    total[bounds.asked | mdp.terminal] = 0.0
    return total


def next_states(promised: FloatArray, n: int) -> IntArray:
    """Up to `n` states of the greatest promise, the greatest first; ties go to the lower index."""
    order = np.argsort(-promised, kind="stable")[:n]
    return order[promised[order] > 0]


def states_left(promised: FloatArray, width: float, epsilon: float) -> int:
    """A guess of how many more states must be asked until the bounds are `epsilon` apart.

    Assumes that the width shrinks in proportion to the promise that is left.
    """
    if width <= epsilon:
        return 0
    ordered = np.sort(promised)[::-1]
    rest = 1.0 - np.cumsum(ordered) / max(ordered.sum(), np.finfo(float).tiny)
    enough = np.flatnonzero(rest * width <= epsilon)
    return int(enough[0]) + 1 if enough.size else len(ordered)
