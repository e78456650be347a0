"""A human as an agent: the patient as the `direct` prompt shows it, and a question for each field of the action.

Reading and writing are given from outside, so that a script can be the human. A human remembers, so no value of one is
ever called exact.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from harness.core.agent import Decision, Situation
from harness.core.environment import Action, Environment, Observation
from harness.core.errors import INTERRUPTED, StoppedRun
from harness.core.text import harmless
from harness.prompts.loader import Prompt, load

HELP, QUIT = "?", "q"

Read = Callable[[str], str]
Write = Callable[[str], None]


class HumanAgent:
    """Decides by asking whoever reads what it writes.

    Parameters
    ----------
    env : Environment
    prompt : Prompt
        How a patient is shown.
    read : function of a question
        The line that was typed; raises EOFError where there are no more.
    write : function of a text
    """

    id = "human"
    memoryless = False

    def __init__(self, env: Environment[Any, Any], prompt: Prompt, read: Read, write: Write) -> None:
        self._action_type = env.action_type
        self._prompt = prompt
        self._read = read
        self._write = write
        how = f"You are asked for each value; {HELP} explains it, {QUIT} stops."
        self._static: dict[str, Any] = {"env": env.spec.model_dump(), "reply": how}
        self._introduced = False

    async def act(self, observation: Observation, situation: Situation) -> Decision:
        """Show the patient and ask until the action is a legal one."""
        started = time.perf_counter()
        if not self._introduced:
            self._introduced = True
            self._write(harmless(self._prompt.system_message(self._static).content))
        message = self._prompt.observation_message(self._static, observation.model_dump())
        self._write(f"\nEpisode with seed {situation.seed}, decision {situation.step + 1}\n{harmless(message.content)}")
        while True:
            action = self._asked()
            reason = situation.why_illegal(action)
            if reason is None:
                break
            self._write(harmless(f"That cannot be done: {reason}."))
        return Decision(action=action, messages=(message,), latency_s=round(time.perf_counter() - started, 4))

    def _asked(self) -> Action:
        fields: dict[str, Any] = self._action_type.model_json_schema(by_alias=False)["properties"]
        while True:
            values: dict[str, str] = {}
            for name, field in fields.items():
                self._ask(name, field, values)
            try:
                return self._action_type.model_validate(values)
            except ValidationError as error:
                self._write(harmless(f"These values do not go together: {error.errors()[0]['msg']}."))

    def _ask(self, name: str, field: dict[str, Any], values: dict[str, str]) -> None:
        """Ask for one field until its value is valid, and add it to `values`."""
        while True:
            typed = self._line(f"{name} ({_choice(field)}): ")
            if typed == QUIT:
                raise StoppedRun("Stopped.", 0)
            if typed == HELP:
                self._write(harmless(f"{name}: {field.get('description', 'no more is known of it')}"))
                continue
            wrong = self._wrong(name, {**values, name: typed})
            if wrong is None:
                values[name] = typed
                return
            self._write(harmless(f"'{typed}' is not understood: {wrong}; expected {_choice(field)}."))

    def _wrong(self, name: str, values: dict[str, str]) -> str | None:
        """What is wrong with the value of one field, though others are not there yet."""
        try:
            self._action_type.model_validate(values)
        except ValidationError as error:
            own = {name, self._action_type.model_fields[name].alias}
            return next((e["msg"] for e in error.errors() if e["loc"] and e["loc"][0] in own), None)
        return None

    def _line(self, question: str) -> str:
        try:
            return self._read(question).strip()
        except EOFError:
            raise StoppedRun("The input ended.", 1) from None

    async def close(self) -> None:
        """Nothing is held."""


def human(env: Environment[Any, Any]) -> HumanAgent:
    """You, in the terminal: `harness play` asks you for each decision and grades you as any other agent."""
    return HumanAgent(env, load(env.spec.id, "direct"), _typed, _shown)


def _choice(field: dict[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(map(str, field["enum"]))
    if "minimum" in field and "maximum" in field:
        return f"{field['minimum']} to {field['maximum']}"
    return str(field.get("const", field.get("type", "a value")))


def _typed(question: str) -> str:
    """A line from the terminal; Ctrl-C ends it at once, where asyncio would wait for the line first."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return input(question)
    except KeyboardInterrupt:
        raise StoppedRun("Interrupted.", INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGINT, before)


def _shown(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
