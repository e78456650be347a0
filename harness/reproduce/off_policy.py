"""How wrong off-policy estimators are on ICU-Sepsis, and how often their 95 % intervals hold: the truth is known here.

The clinicians' policy acts, for many datasets; every estimator says from each what other policies would be worth; the
exact values say how far off it is. Datasets of different sizes are the first episodes of the same ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.agents.offline import batch_constrained
from harness.envs.icu_sepsis.environment import icu_sepsis
from harness.evaluation.intervals import Estimate, wilson
from harness.evaluation.off_policy.bootstrap import resampled
from harness.evaluation.off_policy.doubly_robust import cross_fitted, part
from harness.evaluation.off_policy.every import ESTIMATORS, by_model, by_weights
from harness.evaluation.off_policy.overlap import overlap
from harness.evaluation.off_policy.weights import estimated_behaviour
from harness.mdp.dataset import Dataset, counts
from harness.mdp.environment import TabularEnvironment
from harness.mdp.evaluate import values
from harness.mdp.policy import deterministic, uniform
from harness.mdp.simulate import record
from harness.mdp.tabular import FloatArray

ELSEWHERE = 5_000
"""Added to a repeat's seed for the data that a policy was learned from elsewhere."""

KNOWN, ESTIMATED, UNUSED = "known", "estimated", "none"
"""Which behaviour policy the weights are made with."""

POLICIES = {
    "random": "every action equally often",
    "half-optimal": "the clinicians' policy and the optimum, half of each at every decision",
    "optimal": "the optimum; of actions as good, the one that the clinicians take most often",
    "bc": "behaviour cloning of the same data",
    "bcq": "batch-constrained Q (support 5) of the same data",
    "bcq-other": "batch-constrained Q (support 5) of as many other episodes",
}

BATCH_CONSTRAINED = batch_constrained.Settings(support=5)


class Settings(BaseModel):
    """What a study is made of."""

    model_config = ConfigDict(frozen=True)

    sizes: tuple[int, ...] = Field((1_000, 5_000, 10_000, 50_000), description="episodes of the datasets")
    repeats: int = Field(200, ge=2, lt=ELSEWHERE, description="datasets of each size; repeat i has the seed i")
    resamples: int = Field(200, ge=20, description="of a bootstrap")

    @model_validator(mode="after")
    def _sizes(self) -> Settings:
        if not self.sizes or min(self.sizes) < 2 or len(set(self.sizes)) < len(self.sizes):
            raise ValueError("sizes are different numbers of episodes, each at least 2")
        return self


class Row(BaseModel):
    """One estimate of one policy from one dataset; None is what has no value."""

    model_config = ConfigDict(frozen=True)

    policy: str
    episodes: int
    estimator: str
    behaviour: str
    value: float | None
    lower: float | None
    upper: float | None
    ess: float
    truth: float
    overlap: float
    finite: bool


@dataclass(frozen=True)
class Score:
    """An estimator of one policy at one size of the data, over all repeats.

    Attributes
    ----------
    truth : float
        Mean exact value of the policy; a learned one is another in each repeat.
    missing : int
        Repeats without a value; the rest enters `bias`, its standard error and `rmse`.
    bias, bias_error, rmse : float
        NaN where there is no value at all.
    largest : float
        Share of the mean square that is the largest error's alone.
    coverage : Estimate
        Share of all repeats in which the interval held the exact value, with Wilson's interval; having none is not
        holding it.
    width : float
        Median width of the intervals there were.
    ess : float
        Mean effective sample size.
    overlap : float
        Mean probability that the clinicians could have taken all decisions of an episode of the policy, exact.
    infinite : int
        Repeats in which the variance of an episode's weight is infinite.
    """

    policy: str
    episodes: int
    estimator: str
    behaviour: str
    repeats: int
    truth: float
    missing: int
    bias: float
    bias_error: float
    rmse: float
    largest: float
    coverage: Estimate
    width: float
    ess: float
    overlap: float
    infinite: int


def repeat(number: int, settings: Settings) -> list[Row]:
    """All estimates from the datasets of one repeat."""
    env = _environment()
    assert env.expert_policy is not None  # noqa: S101 - ICU-Sepsis has one
    most = max(settings.sizes)
    whole, other = (record(env.mdp, env.expert_policy, most, seed=seed) for seed in (number, ELSEWHERE + number))
    found: list[Row] = []
    for size in settings.sizes:
        kept = np.arange(most) < size
        data, elsewhere = (part(d, kept) if size < most else d for d in (whole, other))
        found += _estimates(env, data, elsewhere, settings, number)
    return found


def targets(env: TabularEnvironment[Any, Any], data: Dataset, elsewhere: Dataset) -> dict[str, FloatArray]:
    """The policies that are evaluated, in the order of `POLICIES`, shape (S, A) each."""
    assert env.expert_policy is not None  # noqa: S101 - as above
    optimal = deterministic(env.mdp, env.optimum.actions)
    return {
        "random": uniform(env.mdp.legal),
        "half-optimal": (env.expert_policy + optimal) / 2,
        "optimal": optimal,
        "bc": estimated_behaviour(data),
        "bcq": batch_constrained.learn(data, BATCH_CONSTRAINED)[0],
        "bcq-other": batch_constrained.learn(elsewhere, BATCH_CONSTRAINED)[0],
    }


def _estimates(
    env: TabularEnvironment[Any, Any], data: Dataset, elsewhere: Dataset, settings: Settings, number: int
) -> list[Row]:
    assert env.expert_policy is not None  # noqa: S101 - as above
    policies = targets(env, data, elsewhere)
    truths = values(env.mdp, policies.values())
    behaviours = {KNOWN: None, ESTIMATED: estimated_behaviour(data)}
    drawn = resampled(data.n_episodes, settings.resamples, seed=number)
    tabulated = counts(data)
    rows = []
    for (name, policy), truth in zip(policies.items(), truths, strict=True):
        shared = overlap(env.mdp, policy, env.expert_policy)
        known = cross_fitted(data, policy)
        found = [
            (said, e)
            for said, behaviour in behaviours.items()
            for e in by_weights(data, policy, behaviour, estimated=said == ESTIMATED, known=known, resamples=drawn)
        ]
        found += [(UNUSED, e) for e in by_model(data, policy, tabulated)]
        rows += [
            Row(
                policy=name,
                episodes=data.n_episodes,
                estimator=e.estimator,
                behaviour=said,
                value=_finite(e.value),
                lower=_finite(e.lower),
                upper=_finite(e.upper),
                ess=e.ess,
                truth=float(truth),
                overlap=shared.episodes,
                finite=shared.finite,
            )
            for said, e in found
        ]
    return rows


def scores(rows: Iterable[Row]) -> tuple[Score, ...]:
    """What the repeats amount to, by policy, size, estimator and behaviour policy."""
    groups: dict[tuple[str, int, str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.policy, row.episodes, row.estimator, row.behaviour), []).append(row)
    order: list[Mapping[Any, int]] = [{name: i for i, name in enumerate(of)} for of in (POLICIES, ESTIMATORS)]
    return tuple(
        _score(key, groups[key])
        for key in sorted(groups, key=lambda k: (order[0][k[0]], k[1], k[3] == UNUSED, order[1][k[2]], k[3] != KNOWN))
    )


def _score(key: tuple[str, int, str, str], rows: list[Row]) -> Score:
    policy, episodes, estimator, behaviour = key
    errors = np.array([row.value - row.truth for row in rows if row.value is not None])
    widths = [row.upper - row.lower for row in rows if row.upper is not None and row.lower is not None]
    held = sum(row.lower <= row.truth <= row.upper for row in rows if row.lower is not None and row.upper is not None)
    several = len(errors) > 1
    return Score(
        policy=policy,
        episodes=episodes,
        estimator=estimator,
        behaviour=behaviour,
        repeats=len(rows),
        truth=float(np.mean([row.truth for row in rows])),
        missing=len(rows) - len(errors),
        bias=float(errors.mean()) if len(errors) else math.nan,
        bias_error=float(errors.std(ddof=1) / math.sqrt(len(errors))) if several else math.nan,
        rmse=float(np.sqrt((errors**2).mean())) if len(errors) else math.nan,
        largest=float((errors**2).max() / (errors**2).sum()) if (errors**2).sum() > 0 else 0.0,
        coverage=wilson(held, len(rows)),
        width=float(np.median(widths)) if widths else math.nan,
        ess=float(np.mean([row.ess for row in rows])),
        overlap=float(np.mean([row.overlap for row in rows])),
        infinite=sum(not row.finite for row in rows),
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


@lru_cache(maxsize=1)
def _environment() -> TabularEnvironment[Any, Any]:
    return icu_sepsis()
