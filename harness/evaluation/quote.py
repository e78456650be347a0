"""What a run of a model will take, with the grounds for every figure: from configuration to forecasts and sentences.

Asks no model for a decision and writes nothing; an embedded model's server is started to count tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from harness.agents.script import Script
from harness.core.environment import Environment
from harness.core.errors import ModelServerError, UsageError
from harness.core.range import Range, known
from harness.evaluation.cast import check, entry_of, script_of
from harness.evaluation.config import Method, RunConfig
from harness.evaluation.forecast import Forecast, Terms, Way, forecast, ways
from harness.evaluation.intervals import wilson
from harness.evaluation.pace import seconds_per_call
from harness.evaluation.prompts import Prompts
from harness.evaluation.stand_ins import stand_ins
from harness.llm.budget import cost_of
from harness.llm.cache import ReplyCache, default_path
from harness.llm.lengths import ENOUGH, Lengths, by_characters, completion, counted
from harness.llm.local import CONTEXT
from harness.llm.recorded import Recorded, key_of_prompt, recorded
from harness.llm.registry import ModelEntry, resolve
from harness.llm.request import constraint_of, identity_of, limit_of, logprobs_of
from harness.llm.tokens import tokenizing
from harness.llm.weights import cached_path
from harness.mdp.environment import TabularEnvironment

REPAIRS = Range(0.0, 0.05, 0.1)
"""Second requests for every first one that are assumed of a server's model of which nothing is recorded."""


@dataclass(frozen=True)
class Assumptions:
    """What the user says of a model; None where it is to be found out.

    Attributes
    ----------
    tokenizer : str or None
        Alias of an embedded model to count tokens with.
    repairs : float or None
        Second requests for every first one.
    latency : float or None
        Seconds that a reply takes.
    price_prompt, price_completion, price_cached : float or None
        USD per million tokens.
    """

    tokenizer: str | None = None
    repairs: float | None = None
    latency: float | None = None
    price_prompt: float | None = None
    price_completion: float | None = None
    price_cached: float | None = None


@dataclass(frozen=True)
class Quote:
    """Forecasts of all ways, and the sentences that belong to them."""

    model: str
    prompt: str
    forecasts: tuple[Forecast, ...]
    static_tokens: Range
    notes: tuple[str, ...]


async def quote(
    config: RunConfig,
    env: Environment[Any, Any],
    method: Method | None,
    assumed: Assumptions,
    *,
    width: float,
    until: float | None = None,
    episodes: int | None = None,
    runs: Path = Path("runs"),
) -> Quote:
    """What a model's run will take by every way that fits, or by the one that is named.

    Parameters
    ----------
    config : RunConfig
        Of the model and its prompt; method and episodes are set here.
    env : Environment
    method : Method or None
    assumed : Assumptions
    width, until, episodes
        See `harness.evaluation.forecast.ways`.
    runs : Path
        Folder of earlier runs.

    Raises
    ------
    UsageError
        If the configuration could not be run.
    """
    tried = ways(config, env, method, width=width, until=until, episodes=episodes)
    for way in tried:
        check(_as_run(config, way), asking=False)
    entry = _priced(entry_of(config), assumed)
    script, _, _ = script_of(config, env)
    found = _recorded(config, entry, script)
    with ExitStack() as stack:
        lengths = _lengths(entry, assumed, found, stack)
        env_actions = env.actions if isinstance(env, TabularEnvironment) else (_first_action(env),)
        tokens, replies = completion(entry, script.contract, [script.contract.write(a) for a in env_actions], found)
        repairs, asked_again = _repairs(config, entry, assumed, found)
        seconds, pace = _pace(config, entry, script, assumed, runs)
        prompts = Prompts(
            script,
            lengths,
            once=config.cache and not config.temperature,
            kept=lambda messages: found is not None and key_of_prompt(messages) in found.kept,
        )
        terms = Terms(
            entry=entry,
            prompts=prompts,
            completion=tokens,
            repairs=repairs,
            cached_share=found.cached_share if found is not None and found.n >= ENOUGH else 0.0,
            seconds=seconds,
        )
        who = stand_ins(env)
        forecasts = tuple([await forecast(config, env, who, way, terms) for way in tried])
        static = lengths.tokens * prompts.static
    notes = (lengths.basis, replies, asked_again, *_money(entry, tokens), *pace)
    return Quote(entry.alias, script.prompt.label, forecasts, static, (*notes, *_too_long(entry, script, forecasts)))


def _as_run(config: RunConfig, way: Way) -> RunConfig:
    """The configuration that such a run would have, as far as it decides what fits."""
    more: dict[str, Any] = {"method": way.method, "until": way.until, "episodes": way.episodes or 1}
    return config.model_copy(update=more)


def _first_action(env: Environment[Any, Any]) -> Any:
    env.reset(0)
    return env.fallback()


def _priced(entry: ModelEntry, assumed: Assumptions) -> ModelEntry:
    given = {name: getattr(assumed, name) for name in ("price_prompt", "price_completion", "price_cached")}
    return entry.model_copy(update={name: price for name, price in given.items() if price is not None})


def _recorded(config: RunConfig, entry: ModelEntry, script: Script) -> Recorded | None:
    """What earlier runs left in the cache of replies; None if there is none."""
    path = default_path()
    if not path.exists():
        return None
    try:
        like: dict[str, Any] = {"endpoint": identity_of(entry), "constraint": constraint_of(entry, script.contract)}
    except ModelServerError:  # the engine is not installed
        return None
    if config.from_logprobs:
        like |= logprobs_of(entry)
    if entry.reasoning_effort is not None:
        like |= {"reasoning_effort": entry.reasoning_effort}
    cache = ReplyCache(path)
    try:
        return recorded(cache, like, script.system.content, limit_of(entry, script.contract))
    finally:
        cache.close()


def _lengths(entry: ModelEntry, assumed: Assumptions, found: Recorded | None, stack: ExitStack) -> Lengths:
    """By the tokenizer that was named, or the model's own if it is here, else by characters."""
    counter = resolve(assumed.tokenizer) if assumed.tokenizer else entry
    if assumed.tokenizer is None and (entry.weights is None or not cached_path(entry.weights).is_file()):
        return by_characters(found)
    address = stack.enter_context(tokenizing(counter, user_cache_path("harness") / "tokenizer.log"))
    return counted(address, counter.alias, own=counter.weights == entry.weights)


def _repairs(config: RunConfig, entry: ModelEntry, assumed: Assumptions, found: Recorded | None) -> tuple[Range, str]:
    """Second requests for every first one, and where that comes from."""
    if config.from_logprobs:
        return known(0.0), "Probabilities are read off one reply; nothing is repaired."
    if assumed.repairs is not None:
        if not 0 <= assumed.repairs <= 1:
            raise UsageError(f"The share of repairs is {assumed.repairs}; expected 0 to 1, e.g. 0.05.")
        return known(assumed.repairs), f"Repairs: {_percent(assumed.repairs)} of the requests, as given."
    if found is not None and found.asked >= ENOUGH:
        share = wilson(min(found.again, found.asked), found.asked)
        rate = Range(share.lower, share.value, share.upper)
        between = f"{_percent(rate.usual)} (95 % {_percent(rate.low)} – {_percent(rate.high)})"
        return rate, f"Repairs: {between} of the requests, as among {found.asked:,} recorded ones."
    if entry.weights is not None:
        return known(0.0), "Repairs: none; the grammar holds an embedded model to legal replies."
    between = f"{_percent(REPAIRS.usual)} ({_percent(REPAIRS.low)} – {_percent(REPAIRS.high)})"
    return REPAIRS, f"Repairs: {between} of the requests, which is assumed; --repairs says otherwise."


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _pace(
    config: RunConfig, entry: ModelEntry, script: Script, assumed: Assumptions, runs: Path
) -> tuple[Range | None, list[str]]:
    """Seconds between two replies, and where that comes from; nothing is said where nothing is known."""
    at_a_time = 1 if entry.weights is not None else config.concurrency
    if assumed.latency is not None:
        if not assumed.latency > 0:
            raise UsageError(f"The latency is {assumed.latency}; expected seconds above 0, e.g. 1.5.")
        return known(assumed.latency / at_a_time), [
            f"Time: {assumed.latency:g} s a reply, as given, {at_a_time} at a time; retries and waiting not counted."
        ]
    try:
        identity = identity_of(entry)
    except ModelServerError:
        return None, []
    found = seconds_per_call(
        runs, identity, script.prompt.label, None if entry.weights is not None else config.concurrency
    )
    if found is None:
        return None, []
    pace, calls, n = found
    return pace, [
        f"Time: {pace.usual:.2f} s a call, as in {n} earlier run{'s' * (n > 1)} in {runs} with this prompt "
        f"({calls:,} calls{'' if entry.weights is not None else f', {at_a_time} at a time'})."
    ]


def _money(entry: ModelEntry, tokens: Range | None) -> Iterator[str]:
    if cost_of(entry, 0, 0, 0) is not None:
        if tokens is None:
            yield "USD: T is the tokens that a reply has on average, its thoughts among them."
        return
    if entry.weights is None:
        yield (
            f"No price is known for '{entry.alias}': set price_prompt and price_completion (USD per million tokens) in "
            "its entry of harness.models.toml, or give --price-prompt and --price-completion."
        )


def _too_long(entry: ModelEntry, script: Script, found: tuple[Forecast, ...]) -> Iterator[str]:
    """Where the longest prompt and its reply do not fit the model."""
    room = CONTEXT if entry.weights is not None else entry.context
    limit = limit_of(entry, script.contract)
    longest = max(f.longest_prompt.usual for f in found)
    if room is not None and longest + limit > room:
        yield (
            f"The longest prompt has about {longest:,.0f} tokens, with a reply of up to {limit:,} more than the model "
            f"holds ({room:,}); take a shorter --memory or fewer --shots."
        )
