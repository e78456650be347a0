"""One run from its configuration to its summary: the method and the files.

Does not parse a command line and prints nothing.
"""

from __future__ import annotations

import itertools
import math
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from harness.core.agent import Outcome, Request
from harness.core.errors import BudgetSpent, RunError
from harness.core.run import (
    DECISIONS,
    MANIFEST,
    SO_FAR,
    SUMMARY,
    TRACE,
    Clock,
    RunFolder,
    read_manifest,
    read_summary,
)
from harness.core.seeds import evaluation_seeds
from harness.core.trace import End, Episode, read_lines, stream_episodes
from harness.envs import registry as envs
from harness.envs.ids import short_name
from harness.evaluation.asking import AskedAgent, Asker, StateDecision, read_decisions
from harness.evaluation.audit import audit
from harness.evaluation.cast import Cast, build, check
from harness.evaluation.config import Method, RunConfig
from harness.evaluation.intervals import clustered_share, of_mean, of_returns, within
from harness.evaluation.manifest import manifest_of, require_unchanged
from harness.evaluation.references import reference_values
from harness.evaluation.rollout import Estimator, Listener, looks, planned_episodes, play_episodes, scale_of
from harness.evaluation.sampled import sampled_value
from harness.evaluation.summary import Audit, Summary, WorstDecision, count_calls
from harness.evaluation.tabular import (
    EXACT_WIDTH,
    ROUNDING,
    Progress,
    Watch,
    ask_everything,
    ask_until,
    bounds_from,
    costliest,
    length_bounds,
    with_all_answers,
)
from harness.llm.budget import Limits, cost_of
from harness.mdp.certify import completion
from harness.mdp.environment import TabularEnvironment
from harness.mdp.evaluate import evaluate
from harness.mdp.tabular import FloatArray, IntArray

WORST_KEPT = 20
"""How many of the costliest decisions the summary lists."""

SHORTEST = 1.0
"""Every episode has at least one decision, whatever an interval says."""

UNKNOWN_SPREAD = 0.5
"""Standard deviation taken for returns of which nothing is known, to plan a sequential interval: that of a coin."""


# --------------------------------------------------------------------------- entrances


async def run(
    config: RunConfig,
    out: Path,
    watch: Watch,
    listen: Listener | None = None,
    began: Callable[[Path], None] = lambda path: None,
    limits: Limits | None = None,
    at_once: Listener | None = None,
) -> Summary:
    """Carry out a new run in a new folder below `out`; `began` is told which, once it can be resumed.

    `listen` is told the events of a whole episode when it has ended, `at_once` each event of a rollout as it happens.
    Where a limit is reached the summary says what is known by then, and why it `stopped`.

    Raises
    ------
    UsageError
        If the configuration names something that does not exist or does not fit; nothing is written then.
    HarnessError
        If the run had to stop; its folder then holds what was done.
    """
    run_id = uuid.uuid4().hex
    env = check(config)
    title = f"{short_name(config.env)}-{config.model or config.model_id or config.agent}".replace("/", "-")
    path = [out]
    cast = build(config, env, run_id, lambda: path[0], limits=limits)
    with RunFolder.create(out, title) as folder:
        path[0] = folder.path
        folder.write_json(MANIFEST, manifest_of(config, run_id, cast))
        began(folder.path)
        return await _carry_out(config, run_id, cast, folder, Clock(), watch, listen, at_once)


async def resume(
    path: Path,
    watch: Watch,
    listen: Listener | None = None,
    began: Callable[[Path], None] = lambda path: None,
    limits: Limits | None = None,
    at_once: Listener | None = None,
) -> Summary:
    """Go on with an interrupted run; of a finished one, the summary as it stands.

    Raises
    ------
    RunError
        If `path` is no run, or what it was made with has changed since.
    """
    manifest = read_manifest(path)
    finished = read_summary(path)
    if finished is not None:
        return Summary.model_validate(finished)
    try:
        config = RunConfig.model_validate(manifest["config"])
        run_id = str(manifest["run_id"])
    except (KeyError, ValidationError) as error:
        raise RunError(f"The manifest of {path} is not of this version of the harness: {error}.") from None
    env = check(config)
    with RunFolder.resume(path) as folder:
        cast = build(config, env, run_id, lambda: path, limits=limits, before=_made(path, run_id))
        require_unchanged(path, manifest, manifest_of(config, run_id, cast))
        began(path)
        return await _carry_out(config, run_id, cast, folder, Clock(_elapsed(path)), watch, listen, at_once)


# --------------------------------------------------------------------------- the run


async def _carry_out(
    config: RunConfig,
    run_id: str,
    cast: Cast,
    folder: RunFolder,
    clock: Clock,
    watch: Watch,
    listen: Listener | None,
    at_once: Listener | None,
) -> Summary:
    try:
        if config.method is Method.ROLLOUT:
            summary = await _rollout(config, run_id, cast, folder, clock, watch, listen, at_once)
        else:
            summary = await _without_sampling(config, run_id, cast, folder, clock, watch, listen)
    finally:
        await cast.agent.close()
    folder.write_json(SUMMARY if summary.stopped is None else SO_FAR, summary)
    return summary


def _made(path: Path, run_id: str) -> list[Request]:
    """The requests that a run has put to the server so far."""
    found = [request for line in read_decisions(path) for request in line.requests]
    for episode in stream_episodes(path / TRACE):
        for step in episode.steps:
            found += [Request.model_validate(r) for r in step.decision.get("requests", ())]
    return list({request.key: request for request in found if request.run == run_id}.values())


async def _without_sampling(
    config: RunConfig,
    run_id: str,
    cast: Cast,
    folder: RunFolder,
    clock: Clock,
    watch: Watch,
    listen: Listener | None,
) -> Summary:
    env = cast.env
    assert isinstance(env, TabularEnvironment)  # noqa: S101 - checked with a sentence in `check`
    shown: list[Progress] = [Progress(0, 0, "states")]

    def remember(progress: Progress) -> None:
        shown[0] = progress
        watch(progress)

    def answered(n: int) -> None:
        last = shown[0]
        watch(Progress(n, max(n, last.total), last.unit, last.lower, last.upper))

    asker = Asker(env, cast.agent, folder, clock, config.concurrency, answered, config.samples)
    examples = evaluation_seeds(config.seed_start, config.episodes) if config.episodes else range(0)
    stopped = None
    try:
        if config.method is Method.EXACT:
            bounds = await ask_everything(env, asker, remember)
        else:
            bounds = await ask_until(env, asker, config.epsilon, config.concurrency, remember)
        await play_episodes(
            lambda: envs.make(config.env, **config.env_options),
            AskedAgent(env, asker, cast.agent),
            examples,
            folder,
            clock=clock,
            concurrency=1,
            watch=lambda progress: watch(replace(progress, unit="example episodes")),
            listen=listen,
        )
        bounds = await with_all_answers(env.mdp, bounds, asker)
    except BudgetSpent as spent:
        stopped = str(spent)
        bounds = bounds_from(env, list(asker.answers.values()))
    audited = await _audit(config, run_id, cast, folder, asker) if config.audit and stopped is None else None
    lower: float | None
    upper: float | None
    lower, upper = bounds.lower.J, bounds.upper.J
    served = sorted({line.model for line in asker.answers.values() if line.model})
    settled = bounds.width <= EXACT_WIDTH * env.span
    caveats = []
    if len(served) > 1:
        caveats.append(f"{len(served)} models answered ({', '.join(served)}): the replies are no policy of either")
    if audited is not None and audited.flipped:
        caveats.append("asked again, the model decided some states differently: the replies are no policy")
    exact = settled and not caveats
    value = (lower + upper) / 2
    interval = "none" if settled else "certain"
    if settled:
        lower = upper = value
    if config.samples > 1:
        drawn = within(sampled_value(env.mdp, _drawn(env, asker)), env.worst.J, env.optimum.J)
        value, exact, interval = drawn.value, False, drawn.interval
        lower, upper = _finite(drawn.lower), _finite(drawn.upper)
    shortest, longest = length_bounds(env.mdp, bounds)
    lines = [asker.answers[s] for s in sorted(asker.answers)]
    optimal = env.optimum.J
    labelled = any(line.label_mass is not None for line in lines)
    visits = evaluate(env.mdp, completion(env.mdp, bounds)).occupancy
    return Summary(
        **_about(config, cast, folder.path),
        **_references(env),
        **_spending(cast, (r for line in lines for r in line.requests), run_id),
        served_models=served,
        exact=exact,
        interval=interval,
        value=value,
        lower=lower,
        upper=upper,
        samples=config.samples,
        from_logprobs=config.from_logprobs,
        label_mass_mean=_share(visits, lines, [line.label_mass or 0.0 for line in lines]) if labelled else None,
        label_mass_least=min(line.label_mass or 0.0 for line in lines) if labelled else None,
        label_unseen_most=max(line.label_unseen or 0.0 for line in lines) if labelled else None,
        caveats=caveats,
        stopped=stopped,
        failures=_failures(line.failure for line in lines),
        regret=max(optimal - value, 0.0),
        regret_lower=None if upper is None else max(optimal - upper, 0.0),
        regret_upper=None if lower is None else max(optimal - lower, 0.0),
        length_lower=_finite(shortest),
        length_upper=_finite(longest),
        episodes=0,
        example_episodes=len(examples) if stopped is None else 0,
        decisions=len(lines),
        states=len(env.mdp.decision_states),
        invalid_actions=sum(line.outcome is Outcome.INVALID for line in lines),
        repaired_actions=sum(line.outcome is Outcome.REPAIRED for line in lines),
        invalid_share=_share(visits, lines, [_invalid(line) for line in lines]),
        vetoes=sum(line.veto_share > 0 for line in lines),
        veto_share=_share(visits, lines, [line.veto_share for line in lines]) if config.shield else None,
        inadmissible_share=_share(visits, lines, [max(1.0 - line.admissible, 0.0) for line in lines]),
        inadmissible_share_of_states=1.0 - float(np.mean([line.admissible for line in lines])) if lines else None,
        audit=audited,
        wall_seconds=clock.elapsed(),
        worst_decisions=[
            WorstDecision(
                state=c.state,
                description=env.describe(c.state),
                chosen=_chosen(env, asker.answers[c.state]),
                best=env.action_labels[env.optimum.actions[c.state]],
                regret=c.regret,
                visits=c.visits,
                cost=c.cost,
            )
            for c in costliest(env, bounds)[:WORST_KEPT]
        ],
    )


def _invalid(line: StateDecision) -> float:
    return line.invalid_samples / len(line.drawn) if line.drawn else float(line.outcome is Outcome.INVALID)


def _drawn(env: TabularEnvironment[Any, Any], asker: Asker) -> IntArray:
    """Every action drawn, shape (S, samples)."""
    found = np.zeros((env.mdp.n_states, max(len(line.drawn or ()) for line in asker.answers.values())), dtype=np.int64)
    for state, line in asker.answers.items():
        found[state] = line.drawn or ()
    return found


def _share(visits: FloatArray, lines: Sequence[StateDecision], of: Sequence[float]) -> float | None:
    """The mean of `of` over the asked states, by how often they are visited; None where none ever is."""
    weights = visits[np.array([line.state for line in lines], dtype=np.int64)]
    return float(weights @ np.asarray(of, dtype=np.float64) / weights.sum()) if weights.sum() > 0 else None


async def _audit(config: RunConfig, run_id: str, cast: Cast, folder: RunFolder, asker: Asker) -> Audit:
    await cast.agent.close()  # an embedded model would otherwise run twice
    again = build(config.model_copy(update={"cache": False}), cast.env, run_id, lambda: folder.path)
    assert isinstance(cast.env, TabularEnvironment)  # noqa: S101 - checked with a sentence in `check`
    try:
        return await audit(cast.env, again.agent, asker.answers, config.audit, config.seed_start, config.concurrency)
    finally:
        await again.agent.close()


def _chosen(env: TabularEnvironment[Any, Any], line: StateDecision) -> str:
    label = env.choice_label(line.row(env.mdp.n_actions))
    return f"{label} (no legal action)" if line.outcome is Outcome.INVALID else label


async def _rollout(
    config: RunConfig,
    run_id: str,
    cast: Cast,
    folder: RunFolder,
    clock: Clock,
    watch: Watch,
    listen: Listener | None,
    at_once: Listener | None,
) -> Summary:
    env = cast.env
    seeds = evaluation_seeds(config.seed_start, config.episodes)
    tabular = env if isinstance(env, TabularEnvironment) else None
    estimator = _estimator(config, tabular)
    stopped = None
    try:
        ends = await play_episodes(
            lambda: envs.make(config.env, **config.env_options),
            cast.agent,
            seeds,
            folder,
            clock=clock,
            concurrency=config.concurrency,
            watch=watch,
            listen=listen,
            at_once=at_once,
            estimator=estimator,
            until=config.until,
        )
    except BudgetSpent as spent:
        stopped = str(spent)
        ends = _first_complete(folder.path)
        if not ends:
            raise
    found = estimator.value(ends)
    estimate, raw = found.estimate, found.raw
    lower, upper = _finite(estimate.lower), _finite(estimate.upper)
    optimal = tabular.optimum.J if tabular else None
    requests: list[Request] = []
    served: set[str] = set()
    repaired = 0
    why: list[str] = []
    vetoes = [0] * len(ends)
    costs = Costs(tabular) if tabular else None
    for episode in stream_episodes(folder.path / TRACE):
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
    if truncated:
        optimal = None  # the optimum is that of episodes without a limit, which were not played
    decisions = sum(end.steps for end in ends)
    lengths = [end.steps for end in ends]
    stay, score = of_mean(lengths), of_returns([end.grade.score for end in ends])
    invalid = clustered_share([end.invalid for end in ends], lengths)
    inadmissible = clustered_share([end.inadmissible for end in ends], lengths)
    vetoed = clustered_share(vetoes, lengths) if config.shield else None
    return Summary(
        **_about(config, cast, folder.path),
        **(_references(tabular) if tabular else _no_references()),
        **_spending(cast, requests, run_id),
        served_models=sorted(served),
        stopped=stopped,
        failures=_failures(why),
        exact=False,
        estimator=found.estimator,
        interval=estimate.interval,
        value=estimate.value,
        lower=lower,
        upper=upper,
        raw_value=raw.value,
        raw_lower=_finite(raw.lower),
        raw_upper=_finite(raw.upper),
        until=config.until,
        regret=None if optimal is None else optimal - estimate.value,
        regret_lower=None if optimal is None or upper is None else optimal - upper,
        regret_upper=None if optimal is None or lower is None else optimal - lower,
        length_lower=None if math.isnan(stay.lower) else max(stay.lower, SHORTEST),
        length_upper=_finite(stay.upper),
        mean_score=score.value,
        mean_score_lower=_finite(score.lower),
        mean_score_upper=_finite(score.upper),
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
        wall_seconds=clock.elapsed(),
        worst_decisions=costs.worst(len(ends)) if costs else [],
    )


def _estimator(config: RunConfig, env: TabularEnvironment[Any, Any] | None) -> Estimator:
    scale = scale_of(env) if env is not None else None
    if config.until is None:
        return Estimator(scale, config.interval)
    spread = scale.spread if scale is not None else UNKNOWN_SPREAD
    planned = planned_episodes(spread, config.until, config.episodes)
    return Estimator(scale, config.interval, planned, len(looks(config.episodes)))


def _first_complete(path: Path) -> list[End]:
    """The episodes from the first one on as far as all were played, so that short ones are not preferred."""
    done = {e.end.episode: e.end for e in stream_episodes(path / TRACE)}
    return [done[n] for n in itertools.takewhile(done.__contains__, itertools.count())]


def _failures(found: Iterable[Any]) -> dict[str, int]:
    """How often replies could not be used, by why."""
    return dict(Counter(str(failure) for failure in found if failure))


def _spending(cast: Cast, requests: Iterable[Request], run_id: str) -> dict[str, Any]:
    """Calls, tokens and money of the run's own requests."""
    calls = count_calls(requests, run_id)
    money = None
    if cast.model is not None:
        money = cost_of(cast.model.entry, calls.prompt_tokens, calls.cached_tokens, calls.completion_tokens)
    return calls.model_dump() | {"cost_usd": money}


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


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _about(config: RunConfig, cast: Cast, path: Path) -> dict[str, Any]:
    spec = cast.env.spec
    return {
        "env": spec.id,
        "env_version": spec.version,
        "env_options": config.env_options,
        "agent": cast.agent.id,
        "model": cast.model.entry.alias if cast.model else None,
        "embedded": cast.model.entry.weights is not None if cast.model else None,
        "model_title": cast.model.title if cast.model else None,
        "prompt": cast.model.prompt.label if cast.model else None,
        "shots": cast.model.shots if cast.model else 0,
        "shots_from": cast.model.shots_from if cast.model else None,
        "temperature": config.temperature if cast.model else None,
        "vote": config.vote,
        "memory": config.memory if cast.model else None,
        "taught": config.teach,
        "method": config.method,
        "shield": list(config.shield),
        "shield_mode": config.shield_mode if config.shield else None,
        "value_name": spec.value_name,
        "regret_kind": cast.env.reference.kind if cast.env.reference else None,
        "hours_per_step": spec.hours_per_step,
        "run_dir": str(path),
    }


def _references(env: TabularEnvironment[Any, Any]) -> dict[str, Any]:
    found = reference_values(env)
    return {
        "references": found,
        **{f"{name}_value": found[name].value if name in found else None for name in ("optimal", "expert", "random")},
    }


def _no_references() -> dict[str, Any]:
    return {"references": {}, "optimal_value": None, "expert_value": None, "random_value": None}


def _elapsed(path: Path) -> float:
    """Working seconds of an interrupted run, as far as it wrote them down."""
    lines = (line for name in (DECISIONS, TRACE) for line in read_lines(path / name))
    return max((float(line.get("elapsed_s") or 0.0) for line in lines), default=0.0)
