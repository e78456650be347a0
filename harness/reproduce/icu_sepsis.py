"""The ICU-Sepsis paper's baselines, its admissible actions and its treatments of inadmissible ones, all exact.

References
----------
Choudhary, Gupta, Thomas: ICU-Sepsis: A Benchmark MDP Built from Real Medical Data. RLC 2024, arXiv:2406.05646.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.envs.icu_sepsis.environment import Inadmissible, icu_sepsis
from harness.evaluation.intervals import CONFIDENCE
from harness.evaluation.references import reference_values
from harness.evaluation.summary import ReferenceValue
from harness.mdp.build import with_rewards
from harness.mdp.environment import TabularEnvironment
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import deterministic, uniform
from harness.mdp.tabular import FloatArray, TabularMDP

ROLLOUTS = 50_000
"""Episodes behind every figure of table 2 (arXiv:2406.05646)."""

TABLE_2 = {"random": (0.78, 9.45), "expert": (0.78, 9.22), "optimal": (0.88, 10.99)}
"""Policy to published mean return (survival) and mean length (decisions), arXiv:2406.05646, table 2."""

DATASET = (0.77, 13.27)
"""The same of the patients in the records, table 2. Published only: the records are not part of the benchmark."""

HALF_A_DIGIT = 0.005
"""Table 2 is rounded to two decimals."""

REFERENCES = ("optimal", "expert", "random", "worst")


@dataclass(frozen=True)
class Figure:
    """One published figure beside the exact one.

    Attributes
    ----------
    policy, quantity : str
        `quantity` is 'survival' (a probability) or 'length' (decisions).
    published : float
    exact : float or None
        None where nothing but the published figure is known, and then all below is None too.
    standard_error : float or None
        Of a mean over `ROLLOUTS` episodes, from the exact variance.
    allowed : float or None
        Half a unit of the last published digit, plus the half-width of a 95 % interval of the rollouts.
    agrees : bool or None
        Whether published and exact differ by no more than `allowed`.
    """

    policy: str
    quantity: str
    published: float
    exact: float | None = None
    standard_error: float | None = None
    allowed: float | None = None
    agrees: bool | None = None


@dataclass(frozen=True)
class Admissible:
    """How many actions the data support in a state (arXiv:2406.05646, fig. 3).

    Attributes
    ----------
    actions, states : tuple of int
        Number of admissible actions, and how many patient states have that many.
    mean : float
    fewest, most : int
    """

    actions: tuple[int, ...]
    states: tuple[int, ...]
    mean: float
    fewest: int
    most: int


def baselines(env: TabularEnvironment[Any, Any]) -> dict[str, FloatArray]:
    """The policies of table 2 as tables, shape (S, A): uniform over all actions, the clinicians', the optimum.

    Raises
    ------
    ValueError
        If the environment has no expert policy.
    """
    if env.expert_policy is None:
        raise ValueError(f"{env.spec.id} has no expert policy")
    return {
        "random": uniform(env.mdp.legal),
        "expert": env.expert_policy,
        "optimal": deterministic(env.mdp, env.optimum.actions),
    }


def counting(mdp: TabularMDP) -> TabularMDP:
    """The same MDP with a reward of one for every decision: its return is the episode's length."""
    return with_rewards(mdp, np.ones((mdp.n_states, mdp.n_actions)))


def table_2() -> tuple[Figure, ...]:
    """Every figure of table 2 beside the exact one."""
    env = icu_sepsis()
    counted = counting(env.mdp)
    found = []
    for policy, table in baselines(env).items():
        survival, length = TABLE_2[policy]
        value, steps = evaluate(env.mdp, table), evaluate(counted, table)
        found.append(_figure(policy, "survival", survival, value.J, value.variance))
        found.append(_figure(policy, "length", length, steps.J, steps.variance))
    survival, length = DATASET
    return (*found, Figure("dataset", "survival", survival), Figure("dataset", "length", length))


def _figure(policy: str, quantity: str, published: float, exact: float, variance: float) -> Figure:
    from scipy import stats

    error = math.sqrt(variance / ROLLOUTS)
    allowed = HALF_A_DIGIT + float(stats.norm.ppf((1 + CONFIDENCE) / 2)) * error
    return Figure(policy, quantity, published, exact, error, allowed, abs(published - exact) <= allowed)


def admissible() -> Admissible:
    """The number of admissible actions of every patient state, counted."""
    mdp = icu_sepsis().mdp
    counts = mdp.admissible[mdp.decision_states].sum(axis=1)
    actions = np.arange(counts.min(), counts.max() + 1)
    return Admissible(
        actions=tuple(actions.tolist()),
        states=tuple(int((counts == n).sum()) for n in actions),
        mean=float(counts.mean()),
        fewest=int(counts.min()),
        most=int(counts.max()),
    )


def strategies() -> dict[str, dict[str, ReferenceValue]]:
    """Exact values of the reference policies under every treatment of inadmissible actions.

    Under `terminate` the random policy is uniform over all actions, inadmissible ones too; under `raise` only
    admissible actions can be taken, by the random and the worst policy as well.
    """
    found = {}
    for strategy in Inadmissible:
        values = reference_values(icu_sepsis(strategy), everything=True)
        found[strategy.value] = {name: values[name] for name in REFERENCES}
    return found
