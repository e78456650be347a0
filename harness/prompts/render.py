"""A prompt as a model gets it."""

from __future__ import annotations

from typing import Any

from harness.core.agent import Message
from harness.core.environment import Environment, Observation
from harness.llm.registry import ReplyFormat
from harness.mdp.environment import TabularEnvironment
from harness.prompts.loader import Prompt
from harness.prompts.variants import contract as contract_of


def variables(env: Environment[Any, Any], prompt: Prompt, reply: ReplyFormat) -> dict[str, Any]:
    """What both templates may use: `env`, and `reply`, the instruction how to answer."""
    actions = env.actions if isinstance(env, TabularEnvironment) else ()
    contract = contract_of(prompt.variant, env.action_type, reply, prompt.meta.rationale, actions)
    return {"env": env.spec.model_dump(), "reply": contract.instruction()}


def render(
    env: Environment[Any, Any], prompt: Prompt, reply: ReplyFormat, observation: Observation
) -> tuple[Message, Message]:
    """The static part and the patient's, as they are sent."""
    static = variables(env, prompt, reply)
    return prompt.system_message(static), prompt.observation_message(static, observation.model_dump())
