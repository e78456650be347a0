"""What is exactly known of a given policy: value, occupancy, length, variance of the return.

Notation: `V` (S,) state values, `Q` (S, A) action-values, `policy` (S, A) action probabilities, `J = start · V`.
Values are for the MDP's discount; terminal states have value zero. Illegal actions have Q = NaN.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from harness.core.errors import InvalidPolicy
from harness.mdp.linear import LinearSystem, endless_state, system, weights_of
from harness.mdp.policy import check_policy
from harness.mdp.tabular import FloatArray, IntArray, TabularMDP


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What is exactly known of one policy.

    Attributes
    ----------
    V : float array, shape (S,)
    J : float
        Value, `start · V`.
    occupancy : float array, shape (S,)
        Expected discounted visits of each state; zero in terminal states.
    length : float
        Expected number of decisions in an episode (undiscounted).
    variance : float
        Variance of an episode's discounted return.
    """

    V: FloatArray
    J: float
    occupancy: FloatArray
    length: float
    variance: float


def evaluate(mdp: TabularMDP, policy: ArrayLike) -> Evaluation:
    """Exact value, occupancy, length and variance of the return of a policy: `V = (I - γ P_π)^-1 r_π`.

    Raises
    ------
    InvalidPolicy
        If the table is not a policy of this MDP, or (γ = 1) it never reaches a terminal state from some state.
    """
    table = check_policy(mdp, policy)
    live = mdp.decision_states
    P, r = system(mdp, table)
    endless = None if mdp.discount == 1.0 or mdp.always_ends else endless_state(P, live)
    if mdp.discount == 1.0 and not mdp.always_ends:
        _require_end(P, live)
    linear = LinearSystem(P, mdp.discount)
    V = np.zeros(mdp.n_states)
    V[live] = linear.solve(r)
    occupancy = np.zeros(mdp.n_states)
    occupancy[live] = linear.solve(mdp.start[live], transposed=True)
    if mdp.discount == 1.0:
        length = float(occupancy.sum())
    elif endless is not None:
        length = float("inf")
    else:
        length = float(mdp.start[live] @ LinearSystem(P, 1.0).solve(np.ones(len(live))))
    J = float(mdp.start @ V)
    return Evaluation(V=V, J=J, occupancy=occupancy, length=length, variance=_variance(mdp, table, V, J, occupancy))


def _variance(
    mdp: TabularMDP,
    policy: FloatArray,
    V: FloatArray,
    J: float,
    occupancy: FloatArray,
) -> float:
    """Variance of the return, by the second moment `M = E[(r + γ V')^2 - (γ V')^2] + γ^2 P M` (Sobel 1982)."""
    live = mdp.decision_states
    weights = weights_of(mdp, policy)
    if mdp.row_rewards is None:
        squared, crossed = mdp.row_reward**2, mdp.row_reward * (mdp.rows @ V)
    else:
        paid = mdp.rows.multiply(mdp.row_rewards)
        squared, crossed = np.asarray(paid.multiply(mdp.row_rewards).sum(axis=1)).ravel(), paid @ V
    b = weights @ (squared + 2 * mdp.discount * crossed)
    if mdp.discount == 1.0:
        second_moment = float(occupancy[live] @ b)
    else:
        P, _ = system(mdp, policy)
        second_moment = float(mdp.start[live] @ LinearSystem(P, mdp.discount**2).solve(b))
    return max(second_moment - J * J, 0.0)


def values(mdp: TabularMDP, policies: Iterable[ArrayLike]) -> FloatArray:
    """The value J of every policy, shape (number of policies,), and nothing else: for checkpoints, sweeps, bootstraps.

    Each solve starts from the one before, so policies that differ little cost little; on the result this has no
    influence beyond rounding.

    Raises
    ------
    InvalidPolicy
        As `evaluate`.
    """
    live = mdp.decision_states
    found = []
    V = np.zeros(len(live))
    for policy in policies:
        P, r = system(mdp, check_policy(mdp, policy))
        if mdp.discount == 1.0 and not mdp.always_ends:
            _require_end(P, live)
        V = LinearSystem(P, mdp.discount).solve(r, guess=V)
        found.append(float(mdp.start[live] @ V))
    return np.array(found)


def _require_end(P: sparse.csr_array, live: IntArray) -> None:
    endless = endless_state(P, live)
    if endless is not None:
        raise InvalidPolicy(
            f"From state {endless} the policy never reaches a terminal state, so its undiscounted value does not "
            "exist; use a discount below 1 or a policy that ends."
        )


def action_values(mdp: TabularMDP, V: FloatArray) -> FloatArray:
    """`Q(s, a) = r(s, a) + γ Σ_s' P(s'|s, a) V(s')`, shape (S, A); NaN where illegal, 0 in terminal states."""
    row_value = mdp.row_reward + mdp.discount * (mdp.rows @ V)
    Q = row_value[mdp.row_of]
    Q[~mdp.legal] = np.nan
    Q[mdp.terminal] = 0.0
    return Q
