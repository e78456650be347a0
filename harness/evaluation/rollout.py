"""The method `rollout`: episodes on held-out seeds, played a few at a time, each recorded before it counts."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.core.agent import Agent
from harness.core.environment import Environment
from harness.core.episode import play
from harness.core.run import TRACE, Clock, RunFolder
from harness.core.trace import End, Start, Step, stream_episodes
from harness.evaluation.asking import PATIENCE
from harness.evaluation.intervals import (
    CONFIDENCE,
    FEW_LOSSES,
    NO_LOSS,
    Estimate,
    Interval,
    anytime,
    anytime_factor,
    few_losses,
    of_mean,
    of_returns,
    within,
    without_interval,
)
from harness.evaluation.tabular import Progress, Watch
from harness.execution.local import each
from harness.mdp.build import with_rewards
from harness.mdp.environment import TabularEnvironment
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import uniform
from harness.mdp.tabular import FloatArray

Listener = Callable[[Start | Step | End], None]

FIRST_LOOK, NEXT_LOOK = 50, 1.2
"""With `until`, the interval is looked at after so many episodes, and then whenever there are so many times as many."""

TOLD_FROM = 100
"""Episodes from which on the probabilities that an agent told are used. They leave little noise but that of rare and
costly patients, who may be missing from a small sample: for a nearly optimal agent on `sepsis-os` the interval then
covers 83 % (30 episodes) or 89 % (50) instead of 95 % (`benchmarks/interval_coverage.py`)."""

SECONDS_BETWEEN_ESTIMATES = 0.5
"""How often the estimate so far is computed for whoever watches."""


# --------------------------------------------------------------------------- estimates


@dataclass(frozen=True)
class Scale:
    """What is known beforehand of the values in a tabular environment, for estimating one.

    Attributes
    ----------
    optimal, worst : float
        The most and the least that any policy is worth; `worst` is -inf where it is not known.
    most_lost : float
        Most that an episode can be expected to lose after its first decision that is not optimal.
    spread, raw_spread : float
        Standard deviation per episode of the summed regret, and of the return, for an agent that decides by chance.
    """

    optimal: float
    worst: float
    most_lost: float
    spread: float
    raw_spread: float


def scale_of(env: TabularEnvironment[Any, Any]) -> Scale:
    """The scale of an environment, from exact solves."""
    chance = uniform(env.mdp.legal)
    lost = float((env.optimum.V - env.worst.V).max()) if math.isfinite(env.lowest) else math.inf
    spread = math.sqrt(evaluate(with_rewards(env.mdp, env.regret), chance).variance)
    return Scale(env.optimum.J, env.lowest, lost, spread, math.sqrt(evaluate(env.mdp, chance).variance))


@dataclass(frozen=True)
class Value:
    """A policy's value as estimated from episodes, and the raw mean of the returns beside it."""

    estimator: str
    estimate: Estimate
    raw: Estimate


@dataclass(frozen=True)
class Estimator:
    """How episodes become a value.

    Attributes
    ----------
    scale : Scale or None
        None where no optimum is known; the estimate is then the raw mean.
    interval : Interval
    planned : int or None
        If not None, intervals hold however often they are looked at, and are tightest at so many episodes.
    looks : int
        How many times they may be looked at, at most.
    possible : tuple of float
        What no mean return can be beyond; intervals are cut to it.
    binary : bool
        Whether every return is 0 or 1.
    """

    scale: Scale | None
    interval: Interval = Interval.SKEWNESS
    planned: int | None = None
    looks: int = 1
    possible: tuple[float, float] = (-math.inf, math.inf)
    binary: bool = False

    def value(self, ends: Sequence[End]) -> Value:
        """The value that the episodes speak for.

        Notes
        -----
        `J* - mean(Σ_t γ^t regret(s_t, a_t))` is unbiased for any agent, also one with memory, at a tenth of the raw
        returns' variance on ICU-Sepsis and none for an optimal agent (Zinkevich et al. 2006; White and Bowling 2009).
        Where the agent told the probabilities that it drew from, from `TOLD_FROM` episodes on each regret is averaged
        over them (the own-action part of AIVAT; Burch et al. 2018). It counts no loss after a cut, so it is used only
        where every episode ended.
        """
        seen = [e.episode_return for e in ends]
        returns = of_returns(seen, self.interval, binary=self.binary, planned=self.planned, looks=self.looks)
        least, most = self.possible
        lower, upper = max(returns.lower, least), min(returns.upper, most)  # in this order, NaN stays
        raw = replace(returns, lower=min(lower, returns.value), upper=max(upper, returns.value))
        if self.scale is None or any(end.status != "terminated" or end.regret is None for end in ends):
            return Value("mean return", raw, raw)
        pairs = [(e.regret, e.regret if e.expected_regret is None else e.expected_regret) for e in ends]
        losses = np.array(pairs, dtype=np.float64)
        told = len(ends) >= TOLD_FROM and not np.array_equal(losses[:, 0], losses[:, 1])
        name = "advantage sum, the agent's probabilities known" if told else "advantage sum"
        return Value(name, self.of_losses(losses[:, int(told)], self.scale), raw)

    def of_losses(self, losses: FloatArray, scale: Scale) -> Estimate:
        """`J*` minus the mean of summed regrets (n,), its interval cut to what is possible."""
        rounding = NO_LOSS * min(scale.most_lost, scale.spread)
        if (losses > rounding).sum() >= FEW_LOSSES:
            sample = scale.optimal - losses
            if np.ptp(losses) <= rounding:
                found = without_interval(sample, "all episodes lost the same")
            else:
                found = of_mean(sample, self.interval) if self.planned is None else anytime(sample, self.planned)
        elif math.isfinite(scale.most_lost):
            confidence = 1 - (1 - CONFIDENCE) / self.looks
            bound = few_losses(losses, scale.most_lost, confidence, rounding=rounding)
            found = Estimate(
                scale.optimal - bound.value, scale.optimal - bound.upper, scale.optimal, bound.n,
                f"{bound.interval} {CONFIDENCE:.0%}",
            )  # fmt: skip
        else:
            found = without_interval(scale.optimal - losses, "too few episodes lost anything")
        return within(found, scale.worst, scale.optimal)


def planned_episodes(spread: float, half_width: float, most: int) -> int:
    """Episodes after which an anytime interval is likely to be `half_width` wide to each side, at most `most`."""
    low, high = FIRST_LOOK, max(most, FIRST_LOOK)
    while low < high:
        middle = (low + high) // 2
        if anytime_factor(middle, middle) * spread <= half_width:
            high = middle
        else:
            low = middle + 1
    return low


def looks(most: int) -> list[int]:
    """Numbers of episodes after which a run with `until` looks at its interval."""
    found = [min(FIRST_LOOK, most)]
    while found[-1] < most:
        found.append(min(math.ceil(found[-1] * NEXT_LOOK), most))
    return found


# --------------------------------------------------------------------------- episodes


async def play_episodes(
    make_env: Callable[[], Environment[Any, Any]],
    agent: Agent,
    seeds: range,
    folder: RunFolder,
    *,
    clock: Clock,
    concurrency: int,
    watch: Watch,
    listen: Listener | None = None,
    at_once: Listener | None = None,
    estimator: Estimator | None = None,
    until: float | None = None,
    regret: bool = True,
) -> list[End]:
    """Play episode i on `seeds[i]`; complete episodes of an interrupted run are not played again.

    Parameters
    ----------
    make_env : function
        Each concurrent episode has an environment of its own.
    listen : function of an event, optional
        Called with the events of every episode, episode by episode, once it has ended.
    at_once : function of an event, optional
        Called with every event as it happens; those of concurrent episodes interleave.
    estimator : Estimator, optional
        For whoever watches, and for `until`.
    until : float, optional
        Stop as soon as the interval reaches no further than this to each side; looked at after `looks(len(seeds))`
        episodes, in the order of the seeds, so that an interrupted run stops where it would have stopped.
    regret : bool
        Whether decisions are measured against what is known of the optimum.

    Returns
    -------
    list of End
        In the order of the seeds, whatever the order in which they ended.
    """
    done: dict[int, End] = {}
    for episode in stream_episodes(folder.path / TRACE):
        if episode.end.episode < len(seeds):
            done[episode.end.episode] = episode.end
            if listen is not None:
                _tell(listen, (episode.start, *episode.steps, episode.end))
    idle: list[Environment[Any, Any]] = []
    told = 0.0

    def show() -> None:
        nonlocal told
        if time.monotonic() - told >= SECONDS_BETWEEN_ESTIMATES:
            told = time.monotonic()
            lower, upper = _so_far(done.values(), estimator)
            watch(Progress(len(done), len(seeds), "episodes", lower, upper, certain=False, most=until is not None))

    async def one(number: int) -> None:
        env = idle.pop() if idle else make_env()
        events: list[Start | Step | End] = []

        def tell(event: Start | Step | End) -> None:
            if isinstance(event, End):
                event = event.model_copy(update={"elapsed_s": clock.elapsed()})
            folder.append(TRACE, event)
            if at_once is not None:
                at_once(event)
            if listen is not None:
                events.append(event)

        done[number] = await play(env, agent, episode=number, seed=seeds[number], tell=tell, regret=regret)
        idle.append(env)
        if listen is not None:
            _tell(listen, events)
        show()
        await asyncio.sleep(0)  # an agent that never waits would otherwise keep Ctrl-C from being heard

    show()
    ends: list[End] = []
    for count in looks(len(seeds)) if until is not None else [len(seeds)]:
        await each([n for n in range(count) if n not in done], one, concurrency, patience=PATIENCE)
        ends = [done[number] for number in range(count)]
        if until is not None and estimator is not None:
            found = estimator.value(ends).estimate
            if max(found.value - found.lower, found.upper - found.value) <= until:
                break
    return ends


def _tell(listen: Listener, events: Iterable[Start | Step | End]) -> None:
    for event in events:
        listen(event)


def _so_far(ends: Iterable[End], estimator: Estimator | None) -> tuple[float | None, float | None]:
    found = list(ends)
    if estimator is None or len(found) < 3:
        return None, None
    quick = replace(estimator, interval=Interval.SKEWNESS)  # no bootstrap in between
    estimate = quick.value(found).estimate
    return (estimate.lower, estimate.upper) if math.isfinite(estimate.lower) else (None, None)
