"""How many decisions a wished precision will take, by each method, before anything is asked."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg, stats

from harness.core.errors import UsageError
from harness.core.seeds import stream
from harness.evaluation.intervals import CONFIDENCE, anytime_factor
from harness.mdp.build import with_rewards
from harness.mdp.certify import Bounds, ask, next_states, promise, states_left, unasked
from harness.mdp.environment import TabularEnvironment
from harness.mdp.evaluate import Evaluation, evaluate
from harness.mdp.linear import DENSE_STATES, system
from harness.mdp.policy import deterministic
from harness.mdp.tabular import BoolArray, FloatArray

BATCH = 8
"""States asked at a time when a certified run is rehearsed."""

MOST_EPISODES = 10**9
"""Nobody plays more; a plan says that it would take more."""


@dataclass(frozen=True)
class Need:
    """What one method takes to tell a policy's value to a width.

    Attributes
    ----------
    method : str
    policy : str
        Whose decisions it was worked out for.
    episodes : int or None
        None where none are played.
    decisions : float
        Decisions taken, or states asked.
    questions : float or None
        Different states among them: what a model without memory is asked, since equal prompts are asked once. None
        where there are too many states to work it out.
    certain : bool
        Whether the bounds are certain, or hold with 95 % confidence.
    """

    method: str
    policy: str
    episodes: int | None
    decisions: float
    questions: float | None
    certain: bool


def plan(env: TabularEnvironment[Any, Any], width: float) -> list[Need]:
    """What every method takes until upper and lower bound are `width` apart, for two kinds of deterministic policy.

    Raises
    ------
    UsageError
        If the width is not above zero.

    Notes
    -----
    Exact variances per episode give the episodes of a rollout, `(2 t s / width)^2`; certified runs are rehearsed. A
    policy that decides better than both needs less. A policy that may never end has no rollouts here.
    """
    check_width(width)
    found = []
    for name, policy in policies(env).items():
        states = len(env.mdp.decision_states)
        found.append(Need("exact", name, None, states, states, certain=True))
        asked = int(certified(env, policy, width).sum())
        found.append(Need("certify", name, None, asked, asked, certain=True))
        value = evaluate(env.mdp, policy)
        if not math.isfinite(value.length):
            continue
        chance = met(env, policy)
        for method, deviation in (
            ("rollout, advantage sum", loss_deviation(env, policy)),
            ("rollout, raw returns", math.sqrt(value.variance)),
        ):
            for looking, n in (("", once(deviation, width / 2)), (" --until", anytime(deviation, width / 2))):
                decisions = n * mean_length(env, value)
                questions = None if chance is None else float(within(chance, n).sum())
                found.append(Need(method + looking, name, n, decisions, questions, certain=False))
    return found


def check_width(width: float) -> None:
    """Refuse a width that is none.

    Raises
    ------
    UsageError
        If it is not above zero.
    """
    if not 0 < width < math.inf:
        raise UsageError(f"The width is {width}; expected a number above 0, e.g. 0.01.")


def policies(env: TabularEnvironment[Any, Any]) -> Mapping[str, FloatArray]:
    """Deterministic policies, shape (S, A), that stand in for a model's, which nobody knows beforehand."""
    mdp = env.mdp
    rng = stream(0, "plan")
    drawn = np.array([rng.choice(np.flatnonzero(row)) if row.any() else 0 for row in mdp.legal])
    found = {"an action drawn for each state": deterministic(mdp, drawn)}
    if env.expert_policy is not None:
        found = {"the expert's usual action": deterministic(mdp, env.expert_policy.argmax(axis=1))} | found
    return found


def certified(env: TabularEnvironment[Any, Any], policy: FloatArray, width: float) -> BoolArray:
    """Which states a certified run asks of a policy until the bounds are `width` apart, shape (S,)."""
    bounds: Bounds = unasked(env.mdp, env.optimum)
    while bounds.width > width:
        promised = promise(env.mdp, bounds)
        batch = next_states(promised, min(BATCH, states_left(promised, bounds.width, width)))
        if not batch.size:
            break
        bounds = ask(env.mdp, bounds, batch, policy[batch])
    return bounds.asked


def loss_deviation(env: TabularEnvironment[Any, Any], policy: FloatArray) -> float:
    """Standard deviation of an episode's summed regrets."""
    return math.sqrt(evaluate(with_rewards(env.mdp, env.regret), policy).variance)


def mean_length(env: TabularEnvironment[Any, Any], value: Evaluation) -> float:
    """Expected decisions in an episode that is played; the horizon where the mean is beyond it."""
    return min(value.length, float(env.spec.horizon or math.inf))


def once(deviation: float, half: float) -> int:
    """Episodes until Student's half-width is `half`; at least two."""
    return _smallest(lambda n: float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * deviation / math.sqrt(n) <= half)


def anytime(deviation: float, half: float) -> int:
    """The same where the interval is looked at again and again, as with --until."""
    return _smallest(lambda n: anytime_factor(n, n) * deviation <= half)


def _smallest(enough: Callable[[int], bool]) -> int:
    """The smallest number of episodes that is enough; `MOST_EPISODES` where more are needed."""
    low, high = 2, MOST_EPISODES
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


def met(env: TabularEnvironment[Any, Any], policy: FloatArray) -> FloatArray | None:
    """How likely an episode meets each state, shape (S,), under a policy whose episodes end; None for many states.

    With `N = (I - P_π)^-1`, the expected visits from one state to another: `start N(., s) / N(s, s)`.
    """
    live = env.mdp.decision_states
    if len(live) > DENSE_STATES:
        return None
    P, _ = system(env.mdp, policy)
    visits = linalg.inv(np.eye(len(live)) - P.toarray())
    chance = np.zeros(env.mdp.n_states)
    chance[live] = np.clip(env.mdp.start[live] @ visits / np.diagonal(visits), 0.0, 1.0)
    return chance


def within(chance: FloatArray, episodes: int) -> FloatArray:
    """How likely so many episodes meet each state, from how likely one does."""
    return np.asarray(1.0 - (1.0 - chance) ** episodes, dtype=np.float64)
