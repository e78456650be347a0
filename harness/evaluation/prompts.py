"""The prompts of a run that is planned: each rendered and measured once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.agents.script import Script
from harness.core.agent import Message
from harness.llm.lengths import Lengths
from harness.mdp.environment import TabularEnvironment


class Prompts:
    """The prompts of a script, each rendered and measured once.

    Parameters
    ----------
    script : Script
    lengths : Lengths
    once : bool
        Whether equal prompts are asked once: at temperature 0, with the cache of replies.
    kept : function of a prompt
        Whether its reply is in the cache already.
    """

    def __init__(
        self, script: Script, lengths: Lengths, *, once: bool, kept: Callable[[tuple[Message, ...]], bool]
    ) -> None:
        self.script = script
        self.once = once
        self.static = lengths.static(script.system)
        self.lengths = lengths
        self._kept = kept
        self._alone: dict[str, tuple[float, bool]] = {}
        self._turns: dict[tuple[str, str], float] = {}
        self._texts: dict[int, str] = {}

    def of_state(self, env: TabularEnvironment[Any, Any], state: int) -> str:
        """The text about the patient in a state."""
        if state not in self._texts:
            self._texts[state] = self.script.patient(env.observe(state)).content
        return self._texts[state]

    def alone(self, patient: str) -> tuple[float, bool]:
        """The length of a prompt without anything remembered, and whether its reply is in the cache."""
        if patient not in self._alone:
            messages = (self.script.system, Message(role="user", content=patient))
            self._alone[patient] = self.lengths.prompt(messages), self.once and self._kept(messages)
        return self._alone[patient]

    def turn(self, patient: str, reply: Message) -> float:
        """By how much a remembered decision lengthens a prompt."""
        name = (patient, reply.content)
        if name not in self._turns:
            said = Message(role="user", content=patient)
            longer = self.lengths.prompt((self.script.system, said, reply, said))
            self._turns[name] = longer - self.alone(patient)[0]
        return self._turns[name]
