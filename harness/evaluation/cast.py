"""From the names in a configuration to the objects: environment, agent, model, prompt.

Everything that can be known to be wrong before a run is found here, before anything is written or asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.agents import registry as agents
from harness.agents.examples import examples
from harness.agents.llm import LLMAgent
from harness.agents.memory import most_remembered
from harness.agents.script import Script
from harness.agents.shield import rules, shielded
from harness.agents.voting import FEWEST, VotingAgent
from harness.core.agent import Agent, Request
from harness.core.environment import Environment
from harness.core.errors import UsageError
from harness.core.seeds import evaluation_seeds
from harness.data.sharing import Provenance, check_sharing
from harness.envs import registry as envs
from harness.evaluation.config import Method, RunConfig
from harness.evaluation.intervals import Interval
from harness.llm.budget import Budget, Limits
from harness.llm.cache import ReplyCache, default_path
from harness.llm.client import ChatClient
from harness.llm.keys import api_key_of
from harness.llm.registry import ModelEntry, ReplyFormat, resolve, served
from harness.mdp.environment import TabularEnvironment
from harness.prompts.loader import Prompt, Source, load
from harness.prompts.variants import contract as contract_of


@dataclass(frozen=True)
class ModelCast:
    """What stands behind an agent that is a language model."""

    entry: ModelEntry
    prompt: Prompt
    system: str
    """The static part of the prompt, rendered."""
    identity: dict[str, str | None]
    """Which weights on which engine, or which model on which server."""
    sampling: dict[str, float | int | str | None]
    """What is sent with every request."""
    shots: int = 0
    """Examples in the prompt."""
    shots_from: Source | None = None
    """Whose decisions they are; None where there are none."""

    @property
    def title(self) -> str:
        """What the alias stands for, with the first digits of the weights' hash."""
        weights = self.entry.weights
        return f"{self.entry.title}, {weights.sha256[:8]}…" if weights else self.entry.title


@dataclass(frozen=True)
class Cast:
    """The objects that a configuration names."""

    env: Environment[Any, Any]
    agent: Agent
    model: ModelCast | None = None


def check(config: RunConfig, *, asking: bool = True) -> Environment[Any, Any]:
    """The environment, after everything that can be known to be wrong before the run is found to be right.

    Parameters
    ----------
    config : RunConfig
    asking : bool
        Whether a model will be asked, and its key must be there.

    Raises
    ------
    UsageError
        One sentence on the first thing that is wrong.
    """
    fewest = 1 if config.method is Method.ROLLOUT else 0
    if config.episodes < fewest:
        raise UsageError(
            f"{config.episodes} episodes were asked for; the method '{config.method}' takes {fewest} or more."
        )
    evaluation_seeds(config.seed_start, max(config.episodes, 1))
    if config.until is not None and config.method is not Method.ROLLOUT:
        raise UsageError(f"--until stops a rollout; the method '{config.method}' has no sampling to go on with.")
    if config.until is not None and config.interval is not Interval.SKEWNESS:
        raise UsageError(f"--until has an interval of its own; leave --interval {config.interval} out.")
    if config.until is not None and not 0 < config.until < math.inf:
        raise UsageError(f"--until is {config.until}; expected a half-width above 0, e.g. 0.01.")
    if config.concurrency < 1:
        raise UsageError(f"The concurrency is {config.concurrency}; expected at least 1.")
    if not 0 <= config.epsilon < math.inf:
        raise UsageError(f"Epsilon is {config.epsilon}; expected a width of 0 or more, e.g. 0.01.")
    if config.audit < 0:
        raise UsageError(f"An audit of {config.audit} states was asked for; expected 0 or more.")
    _check_drawing(config)
    if config.audit and (config.agent is not None or config.method is Method.ROLLOUT):
        raise UsageError("An audit asks states of a model again; it needs a model and --method exact or certify.")
    env = envs.make(config.env, **config.env_options)
    if config.method is not Method.ROLLOUT and not isinstance(env, TabularEnvironment):
        raise UsageError(
            f"The method '{config.method}' needs a tabular environment; for {config.env} use --method rollout."
        )
    rules(config.shield, env)
    if config.agent is not None:
        made = agents.make(config.agent, env)
        _require_memoryless(config, f"agent '{made.id}'", made.memoryless)
    else:
        _require_memoryless(config, f"model with --memory {config.memory}", most_remembered(config.memory) == 0)
        entry = entry_of(config)
        if asking:
            _require_shareable(config, env, entry)
            api_key_of(entry)
        _shots(config, load(config.env, config.prompt), env)
    return env


def _shots(config: RunConfig, prompt: Prompt, env: Environment[Any, Any]) -> tuple[int, Source | None]:
    """How many examples the prompt shows, and whose; checked against what the environment has."""
    if prompt.meta.shots is None:
        for option, given in (("--shots", config.shots), ("--shots-from", config.shots_from)):
            if given is not None:
                raise UsageError(f"{option} belongs to a prompt with examples, and '{prompt.name}' shows none.")
        return 0, None
    shots = prompt.meta.shots if config.shots is None else config.shots
    source = config.shots_from or prompt.meta.shots_from
    if not shots:
        return 0, None
    agents.make(source, env)
    return shots, source


def _check_drawing(config: RunConfig) -> None:
    """How a model's policy is drawn from must fit the method, or "exact" would be said of what is not."""
    if not 0 <= config.temperature < math.inf:
        raise UsageError(f"The temperature is {config.temperature}; expected 0 or more.")
    if config.samples < 1:
        raise UsageError(f"{config.samples} samples a state were asked for; expected at least 1.")
    if config.from_logprobs and (config.temperature or config.samples > 1):
        raise UsageError(
            "--from-logprobs reads the whole distribution at temperature 1; leave --temperature and --samples out."
        )
    if config.vote != 1 and config.vote < FEWEST:
        raise UsageError(f"{config.vote} votes decide nothing that one does not; expected {FEWEST} or more.")
    if config.vote > 1 and not config.temperature:
        raise UsageError("--vote counts replies that differ; it needs --temperature above 0, e.g. 0.7.")
    if config.samples > 1 and not (config.temperature and config.method is Method.EXACT):
        raise UsageError(
            "--samples draws several replies in every state; it needs --method exact and --temperature above 0."
        )
    what = "majority" if config.vote > 1 else "reply"
    if config.temperature and config.samples == 1 and config.method is not Method.ROLLOUT:
        raise UsageError(
            f"At temperature {config.temperature:g} one {what} is not the policy; add --samples 8 (with --method "
            "exact), or take --from-logprobs, or --method rollout."
        )
    if config.audit and (config.temperature or config.from_logprobs):
        raise UsageError("An audit counts replies that differ, and drawn ones do; leave --audit out.")
    if config.from_logprobs and config.reply not in (None, ReplyFormat.LABEL):
        raise UsageError(f"--from-logprobs needs one letter an action; it does not go with --reply {config.reply}.")


def build(
    config: RunConfig,
    env: Environment[Any, Any],
    run_id: str,
    log_folder: Callable[[], Path],
    *,
    limits: Limits | None = None,
    before: Sequence[Request] = (),
) -> Cast:
    """The objects that a configuration names, with what the run may spend and what it spent before.

    Raises
    ------
    UsageError
        If an agent, model or prompt does not exist or does not fit the environment or the method.
    """
    if config.agent is not None:
        return Cast(env, _behind_shield(config, agents.make(config.agent, env), env))
    entry = entry_of(config)
    _require_shareable(config, env, entry)
    script, shots, source = script_of(config, env)
    cache = ReplyCache(default_path()) if config.cache else None
    client = ChatClient(
        entry,
        script.contract,
        cache,
        run_id,
        log_folder,
        temperature=config.temperature,
        logprobs=config.from_logprobs,
        budget=Budget(limits or Limits(), entry, before),
        most=config.concurrency,
    )
    llm = LLMAgent(
        entry.alias,
        script.prompt,
        script.contract,
        client,
        dict(script.given),
        from_logprobs=config.from_logprobs,
        memory=script.memory,
    )
    llm.render(env.reset(config.seed_start))  # a template that fails should fail before anything is asked
    decider = VotingAgent(llm, config.vote) if config.vote > 1 else llm
    return Cast(
        env,
        _behind_shield(config, decider, env),
        ModelCast(entry, script.prompt, llm.system.content, client.identity, client.sampling, shots, source),
    )


def script_of(config: RunConfig, env: Environment[Any, Any]) -> tuple[Script, int, Source | None]:
    """What a configuration has a model told, with how many examples, and whose.

    Raises
    ------
    UsageError
        If the prompt does not exist or does not fit the environment or the method.
    """
    prompt = replace(load(config.env, config.prompt), variant=config.variant)
    written = ReplyFormat.LABEL if config.from_logprobs else config.reply or entry_of(config).reply
    actions = env.actions if isinstance(env, TabularEnvironment) else ()
    contract = contract_of(config.variant, env.action_type, written, prompt.meta.rationale, actions)
    shots, source = _shots(config, prompt, env)
    shown = examples(env, prompt, contract, shots, source) if source else []
    given = {"env": env.spec.model_dump(), "examples": shown}
    return Script(prompt, contract, given, most_remembered(config.memory)), shots, source


def _behind_shield(config: RunConfig, agent: Agent, env: Environment[Any, Any]) -> Agent:
    if not config.shield:
        return agent
    return shielded(agent, env, rules(config.shield, env), config.shield_mode)


def entry_of(config: RunConfig) -> ModelEntry:
    """The model that a configuration names, with what it sets otherwise.

    Raises
    ------
    UsageError
        If it names none, or one that does not exist.
    """
    if config.base_url is not None and config.model_id is not None:
        entry = served(config.base_url, config.model_id)
    elif config.model is not None:
        entry = resolve(config.model)
    else:
        raise UsageError("Name who decides: --agent ID, --model ALIAS, or --base-url URL with --model-id ID.")
    given = {"max_tokens": config.max_tokens, "reasoning_effort": config.effort, "timeout_s": config.timeout_s}
    return entry.model_copy(update={name: value for name, value in given.items() if value is not None})


def _require_shareable(config: RunConfig, env: Environment[Any, Any], entry: ModelEntry) -> None:
    """See that the model may be shown what was made of patients' data."""
    if env.spec.provenance is not None:
        check_sharing(
            Provenance.model_validate(env.spec.provenance),
            entry.alias,
            hosted=entry.weights is None,
            allowed=config.i_may_share_this_data,
        )


def _require_memoryless(config: RunConfig, who: str, memoryless: bool) -> None:
    if config.method is not Method.ROLLOUT and not memoryless:
        raise UsageError(
            f"The method '{config.method}' makes a claim about a policy without memory, and the {who} has memory; use "
            "--method rollout."
        )
