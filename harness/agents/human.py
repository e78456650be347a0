"""A human as an agent: the patient as the `direct` prompt shows it, and a question for each field of the action.

Reading and writing are given from outside, so that a script can be the human. A human remembers, so no value of one is
ever called exact.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from pydantic import BaseModel, ValidationError

from harness.core.agent import Decision, Situation
from harness.core.environment import Action, Environment, Observation
from harness.core.errors import INTERRUPTED, StoppedRun
from harness.core.text import harmless
from harness.llm.shape import union_of
from harness.prompts.loader import Prompt, load

HELP, QUIT = "?", "q"

Read = Callable[[str], str]
Write = Callable[[str], None]
Wrong = Callable[[Mapping[str, Any]], str | None]
"""What is wrong with the value that was typed last."""


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
        union = union_of(self._action_type)
        if union is None:
            return self._action_type.model_validate(self._filled(self._action_type, {}))
        told: dict[str, Any] = {}
        self._ask(union.tag, {"enum": list(union.kinds)}, told, lambda values: _none_of(values[union.tag], union.kinds))
        kind = union.kinds[told[union.tag]]
        return self._action_type.model_validate({union.name: self._filled(kind, told)})

    def _filled(self, model: type[BaseModel], given: Mapping[str, Any]) -> dict[str, Any]:
        """Every field of a flat model, those not `given` asked for."""
        schema = model.model_json_schema(by_alias=False)
        while True:
            values = dict(given)
            for name, field in schema["properties"].items():
                if name not in given:
                    known = schema["$defs"][field["$ref"].rsplit("/", 1)[1]] if "$ref" in field else field
                    self._ask(name, known, values, partial(_wrong, model, name))
            try:
                model.model_validate(values)
                return values
            except ValidationError as error:
                self._write(harmless(f"These values do not go together: {error.errors()[0]['msg']}."))

    def _ask(self, name: str, field: Mapping[str, Any], values: dict[str, Any], wrong: Wrong) -> None:
        """Ask for one field until its value is valid, and add it to `values`."""
        while True:
            typed = self._line(f"{name} ({_choice(field)}): ")
            if typed == QUIT:
                raise StoppedRun("Stopped.", 0)
            if typed == HELP:
                told = _described(field)
                self._write(harmless(told if told.startswith(f"{name}:") else f"{name}: {told}"))
                continue
            value = None if typed == "" and _optional(field) else typed
            why = wrong({**values, name: value})
            if why is None:
                values[name] = value
                return
            self._write(harmless(f"'{typed}' is not understood: {why}; expected {_choice(field)}."))

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


def _wrong(model: type[BaseModel], name: str, values: Mapping[str, Any]) -> str | None:
    """What is wrong with the value of one field, though others are not there yet."""
    try:
        model.model_validate(values)
    except ValidationError as error:
        own = {name, model.model_fields[name].alias}
        return next((e["msg"] for e in error.errors() if e["loc"] and e["loc"][0] in own), None)
    return None


def _none_of(value: Any, valid: Iterable[str]) -> str | None:
    return None if value in valid else "it is none of these"


def _optional(field: Mapping[str, Any]) -> bool:
    return any(option.get("type") == "null" for option in field.get("anyOf", ()))


def _described(field: Mapping[str, Any]) -> str:
    options = (field, *field.get("anyOf", ()))
    return next((str(o["description"]) for o in options if "description" in o), "no more is known of it")


def _choice(field: Mapping[str, Any]) -> str:
    if _optional(field):
        return "text, or nothing"
    if "enum" in field:
        return ", ".join(map(str, field["enum"]))
    if "minimum" in field and "maximum" in field:
        return f"{field['minimum']} to {field['maximum']}"
    kind = str(field.get("const", field.get("type", "a value")))
    return "text" if kind == "string" else kind


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
