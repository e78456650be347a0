"""Recorded decisions asked again: states of an exact or certified run, steps of a rollout. Writes nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from harness.core.agent import Decision, Request
from harness.core.errors import INTERRUPTED, HarnessError, InvalidMDP, InvalidPolicy, RunError
from harness.core.seeds import stream
from harness.core.trace import recorded
from harness.envs import registry as envs
from harness.evaluation.asking import PATIENCE, ask_in_state
from harness.evaluation.cast import Cast
from harness.evaluation.config import RunConfig
from harness.evaluation.decomposition import decomposition
from harness.evaluation.drift import FEW_FLIPS, draw, first_order, stakes
from harness.evaluation.flips import Flips, flips_of
from harness.evaluation.intervals import Estimate, clustered_share, wilson
from harness.evaluation.rechecked import Change, sources
from harness.evaluation.recorded import read_decisions, read_episodes
from harness.evaluation.replay import StepFlip, ask_step
from harness.evaluation.state_decision import StateDecision
from harness.evaluation.summary import Summary
from harness.evaluation.tabular import ROUNDING, Progress, Watch, bounds_from
from harness.execution.local import each
from harness.llm.budget import cost_of
from harness.mdp.certify import Bounds, completion
from harness.mdp.environment import TabularEnvironment

IN_PLACE = "the change with these replies in place of the old ones"
"""What the worths of flips add up to."""

Job = TypeVar("Job", bound=Hashable)
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Finished:
    """A finished run of a model, read back."""

    path: Path
    manifest: dict[str, Any]
    config: RunConfig
    summary: Summary


@dataclass(frozen=True)
class Plan:
    """What is about to be asked, and what that takes, by the run's own requests; `cost` is None without a price."""

    asked: int
    recorded: int
    calls: int
    tokens: int
    cost: float | None


@dataclass(frozen=True)
class Check:
    """What a drift check works with: the run, the model as it is now, and what to ask of it."""

    run: Finished
    cast: Cast
    n: int | None
    seed: int
    watch: Watch
    tell: Callable[[Plan], None]


# --------------------------------------------------------------------------- states


async def states(check: Check) -> tuple[dict[str, Any], Sequence[StateDecision]]:
    """What came of asking states again, as fields of a `Recheck`, and the answers.

    Raises
    ------
    RunError
        If a prompt is not the run's.
    HarnessError
        If nothing could be asked.
    """
    env, run = check.cast.env, check.run
    assert isinstance(env, TabularEnvironment)  # noqa: S101 - checked with a sentence in `check`
    first = {line.state: line for line in read_decisions(run.path, env)}
    bounds = bounds_from(env, list(first.values()))
    old = completion(env.mdp, bounds)
    among = np.isin(np.arange(env.mdp.n_states), list(first))
    sampled = check.n is not None and check.n < len(first)
    at_stake = stakes(env.mdp, old, among)
    drawn = draw(at_stake, among, check.n, check.seed) if sampled and check.n else np.array(list(first))
    requests = [request for line in first.values() for request in line.requests]

    async def ask(state: int) -> StateDecision:
        line = await ask_in_state(env, check.cast.agent, state)
        _require_prompt(run, first[state].prompt_sha256, line.prompt_sha256)
        return line

    again, stop = await _asked(check, list(dict.fromkeys(drawn.tolist())), ask, len(first), requests)
    rows = {state: line.row(env.mdp.n_actions) for state, line in again.items()}
    flipped = {state for state, row in rows.items() if row.argmax() != first[state].row(env.mdp.n_actions).argmax()}
    told = drawn[: next((i for i, state in enumerate(drawn.tolist()) if state not in again), len(drawn))]
    share, whole = None, None
    if not sampled and len(again) == len(first):
        every = len(flipped) / len(again)
        share = Estimate(every, every, every, len(again), "none")
    elif sampled and len(told):
        share = wilson(sum(state in flipped for state in told.tolist()), len(told))
        if share.value <= FEW_FLIPS and at_stake.total > ROUNDING * env.span:
            whole = first_order(at_stake, told, np.stack([rows[state] for state in told.tolist()]))
    change, flips = _change(env, bounds, first, again, whole)
    return {
        "cached": sources(requests, run.manifest["run_id"]),
        "recorded": len(first),
        "drawn": len(told) if sampled else None,
        "flipped": len(flipped),
        "share": share,
        "share_of": "what is at stake" if sampled else "the states asked",
        "change": change,
        "flips": flips,
        "step_flips": (),
        "decisions": [line.model_dump(mode="json", exclude_none=True) for line in again.values()],
        **stop,
    }, list(again.values())


def _change(
    env: TabularEnvironment[Any, Any],
    bounds: Bounds,
    first: Mapping[int, StateDecision],
    again: Mapping[int, StateDecision],
    whole: Estimate | None,
) -> tuple[Change | None, Flips | None]:
    """What the new replies do to the value; None where they make a policy that never ends, whose value is none."""
    try:
        replaced = bounds_from(env, list({**first, **again}.values()))
        found = decomposition(env, completion(env.mdp, bounds), completion(env.mdp, replaced))
    except InvalidPolicy:
        return None, None
    try:
        alone = bounds_from(env, list(again.values()))
        now = alone.lower.J, alone.upper.J
    except (InvalidMDP, InvalidPolicy):
        now = None
    flips = flips_of(found, first, again, ("then", "now"), IN_PLACE)
    return Change(
        before=(bounds.lower.J, bounds.upper.J),
        replaced=(replaced.lower.J, replaced.upper.J),
        known=flips.total,
        now=now,
        whole=whole,
    ), flips


# --------------------------------------------------------------------------- steps


async def steps(check: Check) -> tuple[dict[str, Any], Sequence[Decision]]:
    """The same of steps of a rollout."""
    run, config = check.run, check.run.config
    episodes = {episode.end.episode: episode for episode in read_episodes(run.path, check.cast.env)}
    every = [(number, step) for number, episode in episodes.items() for step in range(len(episode.steps))]
    sampled = check.n is not None and check.n < len(every)
    order = stream(check.seed, "recheck").permutation(len(every))[: check.n if sampled else None]
    requests = [
        Request.model_validate(request)
        for episode in episodes.values()
        for step in episode.steps
        for request in step.decision.get("requests", ())
    ]
    idle = [check.cast.env]

    async def ask(job: tuple[int, int]) -> tuple[Decision, StepFlip | None]:
        episode, step = episodes[job[0]], job[1]
        env = idle.pop() if idle else envs.make(config.env, **config.env_options)
        decision, flip = await ask_step(env, check.cast.agent, episode, step)
        idle.append(env)
        _require_prompt(run, episode.steps[step].decision.get("prompt_sha256"), decision.prompt_sha256)
        return decision, flip

    again, stop = await _asked(check, [every[i] for i in order], ask, len(every), requests)
    sizes = Counter(number for number, _ in again)
    counts = Counter(number for (number, _), (_, flip) in again.items() if flip is not None)
    flips = [flip for _, flip in again.values() if flip is not None]
    return {
        "cached": sources(requests, run.manifest["run_id"]),
        "recorded": len(every),
        "drawn": len(again) if sampled else None,
        "flipped": len(flips),
        "share": clustered_share([counts[number] for number in sizes], list(sizes.values())),
        "share_of": "the decisions",
        "change": None,
        "flips": None,
        "step_flips": tuple(sorted(flips, key=lambda flip: (-abs(flip.gain or 0.0), flip.seed, flip.step))),
        "decisions": [
            {"seed": episodes[number].end.seed, "step": step, **recorded(decision)}
            for (number, step), (decision, _) in again.items()
        ],
        **stop,
    }, [decision for decision, _ in again.values()]


# --------------------------------------------------------------------------- both


async def _asked(
    check: Check,
    jobs: Sequence[Job],
    ask: Callable[[Job], Awaitable[Answer]],
    of: int,
    requests: Sequence[Request],
) -> tuple[dict[Job, Answer], dict[str, Any]]:
    """The answers as far as they came, in the order of the jobs, and what stopped them."""
    check.tell(_plan(check, len(jobs), of, requests))
    found: dict[Job, Answer] = {}

    async def one(job: Job) -> None:
        found[job] = await ask(job)
        check.watch(Progress(len(found), len(jobs), "decisions"))

    stopped, status = None, 0
    try:
        await each(jobs, one, check.run.config.concurrency, patience=PATIENCE)
    except HarnessError as error:
        if not found:
            raise
        stopped, status = str(error), error.exit_status
    except asyncio.CancelledError:  # Ctrl-C: what was paid for is told
        if not found:
            raise
        stopped, status = "Interrupted.", INTERRUPTED
    return {job: found[job] for job in jobs if job in found}, {"stopped": stopped, "exit_status": status}


def _plan(check: Check, asked: int, of: int, requests: Sequence[Request]) -> Plan:
    assert check.cast.model is not None  # noqa: S101 - `open_run` saw to it
    each_time = asked / of
    tokens = [sum(getattr(r, name) for r in requests) * each_time for name in ("prompt_tokens", "completion_tokens")]
    cost = cost_of(check.cast.model.entry, round(tokens[0]), 0, round(tokens[1]))
    return Plan(asked, of, round(len(requests) * each_time), round(sum(tokens)), cost)


def _require_prompt(run: Finished, then: str | None, now: str | None) -> None:
    if then != now:
        raise another_task(run, "a prompt")


def another_task(run: Finished, what: str) -> RunError:
    """The sentence for a run whose questions cannot be put again."""
    return RunError(
        f"Since the run {run.path}, {what} changed, so that other replies would not show another model; restore what "
        "it was, or start a new run."
    )
