"""Optimal and worst policies of a `TabularMDP`, by several methods with one calling form.

`solve` is exact and the one to use. The others in `SOLVERS` take an MDP and `worst` and return a `Solution` too, with a
bound on their error; they are there to check it, and for MDPs too large for linear solves.

Notation: `V` (S,) state values, `Q` (S, A) action-values, `J = start · V`. Terminal states have value zero, illegal
actions have Q = NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, sparse

from harness.core.errors import InvalidMDP
from harness.mdp.evaluate import action_values
from harness.mdp.linear import DIRECT_STATES, LinearSystem, endless_state, system
from harness.mdp.tabular import BoolArray, Choices, FloatArray, IntArray, TabularMDP

GREEDY_TOLERANCE = 1e-12
"""An action replaces the current one in policy iteration only if it is better by more than this share of the largest
value."""

TIED = 1e-9
"""Share of the largest value by which actions that are as good may differ, for rounding."""

MAX_ITERATIONS = 1_000

WARM_UP = (1e-1, 1e-2, 1e-3, 1e-4, 1e-6)
"""Policy iteration starts with linear solves to these tolerances; how far they get does not matter, because the exact
iteration that follows decides."""

SWEEPS = 20
"""Evaluations by products in a round of modified policy iteration."""

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
        If γ = 1 and some state is never left for a terminal one, or going on for ever gains without bound.

    Notes
    -----
    Policy iteration (Howard 1960) on the distinct rows. Rough linear solves find a nearly optimal policy; exact ones
    start from it, and usually one of them confirms it. Ties go to the lowest action index unless the current action is
    among the best.

    With γ = 1 the optimum is that of the policies that end. Where some do not, the iteration starts from one that does,
    and meets another only if going on for ever gains without bound; that is the error below.
    """
    sign = -1.0 if worst else 1.0
    live = mdp.decision_states
    choices = mdp.choices
    if fixed is not None:
        mask, table = fixed
        known = np.where(mask[:, None], table, 0.0)
        P, r = system(mdp, known)
        choices = choices.fixed(mask[live], P, r)
    endless = mdp.discount == 1.0 and not mdp.always_ends
    V = np.zeros(len(live))
    if endless:
        current = choices.ending()
        _require_ending(live, current)
    elif warm_start is not None:
        current = choices.of_action[np.arange(len(live)), np.asarray(warm_start, dtype=np.int64)[live]]
    else:
        current, V = _warmed_up(choices, mdp.discount, sign)
    for _ in range(MAX_ITERATIONS):
        P = choices.rows[current]
        if endless and (state := endless_state(P, live)) is not None:
            raise InvalidMDP(
                f"A policy met while solving never ends from state {state} and gains without bound; use a discount "
                "below 1."
            )
        V = LinearSystem(P, mdp.discount).solve(choices.reward[current], guess=V)
        value, _, best = choices.improve(V, mdp.discount, sign)
        better = sign * (value[best] - value[current]) > GREEDY_TOLERANCE * float(np.abs(V).max(initial=0.0))
        if not better.any():
            break
        current = np.where(better, best, current)
    else:
        raise InvalidMDP(f"Policy iteration did not settle in {MAX_ITERATIONS} iterations.")
    actions = np.zeros(mdp.n_states, dtype=np.int64)
    actions[live] = choices.action[current]
    values = np.zeros(mdp.n_states)
    values[live] = V
    return Solution(actions=actions, V=values, Q=action_values(mdp, values), J=float(mdp.start @ values))


def _warmed_up(choices: Choices, discount: float, sign: float) -> tuple[IntArray, FloatArray]:
    """A nearly optimal choice for every state with its values, by policy iteration with ever better linear solves."""
    _, V, current = choices.improve(np.zeros(len(choices.first)), discount, sign)
    if len(V) <= DIRECT_STATES:
        return current, V
    for tolerance in WARM_UP:
        V = LinearSystem(choices.rows[current], discount).roughly(choices.reward[current], V, tolerance)
        value, _, best = choices.improve(V, discount, sign)
        better = sign * (value[best] - value[current]) > tolerance * np.abs(V).max()
        current = np.where(better, best, current)
    return current, V


def _require_ending(live: IntArray, found: IntArray) -> None:
    if (found < 0).any():
        raise InvalidMDP(
            f"From state {live[int(np.argmax(found < 0))]} no policy reaches a terminal state, so its undiscounted "
            "value does not exist; use a discount below 1."
        )


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


def preferring(solution: Solution, weights: FloatArray) -> Solution:
    """The same values, by the policy that does, of actions as good, what has most weight (S, A) in the state."""
    tied = near_optimal(solution, TIED * max(1.0, float(np.nanmax(np.abs(solution.V)))))
    actions = np.where(tied, weights, -1.0).argmax(axis=1)
    return replace(solution, actions=np.where(tied.any(axis=1), actions, solution.actions))


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
    return _iterate(mdp, worst, tolerance, sweeps=SWEEPS)


def linear_program(mdp: TabularMDP, *, worst: bool = False) -> Solution:
    """The optimum as a linear program (HiGHS): the smallest V with `V(s) >= r(s, a) + γ P(.|s, a) V` everywhere.

    Raises
    ------
    InvalidMDP
        If the program has no solution, e.g. because values are unbounded.
    """
    live, choices = mdp.decision_states, mdp.choices
    sign = -1.0 if worst else 1.0
    count = len(choices.state)
    own = sparse.csr_array((np.ones(count), (np.arange(count), choices.state)), shape=(count, len(live)))
    # scipy-stubs leaves out that A_ub may be sparse
    result: optimize.OptimizeResult = optimize.linprog(  # type: ignore[call-overload]
        sign * np.ones(len(live)),
        A_ub=sign * (mdp.discount * choices.rows - own),
        b_ub=-sign * choices.reward,
        bounds=(None, None),
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
    choices, live = mdp.choices, mdp.decision_states
    V = np.zeros(len(live))
    while True:
        _, new, chosen = choices.improve(V, mdp.discount, sign)
        change = float(np.abs(new - V).max(initial=0.0))
        V = new
        if change * longest <= tolerance or change <= np.finfo(float).eps * np.abs(V).max(initial=0.0):
            values = np.zeros(mdp.n_states)
            values[live] = V
            return _solution(mdp, values, sign)
        P, r = choices.rows[chosen], choices.reward[chosen]
        for _ in range(sweeps):
            V = r + mdp.discount * (P @ V)


def _improved(mdp: TabularMDP, V: FloatArray, sign: float) -> tuple[FloatArray, IntArray]:
    """One application of the Bellman operator: the new values (S,) and the greedy actions (S,)."""
    live = mdp.decision_states
    new, actions = np.zeros(mdp.n_states), np.zeros(mdp.n_states, dtype=np.int64)
    _, new[live], chosen = mdp.choices.improve(V[live], mdp.discount, sign)
    actions[live] = mdp.choices.action[chosen]
    return new, actions


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
    if not mdp.always_ends:
        raise InvalidMDP(
            "Some policy may never end, and then no iteration bounds the undiscounted optimum; use a discount below 1, "
            "or policy iteration."
        )
    going_on = np.ones(len(mdp.decision_states))
    n = 0
    while going_on.max(initial=0.0) > 0.5:
        n += 1
        going_on = np.maximum.reduceat(mdp.choices.rows @ going_on, mdp.choices.first)
    return n / (1.0 - float(going_on.max(initial=0.0)))
