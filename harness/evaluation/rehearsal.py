"""What a run will send, worked out before anything is asked: another policy stands in for the model's.

Real prompts are rendered and measured. Without memory, at temperature 0, a state is asked once: the chance that it is
asked at all is known from the MDP (`of_states`). Otherwise episodes of training seeds are played (`of_episodes`), which
shows how a memory lengthens prompts and how many of them are equal.

Does not know what a token costs, nor how long replies are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.agents.memory import last
from harness.core.agent import Agent, Situation
from harness.core.environment import Action, Environment, Observation
from harness.core.episode import decided, settle
from harness.core.range import Range, around, known
from harness.core.seeds import TRAINING_SEEDS, stream
from harness.evaluation.prompts import Prompts
from harness.mdp.environment import TabularEnvironment
from harness.mdp.tabular import FloatArray

Z = 1.96
"""Standard normal quantile of intervals of 95 %."""

MOST_STATES = 2_000
"""States whose prompts are rendered; of more, so many are drawn."""

REHEARSED = 200
"""Episodes that are played, or some more; of a longer run they are taken for a sample."""


@dataclass(frozen=True)
class Sent:
    """First requests of a run. Lengths are in units of `Lengths`.

    Attributes
    ----------
    policy : str
        Whose decisions stand in for the model's.
    episodes : int or None
    decisions : Range
    calls : Range
        Requests; where several are equal and get one reply, one of them.
    from_cache : float
        How many more would be answered from the cache of replies.
    prompts : Range
        All prompts together.
    shared : Range
        What of them is the beginning of a prompt that was sent before, or equal to one.
    longest : float
        The longest prompt.
    rehearsed : int or None
        Episodes played to find this out; None where it is known from the MDP.
    """

    policy: str
    episodes: int | None
    decisions: Range
    calls: Range
    from_cache: float
    prompts: Range
    shared: Range
    longest: float
    rehearsed: int | None = None

    def times(self, n: int) -> Sent:
        """The same, every prompt asked `n` times."""
        again = self.prompts * (n - 1)
        return replace(self, calls=self.calls * n, prompts=self.prompts * n, shared=self.shared + again)


def of_states(
    env: TabularEnvironment[Any, Any],
    prompts: Prompts,
    chance: FloatArray,
    policy: str,
    *,
    episodes: int | None = None,
    decisions: float | None = None,
) -> Sent:
    """Requests where states are asked, none of them twice.

    Parameters
    ----------
    env : TabularEnvironment
    prompts : Prompts
        Without memory.
    chance : float array, shape (S,)
        That a state is asked at all.
    policy : str
        Whose decisions `chance` comes from.
    episodes, decisions : number, optional
        Of the rollout that the states belong to.
    """
    states, weight, once = np.flatnonzero(chance), 1.0, prompts.once
    if len(states) > MOST_STATES:
        drawn = stream(0, "states of a plan").choice(states, MOST_STATES, replace=False)
        weight, states, once = len(states) / MOST_STATES, np.sort(drawn), False
    alike: dict[object, list[int]] = {}
    for s in states:
        alike.setdefault(prompts.of_state(env, int(s)) if once else int(s), []).append(int(s))
    asked = np.array([1.0 - float(np.prod(1.0 - chance[group])) for group in alike.values()])
    measured = [prompts.alone(prompts.of_state(env, group[0])) for group in alike.values()]
    length, cached = np.array([m[0] for m in measured]), np.array([m[1] for m in measured], dtype=bool)
    p, of = asked[~cached], length[~cached]
    calls, total = weight * float(p.sum()), weight * float(p @ of)
    spread = Z * weight * math.sqrt(float((p * (1.0 - p)).sum()))
    unseen = Z * weight * float(of.std(ddof=1)) * math.sqrt(len(of)) if weight > 1.0 and len(of) > 1 else 0.0
    return Sent(
        policy=policy,
        episodes=episodes,
        decisions=known(float(chance.sum()) if decisions is None else decisions),
        calls=around(calls, spread),
        from_cache=weight * float(asked[cached].sum()),
        prompts=around(total, spread * total / calls + unseen if calls else 0.0),
        shared=around(max(calls - 1.0, 0.0) * prompts.static, spread * prompts.static),
        longest=float(of.max(initial=0.0)),
    )


@dataclass(frozen=True)
class _Decision:
    """One prompt of a rehearsal: what names it, how long it is, and how much of it was sent before."""

    name: int
    length: float
    shared: float
    kept: bool


async def of_episodes(env: Environment[Any, Any], prompts: Prompts, agent: Agent, n: int, policy: str) -> Sent:
    """Requests of a rollout of `n` episodes, from about `REHEARSED` that are played.

    Several runs of a few episodes are played, or a part of one of many. The intervals are for the sum over `n` new
    episodes, given the mean and the spread of those played.
    """
    runs = max(REHEARSED // n, 1)
    each_run = min(n, REHEARSED)
    played = [await _episode(env, agent, seed, prompts) for seed in TRAINING_SEEDS[: runs * each_run]]
    sums = []
    first: dict[int, _Decision] = {}
    met: dict[int, int] = {}
    for i, episode in enumerate(played):
        if i % each_run == 0:
            first, met = {}, {}
        asked = [d for d in episode if not (prompts.once and (d.kept or d.name in first))]
        if prompts.once:
            asked = list({d.name: d for d in asked}.values())
        sums.append([len(asked), sum(d.length for d in asked), sum(d.shared for d in asked)])
        for name, d in {d.name: d for d in episode}.items():
            first.setdefault(name, d)
            met[name] = met.get(name, 0) + 1
    calls, total, shared = (_sum(of_each, n) for of_each in np.array(sums, dtype=np.float64).T)
    if prompts.once and n > each_run:
        asked = [d for d in first.values() if not d.kept]
        rare = [d for d in asked if met[d.name] == 1]
        new = unmet(each_run, len(rare), sum(met[d.name] == 2 for d in asked), n - each_run)
        per = new / len(rare) if rare else 0.0  # those not met yet are taken to be as those met once
        calls = _between(len(asked), len(asked) + new, calls)
        total = _with_new([d.length for d in asked], [d.length for d in rare], per, total)
        shared = _with_new([d.shared for d in asked], [d.shared for d in rare], per, shared)
    return Sent(
        policy=policy,
        episodes=n,
        decisions=_sum(np.array([float(len(e)) for e in played]), n),
        calls=calls,
        from_cache=sum(d.kept for e in played for d in e) * n / len(played),
        prompts=total,
        shared=shared,
        longest=max(d.length for e in played for d in e),
        rehearsed=len(played),
    )


def _sum(each: FloatArray, n: int) -> Range:
    """The sum over `n` new episodes, from what each of those played had; the interval is symmetric in its logarithm."""
    mean = float(each.mean())
    if mean <= 0.0:
        return known(0.0)
    spread = float(each.std(ddof=1)) if len(each) > 1 else mean
    factor = math.exp(Z * spread * math.sqrt(1.0 / n + 1.0 / len(each)) / mean)
    return Range(n * mean / factor, n * mean, n * mean * factor)


def unmet(played: int, in_one: int, in_two: int, more: int) -> float:
    """How many new prompts so many more episodes are expected to meet.

    Parameters
    ----------
    played : int
        Episodes so far.
    in_one, in_two : int
        Prompts that were met in exactly one of them, and in exactly two.
    more : int

    Notes
    -----
    Extrapolation of a species-accumulation curve from incidences (Colwell et al., J Plant Ecol 2012;5:3, equation 18),
    with Chao's estimate of how many were never met (Biometrics 1987;43:783), bias-corrected where none was met twice.
    """
    if not in_one:
        return 0.0
    never = in_one**2 / (2.0 * in_two) if in_two else in_one * (in_one - 1) / 2.0
    never = max(never * (played - 1) / played, 1.0)
    return never * (1.0 - (1.0 - in_one / (played * never + in_one)) ** more)


def _with_new(asked: Sequence[float], rare: Sequence[float], per: float, most: Range) -> Range:
    return _between(sum(asked), sum(asked) + per * sum(rare), most)


def _between(met: float, usual: float, most: Range) -> Range:
    """With the spread of episodes, from no less than was met to what there were if no prompt came again more often."""
    low = max(met, usual * most.low / most.usual) if most.usual else met
    return Range(min(low, usual), usual, max(most.high, usual))


async def _episode(env: Environment[Any, Any], agent: Agent, seed: int, prompts: Prompts) -> list[_Decision]:
    script = prompts.script
    observation: Observation = env.reset(seed)
    history: list[tuple[Observation, Action]] = []
    turns: list[tuple[int, float]] = []
    found: list[_Decision] = []
    while True:
        patient = script.patient(observation).content
        alone, kept = prompts.alone(patient)
        remembered = last(turns, script.memory)
        grows = script.memory is None and bool(found)  # the last prompt is then the beginning of this one
        found.append(
            _Decision(
                name=hash((patient, tuple(name for name, _ in remembered))),
                length=alone + sum(length for _, length in remembered),
                shared=found[-1].length if grows else prompts.static,
                kept=kept and not remembered,
            )
        )
        situation = Situation(env.why_illegal, seed=seed, step=len(history), history=tuple(history))
        action, _ = settle(env, await decided(agent, observation, situation))
        if script.memory != 0:
            reply = script.replied(action)
            turns.append((hash((patient, reply.content)), prompts.turn(patient, reply)))
        history.append((observation, action))
        transition = env.step(action)
        observation = transition.observation
        if transition.terminated or transition.truncated:
            return found
