"""A run that plays episodes: the method `rollout`, and the summary of what it found."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.agent import Outcome, Request
from harness.core.environment import EnvSpec
from harness.core.errors import BudgetSpent
from harness.core.run import TRACE
from harness.core.seeds import evaluation_seeds
from harness.core.trace import End, Episode, stream_episodes
from harness.envs import registry as envs
from harness.evaluation import about
from harness.evaluation.config import RunConfig
from harness.evaluation.intervals import NO_INTERVAL, Estimate, Interval, clustered_share, of_mean, of_returns, within
from harness.evaluation.job import Job
from harness.evaluation.rollout import Estimator, looks, planned_episodes, play_episodes, scale_of
from harness.evaluation.summary import Summary, WorstDecision
from harness.evaluation.tabular import ROUNDING, WORST_KEPT
from harness.mdp.environment import TabularEnvironment

SHORTEST = 1.0
"""Every episode has at least one decision, whatever an interval says."""

ROUNDED = 9
"""Decimals to which an episode's regret is known."""

UNKNOWN_SPREAD = 0.5
"""Standard deviation taken for returns of which nothing is known, to plan a sequential interval: that of a coin."""


async def played(job: Job) -> Summary:
    """Play the episodes and say what was found; of a run that a limit stopped, what the first episodes tell.

    Raises
    ------
    BudgetSpent
        If a limit was reached before the first episode ended.
    """
    config, env = job.config, job.cast.env
    seeds = evaluation_seeds(config.seed_start, config.episodes)
    tabular = env if isinstance(env, TabularEnvironment) else None
    estimator = _estimator(config, env.spec, tabular)
    stopped = None
    try:
        ends = await play_episodes(
            lambda: envs.make(config.env, **config.env_options),
            job.cast.agent,
            seeds,
            job.folder,
            clock=job.clock,
            concurrency=config.concurrency,
            watch=job.observers.watch,
            listen=job.observers.listen,
            at_once=job.observers.at_once,
            estimator=estimator,
            until=config.until,
            regret=config.regret,
        )
    except BudgetSpent as spent:
        stopped = str(spent)
        ends = _first_complete(job.folder.path)
        if not ends:
            raise
    found = estimator.value(ends)
    estimate, raw = found.estimate, found.raw
    lower, upper = about.finite(estimate.lower), about.finite(estimate.upper)
    requests: list[Request] = []
    served: set[str] = set()
    repaired = 0
    why: list[str] = []
    vetoes = [0] * len(ends)
    costs = Costs(tabular) if tabular else None
    for episode in stream_episodes(job.folder.path / TRACE):
        if episode.end.episode >= len(ends):
            continue
        if costs is not None:
            costs.add(episode)
        for step in episode.steps:
            requests += [Request.model_validate(r) for r in step.decision.get("requests", ())]
            served |= {step.decision["model"]} if step.decision.get("model") else set()
            repaired += step.decision["outcome"] == Outcome.REPAIRED
            why += [step.decision["failure"]] if step.decision.get("failure") else []
            vetoes[episode.end.episode] += "veto" in step.decision
    truncated = sum(end.status == "truncated" for end in ends)
    decisions = sum(end.steps for end in ends)
    lengths = [end.steps for end in ends]
    stay, score = of_mean(lengths), _score(env.spec, ends)
    lost = _lost(tabular, ends, config.interval, beatable=env.reference is None or env.reference.kind.beatable)
    invalid = clustered_share([end.invalid for end in ends], lengths)
    inadmissible = clustered_share([end.inadmissible for end in ends], lengths)
    vetoed = clustered_share(vetoes, lengths) if config.shield else None
    return Summary(
        **about.who(job),
        **about.references(env),
        **about.spending(job, requests),
        served_models=sorted(served),
        stopped=stopped,
        failures=about.failures(why),
        exact=False,
        estimator=found.estimator,
        interval=estimate.interval,
        value=estimate.value,
        lower=lower,
        upper=upper,
        raw_value=raw.value,
        raw_lower=about.finite(raw.lower),
        raw_upper=about.finite(raw.upper),
        until=config.until,
        **_regret(tabular, estimate, ends, lost),
        length=stay.value,
        length_lower=None if math.isnan(stay.lower) else max(stay.lower, SHORTEST),
        length_upper=about.finite(stay.upper),
        mean_score=score.value,
        mean_score_lower=about.finite(score.lower),
        mean_score_upper=about.finite(score.upper),
        no_interval=_without({"regret": lost, "mean stay": stay, "score": score}),
        episodes=len(ends),
        truncated_episodes=truncated,
        decisions=decisions,
        states=len(tabular.mdp.decision_states) if tabular else None,
        invalid_actions=sum(end.invalid for end in ends),
        repaired_actions=repaired,
        vetoes=sum(vetoes),
        veto_share=vetoed.value if vetoed else None,
        veto_share_lower=vetoed.lower if vetoed else None,
        veto_share_upper=vetoed.upper if vetoed else None,
        invalid_share=invalid.value,
        invalid_share_lower=invalid.lower,
        invalid_share_upper=invalid.upper,
        inadmissible_share=inadmissible.value,
        inadmissible_share_lower=inadmissible.lower,
        inadmissible_share_upper=inadmissible.upper,
        wall_seconds=job.clock.elapsed(),
        worst_decisions=costs.worst(len(ends)) if costs else [],
    )


def _score(spec: EnvSpec, ends: Sequence[End]) -> Estimate:
    """The mean grade: a share where grades are the returns and these are 0 or 1."""
    binary = spec.binary and spec.reward_range == (0.0, 1.0)
    return within(of_returns([end.grade.score for end in ends], binary=binary), 0.0, 1.0)


def _lost(
    env: TabularEnvironment[Any, Any] | None, ends: Sequence[End], interval: Interval, *, beatable: bool
) -> Estimate | None:
    """The mean of the episodes' regrets where no table has the optimum; None where it has, or they are not known.

    They are not where an episode was cut off: the optimum is that of episodes without a limit, which were not played.
    """
    known = [end.regret for end in ends if end.regret is not None]
    if env is not None or len(known) < len(ends) or any(end.status == "truncated" for end in ends):
        return None
    rounded = np.round(known, ROUNDED)  # what is rounding alone is no spread
    return within(of_returns(rounded, interval), -math.inf if beatable else 0.0, math.inf)


def _regret(
    env: TabularEnvironment[Any, Any] | None, estimate: Estimate, ends: Sequence[End], lost: Estimate | None
) -> dict[str, float | None]:
    """The regret and its interval, as fields of a `Summary`: of a table J* - J, else the mean of the episodes' regrets.

    There is none where an episode was cut off.
    """
    if env is None:
        if lost is None:
            return {"regret": None}
        value, lower, upper = lost.value, about.finite(lost.lower), about.finite(lost.upper)
    elif any(end.status == "truncated" for end in ends):
        return {"regret": None}
    else:
        value = env.optimum.J - estimate.value
        lower = None if (most := about.finite(estimate.upper)) is None else env.optimum.J - most
        upper = None if (least := about.finite(estimate.lower)) is None else env.optimum.J - least
    return {"regret": value, "regret_lower": lower, "regret_upper": upper}


def _without(found: dict[str, Estimate | None]) -> dict[str, str]:
    """Why there is no interval of a quantity, by its name, as it stands in a `Summary`."""
    return {
        name: one.interval.removeprefix(f"{NO_INTERVAL}: ")
        for name, one in found.items()
        if one is not None and one.interval.startswith(NO_INTERVAL)
    }


def _estimator(config: RunConfig, spec: EnvSpec, env: TabularEnvironment[Any, Any] | None) -> Estimator:
    scale = scale_of(env) if env is not None else None
    possible = spec.possible_returns if env is None else (-math.inf, math.inf)
    if config.until is None:
        return Estimator(scale, config.interval, possible=possible, binary=spec.binary)
    spread = scale.spread if scale is not None else UNKNOWN_SPREAD
    planned = planned_episodes(spread, config.until, config.episodes)
    return Estimator(scale, config.interval, planned, len(looks(config.episodes)), possible, spec.binary)


def _first_complete(path: Path) -> list[End]:
    """The episodes from the first one on as far as all were played, so that short ones are not preferred."""
    done = {e.end.episode: e.end for e in stream_episodes(path / TRACE)}
    return [done[n] for n in itertools.takewhile(done.__contains__, itertools.count())]


class Costs:
    """What each (state, action) pair cost over the episodes played."""

    def __init__(self, env: TabularEnvironment[Any, Any]) -> None:
        self._env = env
        self._visits: dict[tuple[int, int], float] = defaultdict(float)
        self._lost: dict[tuple[int, int], float] = defaultdict(float)

    def add(self, episode: Episode) -> None:
        """Add an episode; visits and regrets are discounted, as values are."""
        env = self._env
        state, weight = int(episode.start.observation["state"]), 1.0
        for step in episode.steps:
            pair = state, env.action_index(env.action_type.model_validate(step.action))
            self._visits[pair] += weight
            self._lost[pair] += weight * (step.regret or 0.0)
            state, weight = int(step.observation["state"]), weight * env.mdp.discount

    def worst(self, episodes: int) -> list[WorstDecision]:
        """The pairs that cost most."""
        env = self._env
        ranked = sorted(self._lost, key=lambda pair: (-self._lost[pair], pair))[:WORST_KEPT]
        return [
            WorstDecision(
                state=state,
                description=env.describe(state),
                chosen=env.action_labels[action],
                best=env.action_labels[env.optimum.actions[state]],
                regret=float(env.regret[state, action]),
                visits=self._visits[state, action] / episodes,
                cost=self._lost[state, action] / episodes,
            )
            for state, action in ranked
            if self._lost[state, action] > ROUNDING * env.span
        ]
