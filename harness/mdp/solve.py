"""Optimal and worst policies of a `TabularMDP`, by several methods with one calling form.

`solve` is exact and the one to use. The others in `SOLVERS` take an MDP and `worst` and return a `Solution` too, with a
bound on their error; they are there to check it, and for MDPs too large for linear solves.

Notation: `V` (S,) state values, `Q` (S, A) action-values, `J = start · V`. Terminal states have value zero, illegal
actions have Q = NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, optimize, sparse

from harness.core.errors import InvalidMDP
from harness.mdp.evaluate import action_values
from harness.mdp.linear import endless_state, linear_solver, system, weights_of
from harness.mdp.policy import deterministic
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

LONGEST_SEARCH = 100_000
"""How many decisions ahead a bound on the length of an episode is looked for."""

UNBOUNDED = 1e6
"""Undiscounted values beyond this many times the largest reward may be those of a policy that never ends."""

TOLERANCE = 1e-9
"""Certified accuracy at which the iterative methods stop."""


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
    error : float
        Bound on `max |V - V*|`; 0 where nothing but rounding is left.
    """

    actions: IntArray
    V: FloatArray
    Q: FloatArray
    J: float
    error: float = 0.0


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


def gaps(solution: Solution, k: int = 2) -> FloatArray:
    """How much worse the k-th best action of every state is than the best, shape (S,); NaN where there is none."""
    ordered = np.sort(np.where(np.isnan(solution.Q), -np.inf, solution.Q), axis=1)
    if k > ordered.shape[1]:
        return np.full(len(ordered), np.nan)
    gap = ordered[:, -1] - ordered[:, -k]
    return np.where(np.isfinite(gap), gap, np.nan)


def near_optimal(solution: Solution, epsilon: float) -> BoolArray:
    """Actions whose regret is at most `epsilon`, shape (S, A)."""
    with np.errstate(invalid="ignore"):
        return np.asarray(regret(solution) <= epsilon, dtype=np.bool_)


# --------------------------------------------------------------------------- other methods


def value_iteration(mdp: TabularMDP, *, worst: bool = False, tolerance: float = TOLERANCE) -> Solution:
    """Value iteration, stopped when V is certainly within `tolerance` of the optimum.

    Raises
    ------
    InvalidMDP
        If γ = 1 and some policy may never end: no change of V then bounds the error.

    Notes
    -----
    If one more improvement changes V by at most δ, then `|V - V*| <= δ T`, where T bounds the discounted length of an
    episode under any policy from any state: `1 / (1 - γ)`, or found by products where γ = 1.
    """
    return _iterate(mdp, worst, tolerance, sweeps=0)


def modified_policy_iteration(mdp: TabularMDP, *, worst: bool = False, tolerance: float = TOLERANCE) -> Solution:
    """Modified policy iteration (Puterman and Shin 1978), stopped as value iteration is."""
    return _iterate(mdp, worst, tolerance, sweeps=WARM_UP_SWEEPS)


def linear_program(mdp: TabularMDP, *, worst: bool = False) -> Solution:
    """The optimum as a linear program (HiGHS): the smallest V with `V(s) >= r(s, a) + γ P(.|s, a) V` everywhere.

    Raises
    ------
    InvalidMDP
        If the program has no solution, e.g. because values are unbounded.
    """
    live = mdp.decision_states
    sign = -1.0 if worst else 1.0
    state, action = np.nonzero(mdp.legal[live])
    rows = mdp.row_of[live[state], action]
    pairs = np.unique(np.column_stack([state, rows]), axis=0)
    own = sparse.csr_array((np.ones(len(pairs)), (np.arange(len(pairs)), pairs[:, 0])), shape=(len(pairs), len(live)))
    constraints = sign * (mdp.discount * mdp.rows[pairs[:, 1]][:, live] - own)
    # scipy-stubs leaves out that A_ub may be sparse
    result: optimize.OptimizeResult = optimize.linprog(  # type: ignore[call-overload]
        sign * np.ones(len(live)), A_ub=constraints, b_ub=-sign * mdp.row_reward[pairs[:, 1]], bounds=(None, None)
    )
    if not result.success:
        raise InvalidMDP(f"The linear program of the optimum has no solution: {result.message}")
    V = np.zeros(mdp.n_states)
    V[live] = result.x
    return _solution(mdp, V, sign)


def backward_induction(mdp: TabularMDP, horizon: int, *, worst: bool = False) -> tuple[FloatArray, IntArray]:
    """The optimum of an episode cut off after `horizon` decisions.

    Returns
    -------
    V : float array, shape (horizon + 1, S)
        `V[t]` is the optimal value with `horizon - t` decisions left; `V[horizon]` is zero.
    actions : int array, shape (horizon, S)
        The optimal action at decision `t`.
    """
    if horizon < 1:
        raise InvalidMDP(f"The horizon is {horizon}; expected at least 1 decision.")
    sign = -1.0 if worst else 1.0
    V = np.zeros((horizon + 1, mdp.n_states))
    actions = np.zeros((horizon, mdp.n_states), dtype=np.int64)
    for t in reversed(range(horizon)):
        V[t], actions[t] = _improved(mdp, V[t + 1], sign)
    return V, actions


SOLVERS: dict[str, Callable[..., Solution]] = {
    "policy-iteration": solve,
    "modified-policy-iteration": modified_policy_iteration,
    "value-iteration": value_iteration,
    "linear-program": linear_program,
}
"""Every method by name; each takes an MDP and `worst`."""


def _iterate(mdp: TabularMDP, worst: bool, tolerance: float, sweeps: int) -> Solution:
    sign = -1.0 if worst else 1.0
    longest = _longest(mdp)
    nothing = np.zeros(mdp.n_states, dtype=np.bool_)
    no_table = np.zeros((mdp.n_states, mdp.n_actions))
    V = np.zeros(mdp.n_states)
    while True:
        new, actions = _improved(mdp, V, sign)
        change = float(np.abs(new - V).max(initial=0.0))
        V = new
        if change * longest <= tolerance or change <= np.finfo(float).eps * np.abs(V).max(initial=0.0):
            return _solution(mdp, V, sign)
        P, r = _chosen_rows(mdp, actions, nothing, no_table)
        for _ in range(sweeps):
            V[mdp.decision_states] = r + mdp.discount * (P @ V)


def _improved(mdp: TabularMDP, V: FloatArray, sign: float) -> tuple[FloatArray, IntArray]:
    """One application of the Bellman operator: the new values and the greedy actions."""
    Q = action_values(mdp, V)
    actions = np.where(mdp.legal, sign * Q, -np.inf).argmax(axis=1)
    return Q[np.arange(mdp.n_states), actions], np.where(mdp.terminal, 0, actions)


def _solution(mdp: TabularMDP, V: FloatArray, sign: float) -> Solution:
    """The greedy policy of V, with V as it is and the bound on its error."""
    new, actions = _improved(mdp, V, sign)
    error = float(np.abs(new - V).max(initial=0.0)) * _longest(mdp)
    return Solution(actions=actions, V=V, Q=action_values(mdp, V), J=float(mdp.start @ V), error=error)


def _longest(mdp: TabularMDP) -> float:
    """A bound on the discounted length of an episode under any policy, from any state.

    With γ = 1: if after n decisions at most a share ρ < 1 of episodes still goes on, whatever was done, the expected
    length is at most `n / (1 - ρ)`.
    """
    if mdp.discount < 1.0:
        return 1.0 / (1.0 - mdp.discount)
    alive = np.where(mdp.terminal, 0.0, 1.0)
    for n in range(1, LONGEST_SEARCH + 1):
        row_alive = mdp.rows @ alive
        alive = np.where(mdp.terminal, 0.0, np.where(mdp.legal, row_alive[mdp.row_of], 0.0).max(axis=1))
        going_on = float(alive.max(initial=0.0))
        if going_on <= 0.5:
            return n / (1.0 - going_on)
    raise InvalidMDP(
        f"After {LONGEST_SEARCH} decisions some policy has ended less than half of its episodes; it may never end, and "
        "then no iteration bounds the undiscounted optimum. Use a discount below 1."
    )


def _chosen_rows(
    mdp: TabularMDP, actions: IntArray, mask: BoolArray, table: FloatArray
) -> tuple[sparse.csr_array, FloatArray]:
    """Transitions (n, S) and reward (n,) of the decision states under `actions`, or `table` where `mask`."""
    live = mdp.decision_states
    if mask.any():
        policy = deterministic(mdp, actions)
        policy[mask] = table[mask]
        weights = weights_of(mdp, policy)
        return sparse.csr_array(weights @ mdp.rows), np.asarray(weights @ mdp.row_reward, dtype=np.float64)
    rows = mdp.row_of[live, actions[live]]
    return mdp.rows[rows], mdp.row_reward[rows]


def _value(mdp: TabularMDP, policy: FloatArray) -> FloatArray:
    P, r = system(mdp, policy)
    live = mdp.decision_states
    V = np.zeros(mdp.n_states)
    try:
        V[live] = linear_solver(P, mdp.discount)(r, False)
    except (linalg.LinAlgError, RuntimeError):
        V[live] = np.nan
    huge = UNBOUNDED * max(float(np.abs(r).max(initial=0.0)), np.finfo(float).tiny)
    if not np.all(np.isfinite(V)) or (mdp.discount == 1.0 and np.abs(V).max() > huge):
        endless = endless_state(P, live)
        if endless is None and np.all(np.isfinite(V)):
            return V  # episodes are long, but they end
        where = "" if endless is None else f" from state {endless}"
        raise InvalidMDP(
            f"A policy met while solving never ends{where}, so the undiscounted optimum is not defined by policy "
            "iteration; use a discount below 1."
        )
    return V
