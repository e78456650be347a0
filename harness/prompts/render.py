"""A prompt as a model gets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.core.agent import Message
from harness.core.environment import Environment, Observation
from harness.llm.registry import ReplyFormat
from harness.mdp.environment import TabularEnvironment
from harness.prompts.loader import Prompt
from harness.prompts.variants import contract as contract_of


def variables(
    env: Environment[Any, Any], prompt: Prompt, reply: ReplyFormat, examples: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """What both templates may use: `env`, `reply`, the instruction how to answer, and `examples`."""
    actions = env.actions if isinstance(env, TabularEnvironment) else ()
    contract = contract_of(prompt.variant, env.action_type, reply, prompt.meta.rationale, actions)
    return {"env": env.spec.model_dump(), "reply": contract.instruction(), "examples": list(examples)}


def render(
    env: Environment[Any, Any],
    prompt: Prompt,
    reply: ReplyFormat,
    observation: Observation,
    examples: Sequence[Mapping[str, Any]] = (),
) -> tuple[Message, Message]:
    """The static part and the patient's, as they are sent."""
    static = variables(env, prompt, reply, examples)
    return prompt.system_message(static), prompt.observation_message(static, observation.model_dump())
