"""The method `rollout`: episodes on held-out seeds, played a few at a time, each recorded before it counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from harness.core.agent import Agent
from harness.core.environment import Environment
from harness.core.episode import play
from harness.core.run import TRACE, Clock, RunFolder
from harness.core.trace import End, Start, Step, read_episodes
from harness.evaluation.intervals import Estimate, of_returns, student_t
from harness.evaluation.tabular import Progress, Watch
from harness.execution.local import each

Listener = Callable[[Start | Step | End], None]


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
) -> list[End]:
    """Play episode i on `seeds[i]`; complete episodes of an interrupted run are not played again.

    Parameters
    ----------
    make_env : function
        Each concurrent episode has an environment of its own.
    listen : function of an event, optional
        Called with the events of every episode, episode by episode, once it has ended.

    Returns
    -------
    list of End
        In the order of the seeds, whatever the order in which they ended.
    """
    done = {e.end.episode: e.end for e in read_episodes(folder.path / TRACE) if e.end.episode < len(seeds)}
    if listen is not None:
        for episode in read_episodes(folder.path / TRACE):
            _tell(listen, (episode.start, *episode.steps, episode.end))
    idle: list[Environment[Any, Any]] = []

    async def one(number: int) -> None:
        env = idle.pop() if idle else make_env()
        events: list[Start | Step | End] = []

        def tell(event: Start | Step | End) -> None:
            if isinstance(event, End):
                event = event.model_copy(update={"elapsed_s": clock.elapsed()})
            folder.append(TRACE, event)
            if listen is not None:
                events.append(event)

        done[number] = await play(env, agent, episode=number, seed=seeds[number], tell=tell)
        idle.append(env)
        if listen is not None:
            _tell(listen, events)
        watch(Progress(len(done), len(seeds), "episodes", *_so_far(done.values()), certain=False))

    watch(Progress(len(done), len(seeds), "episodes", *_so_far(done.values()), certain=False))
    await each([n for n in range(len(seeds)) if n not in done], one, concurrency)
    return [done[number] for number in range(len(seeds))]


def _tell(listen: Listener, events: Iterable[Start | Step | End]) -> None:
    for event in events:
        listen(event)


def raw_estimate(ends: list[End]) -> Estimate:
    """Mean return of the episodes."""
    return of_returns([end.episode_return for end in ends])


def advantage_sum(ends: list[End], optimal_value: float) -> Estimate:
    """`J* - mean(Σ_t γ^t regret(s_t, a_t))`: unbiased for any agent, also one with memory.

    Its variance is a tenth of the raw returns' on ICU-Sepsis, and zero for an optimal agent (Zinkevich et al. 2006;
    White and Bowling 2009).
    """
    losses = np.array([end.regret for end in ends], dtype=np.float64)
    return student_t(optimal_value - losses)


def _so_far(ends: Iterable[End]) -> tuple[float | None, float | None]:
    found = list(ends)
    if len(found) < 2:
        return None, None
    estimate = raw_estimate(found)
    return estimate.lower, estimate.upper
