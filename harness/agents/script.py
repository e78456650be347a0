"""What a model is told: the messages of a prompt, by what is seen now and what was seen and done before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.agents.memory import last
from harness.core.agent import Message
from harness.core.environment import Action, Observation
from harness.llm.structured import REPAIR, ReplyContract
from harness.prompts.loader import Prompt


@dataclass(frozen=True)
class Script:
    """A prompt, how it is to be answered, and how much of an episode it holds.

    Parameters
    ----------
    prompt : Prompt
    contract : ReplyContract
    given : mapping
        What both templates may use: `env`, the environment's spec, and `examples`.
    memory : int or None
        How many of the episode's last decisions stand in the prompt; None for all of them.
    """

    prompt: Prompt
    contract: ReplyContract
    given: Mapping[str, Any]
    memory: int | None = 0

    @cached_property
    def static(self) -> dict[str, Any]:
        """What the templates are given, with the instruction how to answer."""
        return {**self.given, "reply": self.contract.instruction()}

    @cached_property
    def system(self) -> Message:
        """The part of the prompt that is the same for every patient."""
        return self.prompt.system_message(self.static)

    def patient(self, observation: Observation) -> Message:
        """The part that belongs to one patient."""
        return self.prompt.observation_message(self.static, observation.model_dump())

    def render(
        self, observation: Observation, history: Sequence[tuple[Observation, Action]] = ()
    ) -> tuple[Message, ...]:
        """The prompt for an observation: the static part first, then what is remembered, the patient now last.

        What is remembered are the actions that were carried out, also where they were not the model's own.
        """
        messages = [self.system]
        for seen, done in last(history, self.memory):
            messages += [self.patient(seen), self.replied(done)]
        return *messages, self.patient(observation)

    def replied(self, action: Action) -> Message:
        """An action as the model's reply."""
        return Message(role="assistant", content=self.contract.write(action))

    def repair(self, messages: Sequence[Message], reply: str, error: str) -> tuple[Message, ...]:
        """The same prompt again, after a reply that could not be used, with what was wrong with it."""
        wrong = f"{REPAIR}: {error}. {self.static['reply']}"
        return *messages, Message(role="assistant", content=reply), Message(role="user", content=wrong)
