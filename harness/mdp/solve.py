"""Optimal, worst and given policies of a `TabularMDP`, exactly.

Notation: `V` (S,) state values, `Q` (S, A) action-values, `policy` (S, A) action probabilities, `J = start · V`.
Values are for the agent's discount; terminal states have value zero. Illegal actions have Q = NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, sparse
from scipy.sparse import csgraph
from scipy.sparse.linalg import splu

from harness.core.errors import InvalidMDP, InvalidPolicy
from harness.mdp.tabular import BoolArray, FloatArray, IntArray, TabularMDP

GREEDY_TOLERANCE = 1e-12
"""An action replaces the current one in policy iteration only if it is better by more than this."""

MAX_ITERATIONS = 1_000

WARM_UP_TOLERANCE = 1e-4
WARM_UP_SWEEPS = 20
WARM_UP_ROUNDS = 50
"""Modified policy iteration before the first linear solve: rounds of one improvement and `SWEEPS` evaluations by
products, until values change by less than the tolerance times their size. Each round costs a tenth of a linear solve
and they save several; how far they get does not matter, because the exact iteration that follows decides."""

DENSE_STATES = 3_000
"""Up to this many decision states the linear systems are solved dense (LAPACK), beyond it sparse (SuperLU)."""


@dataclass(frozen=True, eq=False)
class Solution:
    """An optimal (or worst) deterministic policy with its values.

    Attributes
    ----------
    actions : int array, shape (S,)
        The chosen action of every state; 0 in terminal states.
    V : float array, shape (S,)
    Q : float array, shape (S, A)
        NaN where the action is illegal.
    J : float
        `start · V`.
    """

    actions: IntArray
    V: FloatArray
    Q: FloatArray
    J: float


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
    """

    V: FloatArray
    J: float
    occupancy: FloatArray
    length: float


# --------------------------------------------------------------------------- policies as arrays


def deterministic(mdp: TabularMDP, actions: ArrayLike) -> FloatArray:
    """One action per state as a policy table, shape (S, A)."""
    chosen = np.asarray(actions, dtype=np.int64)
    if chosen.shape != (mdp.n_states,):
        raise InvalidPolicy(f"Actions have shape {chosen.shape}; expected ({mdp.n_states},).")
    bad = np.flatnonzero((chosen < 0) | (chosen >= mdp.n_actions))
    if bad.size:
        raise InvalidPolicy(f"The action of state {bad[0]} is {chosen[bad[0]]}; expected 0 to {mdp.n_actions - 1}.")
    policy = np.zeros((mdp.n_states, mdp.n_actions))
    policy[np.arange(mdp.n_states), chosen] = 1.0
    return policy


def uniform(mask: BoolArray) -> FloatArray:
    """Equal probability for every action where `mask` (S, A) is true."""
    counts = mask.sum(axis=1, keepdims=True)
    return np.where(mask, 1.0 / np.maximum(counts, 1), 0.0)


def check_policy(mdp: TabularMDP, policy: ArrayLike) -> FloatArray:
    """The policy as a float array, or one sentence about what is wrong with it.

    Raises
    ------
    InvalidPolicy
        If the shape is not (S, A), a probability is negative or NaN, a decision state's row does not sum to one,
        or an illegal action has positive probability.
    """
    table = np.asarray(policy, dtype=np.float64)
    if table.shape != (mdp.n_states, mdp.n_actions):
        raise InvalidPolicy(f"The policy has shape {table.shape}; expected {(mdp.n_states, mdp.n_actions)}.")
    live = mdp.decision_states
    bad = live[~np.all(table[live] >= 0, axis=1)]
    if bad.size:
        raise InvalidPolicy(f"The policy of state {bad[0]} holds a negative or missing probability.")
    sums = table[live].sum(axis=1)
    bad = live[np.abs(sums - 1.0) > 1e-8]
    if bad.size:
        raise InvalidPolicy(f"The policy of state {bad[0]} sums to {table[bad[0]].sum():.10g}; expected 1.")
    bad = live[np.any((table[live] > 0) & ~mdp.legal[live], axis=1)]
    if bad.size:
        state = int(bad[0])
        action = int(np.flatnonzero((table[state] > 0) & ~mdp.legal[state])[0])
        raise InvalidPolicy(f"The policy takes action {action} in state {state}, where it is not legal.")
    return table


# --------------------------------------------------------------------------- evaluation


def evaluate(mdp: TabularMDP, policy: ArrayLike) -> Evaluation:
    """Exact value, occupancy and length of a policy: `V = (I - γ P_π)^-1 r_π`.

    Raises
    ------
    InvalidPolicy
        If the table is not a policy of this MDP, or (γ = 1) it never reaches a terminal state from some state.
    """
    table = check_policy(mdp, policy)
    live = mdp.decision_states
    P, r = _system(mdp, table)
    endless = _endless(P, live)
    if mdp.discount == 1.0 and endless is not None:
        raise InvalidPolicy(
            f"From state {endless} the policy never reaches a terminal state, so its undiscounted value does not "
            "exist; use a discount below 1 or a policy that ends."
        )
    solver = _linear_solver(P, mdp.discount)
    V = np.zeros(mdp.n_states)
    V[live] = solver(r, False)
    occupancy = np.zeros(mdp.n_states)
    occupancy[live] = solver(mdp.start[live], True)
    if mdp.discount == 1.0:
        length = float(occupancy.sum())
    elif endless is not None:
        length = float("inf")
    else:
        length = float(mdp.start[live] @ _linear_solver(P, 1.0)(np.ones(len(live)), False))
    return Evaluation(V=V, J=float(mdp.start @ V), occupancy=occupancy, length=length)


def action_values(mdp: TabularMDP, V: FloatArray) -> FloatArray:
    """`Q(s, a) = r(s, a) + γ Σ_s' P(s'|s, a) V(s')`, shape (S, A); NaN where illegal, 0 in terminal states."""
    row_value = mdp.row_reward + mdp.discount * (mdp.rows @ V)
    Q = row_value[mdp.row_of]
    Q[~mdp.legal] = np.nan
    Q[mdp.terminal] = 0.0
    return Q


# --------------------------------------------------------------------------- solving


def solve(
    mdp: TabularMDP,
    *,
    worst: bool = False,
    fixed: tuple[BoolArray, FloatArray] | None = None,
    warm_start: ArrayLike | None = None,
) -> Solution:
    """The optimal policy by policy iteration, exact to the last linear solve.

    Parameters
    ----------
    mdp : TabularMDP
    worst : bool
        Minimise instead of maximise.
    fixed : (mask (S,), policy (S, A)), optional
        States whose policy is given and not to be improved (used for certified bounds).
    warm_start : array, shape (S,), optional
        Actions to start from.

    Raises
    ------
    InvalidMDP
        If γ = 1 and some policy met on the way never ends.

    Notes
    -----
    A few rounds of modified policy iteration (Puterman and Shin 1978) find a nearly optimal policy by products with
    the distinct rows; exact policy iteration starts from it and usually needs one linear solve to confirm it.
    Ties go to the lowest action index unless the current action is among the best.
    """
    n = mdp.n_states
    sign = -1.0 if worst else 1.0
    mask, table = fixed if fixed is not None else (np.zeros(n, dtype=np.bool_), np.zeros((n, mdp.n_actions)))
    free = ~mdp.terminal & ~mask
    states = np.arange(n)
    illegal = ~mdp.legal

    def improve(V: FloatArray) -> tuple[FloatArray, FloatArray, IntArray]:
        Q = action_values(mdp, V)
        gain = np.where(illegal, -np.inf, sign * Q)
        return Q, gain, gain.argmax(axis=1)

    if warm_start is None:
        V = np.zeros(n)
        for _ in range(WARM_UP_ROUNDS):
            Q, _, actions = improve(V)
            before, V = V, np.where(mask, np.nansum(table * Q, axis=1), Q[states, actions])
            if np.abs(V - before).max() <= WARM_UP_TOLERANCE * np.abs(V).max():
                break
            P, r = _chosen_rows(mdp, actions, mask, table)
            for _ in range(WARM_UP_SWEEPS):
                V[mdp.decision_states] = r + mdp.discount * (P @ V)
    else:
        actions = np.array(warm_start, dtype=np.int64)
    for _ in range(MAX_ITERATIONS):
        policy = deterministic(mdp, actions)
        policy[mask] = table[mask]
        V = _value(mdp, policy)
        Q, gain, best = improve(V)
        better = free & (gain[states, best] > gain[states, actions] + GREEDY_TOLERANCE)
        if not better.any():
            return Solution(actions=np.where(mdp.terminal, 0, actions), V=V, Q=Q, J=float(mdp.start @ V))
        actions = np.where(better, best, actions)
    raise InvalidMDP(f"Policy iteration did not settle in {MAX_ITERATIONS} iterations.")


def regret(solution: Solution) -> FloatArray:
    """`V*(s) - Q*(s, a)` of every decision, shape (S, A), never negative; NaN where illegal."""
    return np.maximum(solution.V[:, None] - solution.Q, 0.0)


# --------------------------------------------------------------------------- linear systems


def _system(mdp: TabularMDP, policy: FloatArray) -> tuple[sparse.csr_array, FloatArray]:
    """Transitions among the decision states (n, n) and expected reward (n,) under a policy."""
    weights = _weights(mdp, policy)
    P = sparse.csr_array(weights @ mdp.rows)
    return sparse.csr_array(P[:, mdp.decision_states]), np.asarray(weights @ mdp.row_reward, dtype=np.float64)


def _chosen_rows(
    mdp: TabularMDP, actions: IntArray, mask: BoolArray, table: FloatArray
) -> tuple[sparse.csr_array, FloatArray]:
    """Transitions (n, S) and reward (n,) of the decision states under `actions`, or `table` where `mask`."""
    live = mdp.decision_states
    if mask.any():
        policy = deterministic(mdp, actions)
        policy[mask] = table[mask]
        weights = _weights(mdp, policy)
        return sparse.csr_array(weights @ mdp.rows), np.asarray(weights @ mdp.row_reward, dtype=np.float64)
    rows = mdp.row_of[live, actions[live]]
    return mdp.rows[rows], mdp.row_reward[rows]


def _weights(mdp: TabularMDP, policy: FloatArray) -> sparse.csr_array:
    """How often each decision state uses each distinct row, shape (n, R)."""
    live = mdp.decision_states
    state, action = np.nonzero(policy[live])
    return sparse.csr_array(
        (policy[live[state], action], (state, mdp.row_of[live[state], action])),
        shape=(len(live), mdp.rows.shape[0]),
    )


def _value(mdp: TabularMDP, policy: FloatArray) -> FloatArray:
    P, r = _system(mdp, policy)
    live = mdp.decision_states
    V = np.zeros(mdp.n_states)
    try:
        V[live] = _linear_solver(P, mdp.discount)(r, False)
    except (linalg.LinAlgError, RuntimeError):
        V[live] = np.nan
    if not np.all(np.isfinite(V)):
        endless = _endless(P, live)
        where = "" if endless is None else f" from state {endless}"
        raise InvalidMDP(
            f"A policy met while solving never ends{where}, so the undiscounted optimum is not defined by policy "
            "iteration; use a discount below 1."
        )
    return V


def _linear_solver(P: sparse.csr_array, discount: float) -> Callable[[FloatArray, bool], FloatArray]:
    """`solve(b, transposed)` for the matrix `I - γ P`, factorised once."""
    n = P.shape[0]
    if n > DENSE_STATES:
        factor = splu(sparse.csc_array(sparse.eye_array(n, format="csc") - discount * P))
        # scipy-stubs leaves out the documented argument `trans`
        return lambda b, transposed: factor.solve(b, "T" if transposed else "N")  # type: ignore[call-overload]
    A = np.multiply(P.toarray(order="F"), -discount)
    A[np.diag_indices(n)] += 1.0
    with np.errstate(all="ignore"):
        lu, pivots, info = linalg.lapack.dgetrf(A, overwrite_a=True)
    if info > 0:
        raise linalg.LinAlgError("singular")

    def solve_dense(b: FloatArray, transposed: bool) -> FloatArray:
        x, _ = linalg.lapack.dgetrs(lu, pivots, b, trans=1 if transposed else 0)
        return np.asarray(x, dtype=np.float64)

    return solve_dense


def _endless(P: sparse.csr_array, live: IntArray) -> int | None:
    """The first state from which no terminal state is reached under `P`, or None.

    A state ends where its row among the decision states sums to less than one; every state must reach such a one.
    """
    leaking = np.flatnonzero(np.asarray(P.sum(axis=1)).ravel() < 1.0 - 1e-12)
    n = P.shape[0]
    # one extra node, from which the reversed graph is searched
    into = sparse.csr_array((np.ones(len(leaking)), (np.full(len(leaking), n), leaking)), shape=(n + 1, n + 1))
    reverse = sparse.csr_array(sparse.block_diag([P.T, sparse.csr_array((1, 1))]) + into)
    reached = csgraph.breadth_first_order(reverse, n, directed=True, return_predecessors=False)
    missing = np.setdiff1d(np.arange(n), reached)
    return int(live[missing[0]]) if missing.size else None
