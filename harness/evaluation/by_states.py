"""A run that asks states: the methods `exact` and `certify`, and the summary of what they found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from harness.core.agent import Outcome
from harness.core.errors import BudgetSpent
from harness.core.seeds import evaluation_seeds
from harness.envs import registry as envs
from harness.evaluation import about
from harness.evaluation.asking import AskedAgent, Asker
from harness.evaluation.audit import audit
from harness.evaluation.cast import build
from harness.evaluation.config import Method
from harness.evaluation.intervals import Estimate, within
from harness.evaluation.job import Job
from harness.evaluation.rollout import play_episodes
from harness.evaluation.sampled import sampled_value
from harness.evaluation.state_decision import StateDecision, costliest_draw
from harness.evaluation.summary import Audit, Summary, WorstDecision
from harness.evaluation.tabular import (
    EXACT_WIDTH,
    WORST_KEPT,
    Progress,
    ask_everything,
    ask_until,
    bounds_from,
    costliest,
    length_bounds,
    with_all_answers,
)
from harness.mdp.certify import Bounds, completion
from harness.mdp.environment import TabularEnvironment
from harness.mdp.evaluate import evaluate
from harness.mdp.tabular import FloatArray, IntArray


async def asked(job: Job) -> Summary:
    """Ask as many states as the method takes, play the example episodes, and say what was found."""
    env = job.cast.env
    assert isinstance(env, TabularEnvironment)  # noqa: S101 - checked with a sentence in `check`
    asker, bounds, stopped = await _answers(job, env)
    audited = await _audit(job, env, asker) if job.config.audit and stopped is None else None
    return _summary(job, env, asker, bounds, stopped, audited)


async def _answers(job: Job, env: TabularEnvironment[Any, Any]) -> tuple[Asker, Bounds, str | None]:
    """What the agent answered, the bounds that follow, and the limit that stopped it, if one did."""
    config, agent, watch = job.config, job.cast.agent, job.observers.watch
    shown: list[Progress] = [Progress(0, 0, "states")]

    def remember(progress: Progress) -> None:
        shown[0] = progress
        watch(progress)

    def answered(n: int) -> None:
        last = shown[0]
        watch(Progress(n, max(n, last.total), last.unit, last.lower, last.upper))

    asker = Asker(env, agent, job.folder, job.clock, config.concurrency, answered, config.samples)
    try:
        if config.method is Method.EXACT:
            bounds = await ask_everything(env, asker, remember)
        else:
            bounds = await ask_until(env, asker, config.epsilon, config.concurrency, remember, config.ask_first)
        await play_episodes(
            lambda: envs.make(config.env, **config.env_options),
            AskedAgent(env, asker, agent),
            evaluation_seeds(config.seed_start, config.episodes) if config.episodes else range(0),
            job.folder,
            clock=job.clock,
            concurrency=1,
            watch=lambda progress: watch(replace(progress, unit="example episodes")),
            listen=job.observers.listen,
        )
        return asker, await with_all_answers(env.mdp, bounds, asker), None
    except BudgetSpent as spent:
        if config.samples > 1 and not math.isfinite(env.lowest):
            raise  # nothing bounds a policy of which some states were not drawn from
        return asker, bounds_from(env, list(asker.answers.values())), str(spent)


def _summary(
    job: Job,
    env: TabularEnvironment[Any, Any],
    asker: Asker,
    bounds: Bounds,
    stopped: str | None,
    audited: Audit | None,
) -> Summary:
    config = job.config
    lines = [asker.answers[s] for s in sorted(asker.answers)]
    served = sorted({line.model for line in lines if line.model})
    caveats = []
    if len(served) > 1:
        caveats.append(f"{len(served)} models answered ({', '.join(served)}): the replies are no policy of either")
    if audited is not None and audited.flipped:
        caveats.append("asked again, the model decided some states differently: the replies are no policy")
    found = _value(env, asker, bounds, config.samples, stopped=stopped is not None)
    lower, upper = about.finite(found.lower), about.finite(found.upper)
    shortest, longest = length_bounds(env.mdp, bounds)
    optimal = env.optimum.J
    labelled = any(line.label_mass is not None for line in lines)
    visits = evaluate(env.mdp, completion(env.mdp, bounds)).occupancy
    return Summary(
        **about.who(job),
        **about.references(env),
        **about.spending(job, (r for line in lines for r in line.requests)),
        served_models=served,
        exact=found.interval == "none" and not caveats,
        interval=found.interval,
        value=found.value,
        lower=lower,
        upper=upper,
        samples=config.samples,
        from_logprobs=config.from_logprobs,
        label_mass_mean=_share(visits, lines, [line.label_mass or 0.0 for line in lines]) if labelled else None,
        label_mass_least=min(line.label_mass or 0.0 for line in lines) if labelled else None,
        label_unseen_most=max(line.label_unseen or 0.0 for line in lines) if labelled else None,
        caveats=caveats,
        stopped=stopped,
        failures=about.failures(line.failure for line in lines),
        regret=max(optimal - found.value, 0.0),
        regret_lower=None if upper is None else max(optimal - upper, 0.0),
        regret_upper=None if lower is None else max(optimal - lower, 0.0),
        length_lower=about.finite(shortest),
        length_upper=about.finite(longest),
        episodes=0,
        example_episodes=config.episodes if stopped is None else 0,
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
        wall_seconds=job.clock.elapsed(),
        worst_decisions=[
            WorstDecision(
                state=c.state,
                description=env.describe(c.state),
                chosen=costliest_draw(env, asker.answers[c.state]),
                best=env.action_labels[env.optimum.actions[c.state]],
                regret=c.regret,
                visits=c.visits,
                cost=c.cost,
            )
            for c in costliest(env, bounds)[:WORST_KEPT]
        ],
    )


def _value(env: TabularEnvironment[Any, Any], asker: Asker, bounds: Bounds, samples: int, *, stopped: bool) -> Estimate:
    """The policy's value with its bounds; `interval` is 'none' where they are one number."""
    lower, upper = bounds.lower.J, bounds.upper.J
    if samples == 1:
        if bounds.width <= EXACT_WIDTH * env.span:
            lower = upper = (lower + upper) / 2
        return Estimate((lower + upper) / 2, lower, upper, 0, "none" if lower == upper else "certain")
    if stopped:  # a few replies a state bound no probability, and of other states nothing is known
        best = env.optimum.J
        return Estimate((env.lowest + best) / 2, env.lowest, best, 0, "certain")
    return within(sampled_value(env.mdp, _drawn(env, asker)), env.lowest, env.optimum.J)


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


async def _audit(job: Job, env: TabularEnvironment[Any, Any], asker: Asker) -> Audit:
    config = job.config
    await job.cast.agent.close()  # an embedded model would otherwise run twice
    again = build(config.model_copy(update={"cache": False}), env, job.run_id, lambda: job.folder.path)
    try:
        return await audit(env, again.agent, asker.answers, config.audit, config.seed_start, config.concurrency)
    finally:
        await again.agent.close()
