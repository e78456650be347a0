"""The methods `exact` and `certify`: a memoryless policy on a tabular MDP, without sampling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.errors import InvalidMDP
from harness.evaluation.asking import Asker
from harness.evaluation.recorded import read_decisions, require_value
from harness.evaluation.state_decision import StateDecision
from harness.evaluation.summary import summary_of
from harness.mdp.certify import Bounds, ask, completion, known, next_states, promise, settled, states_left, unasked
from harness.mdp.environment import TabularEnvironment
from harness.mdp.evaluate import evaluate
from harness.mdp.solve import solve
from harness.mdp.tabular import FloatArray, IntArray, TabularMDP

EXACT_WIDTH = 1e-9
"""Bounds that are closer than this share of what they were before anything was asked are one number: what is left is
the rounding of linear solves."""

ROUNDING = 1e-12
"""Costs below this share of the distance from the optimum to the worst policy are rounding."""

SMALLEST_BATCH = 8
"""States asked between two looks at the bounds (40 ms of computing), if the concurrency is lower."""

WORST_KEPT = 20
"""How many of the costliest decisions a summary lists."""


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    `lower` and `upper` are certain bounds, or the estimate's interval so far, or None. `total` is a guess for `states`,
    and with `most` the number at which a rollout stops at the latest.
    """

    done: int
    total: int
    unit: str
    lower: float | None = None
    upper: float | None = None
    certain: bool = True
    most: bool = False


Watch = Callable[[Progress], None]


@dataclass(frozen=True)
class Costly:
    """A decision and what it costs.

    `visits` are expected visits of the state in an episode, `cost = visits * regret` its share of the policy's
    regret (performance-difference identity, Kakade and Langford 2002).
    """

    state: int
    visits: float
    regret: float
    cost: float


async def ask_everything(env: TabularEnvironment[Any, Any], asker: Asker, watch: Watch) -> Bounds:
    """Ask every decision state; the bounds that result are one number."""
    states = env.mdp.decision_states
    watch(Progress(len(asker.answers), len(states), "states"))
    await asker.rows(states)
    return bounds_from(env, list(asker.answers.values()))


async def ask_until(
    env: TabularEnvironment[Any, Any],
    asker: Asker,
    epsilon: float,
    concurrency: int,
    watch: Watch,
    first: Sequence[int] = (),
) -> Bounds:
    """Ask the states of `first`, then the most promising ones until the certain bounds are at most `epsilon` apart.

    Which states are asked depends on earlier answers alone, so a resumed run asks the same ones.
    """
    bounds = unasked(env.mdp, env.optimum)
    one_number = EXACT_WIDTH * bounds.width
    if first:
        watch(Progress(0, len(first), "states"))
        states = np.array(first, dtype=np.int64)
        bounds = ask(env.mdp, bounds, states, await asker.rows(states), asker.unseen(states))
    while bounds.width > max(epsilon, one_number):
        promised = promise(env.mdp, bounds)
        left = states_left(promised, bounds.width, epsilon)
        done = int(bounds.asked.sum())
        watch(Progress(done, done + left, "states", bounds.lower.J, bounds.upper.J))
        batch = next_states(promised, min(max(SMALLEST_BATCH, concurrency), left))
        if not batch.size:
            break
        bounds = ask(env.mdp, bounds, batch, await asker.rows(batch), asker.unseen(batch))
    done = int(bounds.asked.sum())
    watch(Progress(done, done, "states", bounds.lower.J, bounds.upper.J))
    return bounds


async def with_all_answers(mdp: TabularMDP, bounds: Bounds, asker: Asker) -> Bounds:
    """The bounds after whatever else was asked, e.g. by example episodes. They never widen."""
    more = np.array([s for s in sorted(asker.answers) if not bounds.asked[s]], dtype=np.int64)
    return ask(mdp, bounds, more, await asker.rows(more), asker.unseen(more)) if more.size else bounds


def length_bounds(mdp: TabularMDP, bounds: Bounds) -> tuple[float | None, float | None]:
    """Certain bounds on the expected number of decisions in an episode; None where an episode might never end."""
    counting = replace(mdp, row_reward=np.ones_like(mdp.row_reward), row_rewards=None, discount=1.0)
    counting, fixed = known(counting, bounds.asked, bounds.policy, bounds.unseen)
    try:
        shortest = solve(counting, worst=True, fixed=fixed, warm_start=bounds.lower.actions).J
        longest = solve(counting, fixed=fixed, warm_start=bounds.upper.actions).J
    except InvalidMDP:
        return None, None
    return shortest, longest


def costliest(env: TabularEnvironment[Any, Any], bounds: Bounds) -> list[Costly]:
    """The asked states whose decisions cost something, the costliest first.

    Visits are those of the policy with the unasked states decided optimally. The costs of all asked states then add
    up to the lower bound of the policy's regret, exactly.
    """
    policy = completion(env.mdp, bounds)
    visits = evaluate(env.mdp, policy).occupancy
    regret = np.where(policy > 0, policy * np.nan_to_num(env.regret), 0.0).sum(axis=1)
    cost = np.where(bounds.asked, visits * regret, 0.0)
    order = np.argsort(-cost, kind="stable")
    return [
        Costly(int(s), float(visits[s]), float(regret[s]), float(cost[s]))
        for s in order
        if cost[s] > ROUNDING * env.span
    ]


def history(
    env: TabularEnvironment[Any, Any], decisions: Sequence[StateDecision], points: int = 60
) -> tuple[IntArray, FloatArray, FloatArray]:
    """How the certain bounds drew together while states were asked.

    Returns
    -------
    asked : int array, shape (n,)
        Numbers of states asked, from none to all recorded, `points` steps at most.
    lower, upper : float array, shape (n,)
    """
    bounds = unasked(env.mdp, env.optimum)
    marks = np.unique(np.linspace(0, len(decisions), min(points, len(decisions)) + 1).round().astype(np.int64))
    lower, upper = [bounds.lower.J], [bounds.upper.J]
    for begin, end in pairwise(marks):
        bounds = _asked(env, bounds, decisions[begin:end])
        lower.append(bounds.lower.J)
        upper.append(bounds.upper.J)
    return marks, np.array(lower), np.array(upper)


def bounds_from(env: TabularEnvironment[Any, Any], decisions: Sequence[StateDecision]) -> Bounds:
    """The bounds that recorded decisions amount to."""
    if len({d.state for d in decisions}) == len(env.mdp.decision_states) and not any(d.label_unseen for d in decisions):
        policy = np.zeros((env.mdp.n_states, env.mdp.n_actions))
        for d in decisions:
            policy[d.state] = d.row(env.mdp.n_actions)
        return settled(env.mdp, policy)
    bounds = unasked(env.mdp, env.optimum)
    return _asked(env, bounds, decisions) if decisions else bounds


def recorded_bounds(run: Path, env: TabularEnvironment[Any, Any]) -> Bounds:
    """The bounds that the decisions of a run amount to.

    Raises
    ------
    RunError
        If they are no decisions in `env`, or not those of which the run's summary tells the value.
    """
    bounds = bounds_from(env, read_decisions(run, env))
    summary = summary_of(run)
    if summary is not None and summary.samples == 1:  # else the summary has an interval about a policy drawn from
        require_value(run, summary.lower, bounds.lower.J)
        require_value(run, summary.upper, bounds.upper.J)
        require_value(run, summary.value, (bounds.lower.J + bounds.upper.J) / 2)
    return bounds


def _asked(env: TabularEnvironment[Any, Any], bounds: Bounds, decisions: Sequence[StateDecision]) -> Bounds:
    states = np.array([d.state for d in decisions], dtype=np.int64)
    rows = np.stack([d.row(env.mdp.n_actions) for d in decisions])
    return ask(env.mdp, bounds, states, rows, np.array([d.label_unseen or 0.0 for d in decisions]))
