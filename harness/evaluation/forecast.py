"""What a run of a model will take before it starts: calls, tokens, money, time, each with its range.

Ranges span the policies that stand in for the model's, the chance of episodes, and what is not known of tokens. They
are no bounds: a model may decide like none of these policies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.agents.script import Script
from harness.core.agent import Message
from harness.core.environment import Environment
from harness.core.errors import UsageError
from harness.core.range import Range, known, spanning
from harness.evaluation import plan
from harness.evaluation.config import Method, RunConfig
from harness.evaluation.prompts import Prompts
from harness.evaluation.rehearsal import Sent, of_episodes, of_states
from harness.evaluation.stand_ins import StandIn, players
from harness.llm.budget import cost_of
from harness.llm.registry import ModelEntry
from harness.mdp.environment import TabularEnvironment
from harness.mdp.tabular import FloatArray

EXAMPLES = 3
"""Episodes that a certified run plays for its trace, if nothing else is said."""

SOME_ERROR = "the reply holds no values for what it was asked for"
"""As long as what is usually wrong with a reply."""


@dataclass(frozen=True)
class Way:
    """One way to find a policy's value: `episodes` at most, or as many as `width` or `until` take."""

    method: Method
    width: float | None = None
    until: float | None = None
    episodes: int | None = None

    @property
    def label(self) -> str:
        """As it stands in tables."""
        if self.until is not None:
            return f"rollout --until {self.until:g}"
        if self.width is not None and self.method is not Method.EXACT:
            return f"{self.method}, {self.width:g} wide"
        return str(self.method)


@dataclass(frozen=True)
class Terms:
    """What is known or assumed of the model.

    Attributes
    ----------
    entry : ModelEntry
        With its prices.
    prompts : Prompts
    completion : Range or None
        Tokens of a reply; None where they are not known.
    repairs : Range
        Second requests for every first one.
    cached_share : float
        What the server read of recorded prompts from its own cache.
    seconds : Range or None
        Between two replies, at the run's concurrency.
    """

    entry: ModelEntry
    prompts: Prompts
    completion: Range | None
    repairs: Range
    cached_share: float = 0.0
    seconds: Range | None = None


@dataclass(frozen=True)
class Forecast:
    """What one way takes. Tokens and USD are totals of the run.

    Attributes
    ----------
    way : str
    policies : tuple of str
        Which stand in for the model's; usual figures are the first one's.
    rehearsed : int or None
        Episodes that were played to find this out; None where it is known from the MDP.
    episodes : Range or None
    decisions : Range
    calls : Range
        Requests, repairs with them.
    from_cache : float
        Requests that need none, because the reply is in the cache.
    prompt_tokens : Range
    shared_tokens : Range
        Of them, those that a server could read from its own cache: the beginning of a prompt sent before.
    longest_prompt : Range
        Tokens of the longest one.
    completion_tokens : Range or None
    cost : Range or None
        USD; None without a price, or where replies are not known.
    prompt_cost : Range or None
        USD of prompts alone.
    cost_per_reply_token : Range or None
        USD for every token that a reply has on average.
    seconds : Range or None
    """

    way: str
    policies: tuple[str, ...]
    rehearsed: int | None
    episodes: Range | None
    decisions: Range
    calls: Range
    from_cache: float
    prompt_tokens: Range
    shared_tokens: Range
    longest_prompt: Range
    completion_tokens: Range | None
    cost: Range | None
    prompt_cost: Range | None
    cost_per_reply_token: Range | None
    seconds: Range | None


def ways(
    config: RunConfig,
    env: Environment[Any, Any],
    method: Method | None,
    *,
    width: float,
    until: float | None,
    episodes: int | None,
) -> list[Way]:
    """The ways that fit what is asked, or the one that was named.

    Raises
    ------
    UsageError
        If the width is none, or episodes are needed and not given.
    """
    plan.check_width(width)
    tabular = isinstance(env, TabularEnvironment)
    if not tabular and episodes is None:
        raise UsageError(
            f"{env.spec.id} is not tabular: how many episodes a width takes is not known; give --episodes."
        )
    fixed = tabular and config.memory == "none" and (not config.temperature or config.samples > 1)
    found = []
    if method is Method.EXACT or (method is None and fixed):
        found.append(Way(Method.EXACT))
    if method is Method.CERTIFY or (method is None and fixed and config.samples == 1):
        found.append(Way(Method.CERTIFY, width=width))
    if method is Method.ROLLOUT or (method is None and config.samples == 1):
        if until is None or episodes is not None:
            found.append(Way(Method.ROLLOUT, width=None if episodes else width, episodes=episodes))
        if tabular and (until is not None or episodes is None):
            found.append(Way(Method.ROLLOUT, until=width / 2 if until is None else until, episodes=episodes))
    return found


async def forecast(
    config: RunConfig, env: Environment[Any, Any], who: Sequence[StandIn], way: Way, terms: Terms
) -> Forecast:
    """What one way takes, with the policies of `stand_ins`.

    Raises
    ------
    UsageError
        If no policy that could stand in ever ends.
    """
    prompts = terms.prompts
    if way.method is Method.EXACT:
        sent = [of_states(p.env, prompts, (~p.env.mdp.terminal).astype(float), p.name) for p in who[:1]]
    elif way.method is Method.CERTIFY:
        sent = [of_states(p.env, prompts, _certified(p, way.width or 0.0), p.name) for p in who]
    elif who:
        sent = [s for p in who if (s := await _played(p, way, prompts)) is not None]
    else:
        sent = [await of_episodes(env, prompts, agent, way.episodes or 0, name) for name, agent in players(env)]
    if not sent:
        raise UsageError(f"No policy tried in {env.spec.id} is sure to end; say how many --episodes are played.")
    return _together(way, [s.times(config.samples * config.vote) for s in sent], terms)


def _certified(who: StandIn, width: float) -> FloatArray:
    """How likely each state is asked: by the method, or in the examples that are played for the trace."""
    asked = plan.certified(who.env, who.table, width).astype(float)
    return asked if who.meets is None else 1.0 - (1.0 - asked) * (1.0 - plan.within(who.meets, EXAMPLES))


def _episodes(who: StandIn, way: Way) -> int | None:
    """How many a rollout takes; None where nobody can say."""
    if way.until is None and way.episodes is not None:
        return way.episodes
    if who.value is None:
        return None
    if way.until is None:
        return plan.once(who.loss_deviation, (way.width or 0.0) / 2)
    return min(plan.anytime(who.loss_deviation, way.until), way.episodes or plan.MOST_EPISODES)


async def _played(who: StandIn, way: Way, prompts: Prompts) -> Sent | None:
    """Requests of a rollout; None where nobody can say how many episodes it takes."""
    n = _episodes(who, way)
    if n is None:
        return None
    if prompts.once and prompts.script.memory == 0 and who.meets is not None and who.value is not None:
        chance, decisions = plan.within(who.meets, n), n * plan.mean_length(who.env, who.value)
        return of_states(who.env, prompts, chance, who.name, episodes=n, decisions=decisions)
    return await of_episodes(who.env, prompts, who.agent, n, who.name)


def _together(way: Way, sent: list[Sent], terms: Terms) -> Forecast:
    """From requests to what they take."""
    script, lengths, rate = terms.prompts.script, terms.prompts.lengths, terms.repairs
    calls = spanning([s.calls for s in sent])
    prompts = spanning([s.prompts for s in sent])
    shared = spanning([s.shared for s in sent])
    longest = max(s.longest for s in sent)
    if rate.high:
        first = (script.system, Message(role="user", content=""))
        longer = lengths.prompt(script.repair(first, _reply(script), SOME_ERROR)) - lengths.prompt(first)
        prompts, shared = prompts + (prompts + calls * longer) * rate, shared + prompts * rate
        calls, longest = calls + calls * rate, longest + longer
    prompt_tokens, shared_tokens = prompts * lengths.tokens, shared * lengths.tokens
    completion_tokens = None if terms.completion is None else calls * terms.completion
    price = terms.entry.price_completion
    return Forecast(
        way=way.label,
        policies=tuple(s.policy for s in sent),
        rehearsed=sent[0].rehearsed,
        episodes=None if sent[0].episodes is None else spanning([known(s.episodes or 0) for s in sent]),
        decisions=spanning([s.decisions for s in sent]),
        calls=calls,
        from_cache=sent[0].from_cache,
        prompt_tokens=prompt_tokens,
        shared_tokens=shared_tokens,
        longest_prompt=lengths.tokens * longest,
        completion_tokens=completion_tokens,
        cost=None if completion_tokens is None else _cost(terms, prompt_tokens, shared_tokens, completion_tokens),
        prompt_cost=_cost(terms, prompt_tokens, shared_tokens, known(0)),
        cost_per_reply_token=None if price is None else calls * (price / 1e6),
        seconds=None if terms.seconds is None else calls * terms.seconds,
    )


def _reply(script: Script) -> str:
    """A reply as long as one that cannot be used."""
    return script.contract.instruction().splitlines()[-1][:80]


def _cost(terms: Terms, prompts: Range, shared: Range, completions: Range) -> Range | None:
    """USD: at least if all that is shared was read from the server's cache, at most if nothing was."""

    def usd(prompt: float, cached: float, completion: float) -> float | None:
        return cost_of(terms.entry, round(prompt), round(min(cached, prompt)), round(completion))

    low = usd(prompts.low, shared.low, completions.low)
    usual = usd(prompts.usual, terms.cached_share * prompts.usual, completions.usual)
    high = usd(prompts.high, 0.0, completions.high)
    return None if low is None or usual is None or high is None else Range(min(low, usual), usual, high)
