"""Bounds on a policy's value that are certain while only some states have been asked.

In asked states the policy is known; in the others it could be anything legal. Letting it be the best there, and
the worst there, gives two MDPs whose optima enclose the policy's value: `lower <= J <= upper`, with no sampling and
no assumption but that the policy has no memory. Both ends are exact but for the rounding of linear solves, which is of
the order of 1e-16 times the mean number of decisions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from harness.core.errors import InvalidMDP
from harness.mdp.evaluate import action_values, evaluate
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
    unseen : float array, shape (S,)
        Probability in asked states that is not accounted for and may be on any legal action.
    upper, lower : Solution
        Best and worst completion of the policy; `upper.J` and `lower.J` are the certain bounds.
    """

    asked: BoolArray
    policy: FloatArray
    unseen: FloatArray
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
        unseen=np.zeros(mdp.n_states),
        upper=optimum if optimum is not None else solve(mdp),
        lower=solve(mdp, worst=True),
    )


def settled(mdp: TabularMDP, policy: FloatArray) -> Bounds:
    """The bounds where all of a policy (S, A) is known: both are its value, also where other policies never end.

    Raises
    ------
    InvalidPolicy
        If it is no policy of this MDP, or (γ = 1) it never ends.
    """
    V = evaluate(mdp, policy).V
    value = Solution(actions=policy.argmax(axis=1), V=V, Q=action_values(mdp, V), J=float(mdp.start @ V))
    return Bounds(asked=~mdp.terminal, policy=policy, unseen=np.zeros(mdp.n_states), upper=value, lower=value)


def ask(
    mdp: TabularMDP, bounds: Bounds, states: IntArray, rows: FloatArray, unseen: FloatArray | float = 0.0
) -> Bounds:
    """The bounds after the policy of `states` (n,) was found to be `rows` (n, A). They never widen.

    Where a share `unseen` (n,) of the probability is not known, the policy is `rows` but for that share, which the
    bounds put on the best and on the worst legal action.

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
    share = bounds.unseen.copy()
    share[states] = unseen
    solved, fixed = known(mdp, asked, policy, share)
    return Bounds(
        asked=asked,
        policy=policy,
        unseen=share,
        upper=solve(solved, fixed=fixed, warm_start=bounds.upper.actions),
        lower=solve(solved, worst=True, fixed=fixed, warm_start=bounds.lower.actions),
    )


def known(
    mdp: TabularMDP, asked: BoolArray, policy: FloatArray, unseen: FloatArray
) -> tuple[TabularMDP, tuple[BoolArray, FloatArray]]:
    """What is left to choose once some states were asked: an MDP, and the states of it with their fixed policy."""
    fixed = (asked & (unseen == 0), policy)
    return (_loosened(mdp, policy, unseen) if unseen.any() else mdp), fixed


def _loosened(mdp: TabularMDP, policy: FloatArray, unseen: FloatArray) -> TabularMDP:
    """The MDP in which a state's actions are its policy but for the share `unseen` (S,), and the action for that."""
    state, action = np.nonzero(mdp.legal & (unseen > 0)[:, None])
    count = len(state)
    drawn, by = np.nonzero(policy[state])
    keep = (1 - unseen[state[drawn]]) * policy[state[drawn], by]
    columns = np.concatenate([mdp.row_of[state[drawn], by], mdp.row_of[state, action]])
    weights = sparse.csr_array(
        (np.concatenate([keep, unseen[state]]), (np.concatenate([drawn, np.arange(count)]), columns)),
        shape=(count, mdp.rows.shape[0]),
    )
    row_of = mdp.row_of.copy()
    row_of[state, action] = mdp.rows.shape[0] + np.arange(count)
    return replace(
        mdp,
        rows=sparse.csr_array(sparse.vstack([mdp.rows, weights @ mdp.rows], format="csr")),
        row_of=row_of,
        row_reward=np.concatenate([mdp.row_reward, weights @ mdp.row_reward]),
        row_rewards=None,
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
