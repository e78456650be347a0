"""Structured replies: how a model is told to write an action, held to it, and read back.

What a model wrote is data: it is parsed as JSON or by regular expressions and validated, never evaluated.

The order in which a reply is read, after `<think>` blocks are taken out (one that never closes is a cut-off thought,
not an answer):

1. the whole text as a JSON object;
2. the last fenced block that holds a JSON object;
3. the last JSON object in the text;
4. labelled text, `iv_fluid_level: 2`, each field by its last mention.

Of a reply that was cut off only a whole JSON object is taken: half a sentence may be about to say the opposite. The
first that is found decides: if it does not validate, the reply has no legal action. A field is understood by its
name and by its short name; what else an object holds is passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from pydantic import BaseModel, ValidationError

from harness.core.agent import Failure
from harness.core.environment import Action
from harness.core.errors import UsageError
from harness.llm.registry import ReplyFormat

LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

REPAIR = "That reply cannot be used"
"""How the message begins that asks once more."""

RATIONALE = "rationale"
RATIONALE_CHARACTERS = 240
TOKENS_PER_FIELD = 12
TOKENS_FOR_RATIONALE = 160
"""Reply limits: room enough for the longest compact JSON of an action, and for a sentence. To these comes a token for
every byte of the longest text that a field may hold."""


@dataclass(frozen=True)
class Parsed:
    """An action read from a reply, or why there is none."""

    action: Action | None
    rationale: str | None = None
    error: str | None = None
    failure: Failure | None = None
    reasoning: str | None = None
    """What stood between `<think>` and `</think>`."""


@dataclass(frozen=True)
class ReplyContract:
    """What one kind of reply looks like: to the model, to the server that constrains it, and to the parser.

    Parameters
    ----------
    action_type : an `Action` whose fields are integers between bounds or text from a list
    format : how the action is written
    rationale : whether a sentence of reasons comes first
    actions : every action in the environment's order, for labels alone

    Raises
    ------
    UsageError
        If labels are wanted for no list of actions, for more than there are letters, or with a rationale.
    """

    action_type: type[Action]
    format: ReplyFormat
    rationale: bool = False
    actions: tuple[Action, ...] = ()

    def __post_init__(self) -> None:
        if self.format is not ReplyFormat.LABEL:
            return
        if not 0 < len(self.actions) <= len(LABELS):
            raise UsageError(
                f"Labels of one token need a list of 1 to {len(LABELS)} actions; this environment has "
                f"{len(self.actions) or 'none'}. Use --reply json."
            )
        if self.rationale:
            raise UsageError(
                "A prompt that asks for reasons first cannot be answered by one label; use another prompt."
            )

    @property
    def labels(self) -> str:
        """A letter for every action, in their order."""
        return LABELS[: len(self.actions)]

    def instruction(self) -> str:
        """The sentence of the prompt that says how to answer; it ends with the shape of the reply."""
        if self.format is ReplyFormat.LABEL:
            meanings = (
                f"{label} = " + " ".join(f"{name} {value}" for name, value in action.model_dump(mode="json").items())
                for label, action in zip(self.labels, self.actions, strict=True)
            )
            return "Reply with one letter and nothing else:\n" + "\n".join(meanings)
        fields = _choices(self.action_type)
        names = self._written_names()
        shape = ",".join(f'"{names[field]}":<{_range(values)}>' for field, values in fields.items())
        if self.rationale:
            shape = f'"{RATIONALE}":"<that sentence>",{shape}'
        reply = f"eply with one JSON object and nothing else: {{{shape}}}"
        shortened = [f"{short} = {field}" for field, short in names.items() if short != field]
        return f"With {' and '.join(shortened)}, r{reply}" if shortened else f"R{reply}"

    def write(self, action: Action) -> str:
        """An action as a reply, without reasons: what `parse` reads back."""
        if self.format is ReplyFormat.LABEL:
            return self.labels[self.actions.index(action)]
        names = self._written_names()
        values = {names[name]: value for name, value in action.model_dump(mode="json").items()}
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"))

    def _written_names(self) -> dict[str, str]:
        """What each field is called in a reply."""
        fields = self.action_type.model_fields
        short = self.format is ReplyFormat.SHORT
        return {name: (field.alias or name) if short else name for name, field in fields.items()}

    @cached_property
    def schema(self) -> dict[str, Any]:
        """JSON schema of the reply, in the strict form that servers enforce."""
        schema = self.action_type.model_json_schema(by_alias=False)
        properties = {
            name: {k: v for k, v in value.items() if k != "title"} for name, value in schema["properties"].items()
        }
        if self.rationale:
            reason = {
                "type": "string",
                "maxLength": RATIONALE_CHARACTERS,
                "description": "one short sentence",
            }
            properties = {RATIONALE: reason, **properties}
        result = {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
        if "description" in schema:
            result["description"] = schema["description"]
        return result | ({"$defs": schema["$defs"]} if "$defs" in schema else {})

    @cached_property
    def grammar(self) -> str:
        """GBNF that allows the reply without any white space, and nothing else (llama.cpp)."""
        if self.format is ReplyFormat.LABEL:
            return "root ::= " + " | ".join(_quoted(label) for label in self.labels)
        names = self._written_names()
        parts = []
        if self.rationale:
            text = f'[^"\\\\\\n]{{1,{RATIONALE_CHARACTERS}}}'
            parts.append(f'{_quoted(json.dumps(RATIONALE) + ":")} "\\"" {text} "\\""')
        for name, allowed in _choices(self.action_type).items():
            literals = "(" + " | ".join(_quoted(json.dumps(v)) for v in allowed) + ")"
            parts.append(f"{_quoted(json.dumps(names[name]) + ':')} {literals}")
        return "root ::= " + _quoted("{") + " " + f" {_quoted(',')} ".join(parts) + " " + _quoted("}")

    def max_tokens(self) -> int:
        """How long a reply may be."""
        if self.format is ReplyFormat.LABEL:
            return 1
        choices = _choices(self.action_type).values()
        longest = sum(max((len(v.encode()) for v in values if isinstance(v, str)), default=0) for values in choices)
        return TOKENS_PER_FIELD * len(choices) + longest + 8 + (TOKENS_FOR_RATIONALE if self.rationale else 0)

    def parse(self, reply: str, *, truncated: bool = False) -> Parsed:
        """Read an action from a reply; see the module's text for the order."""
        text, reasoning = _apart(reply)
        found = self._parsed(text, truncated)
        failure = found.failure or (Failure.UNPARSABLE if found.action is None else None)
        if truncated and found.action is None:
            failure = Failure.TRUNCATED
        return replace(found, failure=failure, reasoning=reasoning)

    def _parsed(self, text: str | None, truncated: bool) -> Parsed:
        if text is None:
            return Parsed(
                None, error="the reply ended inside its thoughts, before an answer", failure=Failure.TRUNCATED
            )
        if not text:
            return Parsed(None, error="the reply is empty" + (" (cut off)" if truncated else ""))
        if self.format is ReplyFormat.LABEL:
            label = text.rstrip(".").strip("\"'*` ")
            if len(label) == 1 and label in self.labels:
                return Parsed(self.actions[self.labels.index(label)])
            return Parsed(None, error=f"the reply is not one of the letters {self.labels[0]} to {self.labels[-1]}")
        if truncated and _json_object(text) is None:
            return Parsed(None, error="the reply was cut off before it was complete")
        for candidate in self._candidates(text):
            return self._validated(candidate)
        names = ", ".join(self.action_type.model_fields)
        return Parsed(None, error=f"the reply holds no values for {names}")

    def _candidates(self, text: str) -> Iterator[dict[str, Any]]:
        if (whole := _json_object(text)) is not None:
            yield whole
        for block in reversed(re.findall(r"```[\w-]*\n?(.*?)```", text, flags=re.DOTALL)):
            if (found := _json_object(block.strip())) is not None:
                yield found
        if (found := _last_object(text)) is not None:
            yield found
        fields = self.action_type.model_fields
        labelled = {
            name: value
            for name, field in fields.items()
            if (value := _labelled(text, name) or _labelled(text, field.alias)) is not None
        }
        if len(labelled) == len(fields):
            yield labelled

    def _validated(self, candidate: dict[str, Any]) -> Parsed:
        rationale = candidate.get(RATIONALE)
        if not isinstance(rationale, str):
            rationale = None
        known: dict[str, Any] = {}
        for name, field in self.action_type.model_fields.items():
            for written in (name, field.alias):
                if written in candidate:
                    known.setdefault(name, candidate[written])
        for name, value in known.items():
            if isinstance(value, bool):  # Python, unlike JSON, takes true for 1
                return Parsed(None, rationale, f"{name}: {json.dumps(value)} is not a level")
        try:
            return Parsed(self.action_type.model_validate(known), rationale)
        except ValidationError as error:
            names = {field.alias: name for name, field in self.action_type.model_fields.items()}
            problems = "; ".join(
                f"{'.'.join(str(names.get(str(part), part)) for part in e['loc'])}: {e['msg']}" for e in error.errors()
            )
            return Parsed(None, rationale, problems)


@lru_cache(maxsize=64)
def _choices(action_type: type[BaseModel]) -> dict[str, list[int | str]]:
    """Every value that each field allows, by its JSON schema.

    Raises
    ------
    TypeError
        If a field is neither an integer between two bounds nor a list of allowed texts.
    """
    schema = action_type.model_json_schema(by_alias=False)
    found: dict[str, list[int | str]] = {}
    for name, value in schema["properties"].items():
        field = schema["$defs"][value["$ref"].rsplit("/", 1)[1]] if "$ref" in value else value
        if "enum" in field:
            found[name] = list(field["enum"])
        elif "const" in field:
            found[name] = [field["const"]]
        elif field.get("type") == "integer" and "minimum" in field and "maximum" in field:
            found[name] = list(range(field["minimum"], field["maximum"] + 1))
        else:
            raise TypeError(f"the field '{name}' of {action_type.__name__} is not a finite choice")
    return found


def _range(values: list[int | str]) -> str:
    if all(isinstance(v, int) for v in values):
        return f"{values[0]}-{values[-1]}"
    return "|".join(map(str, values))


def _quoted(text: str) -> str:
    """A GBNF literal."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _apart(reply: str) -> tuple[str | None, str | None]:
    """The answer and the thoughts of a reply; the answer is None if the thoughts never closed."""
    thoughts = re.findall(r"<think>(.*?)</think>", reply, flags=re.DOTALL)
    text = re.sub(r"<think>.*?</think>", "", reply, flags=re.DOTALL)
    if "<think>" in text:
        return None, text.split("<think>", 1)[1].strip() or None
    if "</think>" in text:  # the opening was part of the prompt
        before, text = text.rsplit("</think>", 1)
        thoughts.append(before)
    return text.strip(), "\n".join(t.strip() for t in thoughts).strip() or None


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _last_object(text: str) -> dict[str, Any] | None:
    """The last complete JSON object that starts at some brace of the text and lies in no later one."""
    decoder = json.JSONDecoder()
    last, end_of_last = None, 0
    for match in re.finditer(r"\{", text):
        if match.start() < end_of_last:
            continue
        try:
            value, end = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            last, end_of_last = value, end
    return last


def _labelled(text: str, name: str | None) -> str | None:
    if name is None:
        return None
    words = r"\b" + name.replace("_", r"[_\s-]")
    found = re.findall(words + r"[\"'*`]*\s*(?:[:=]|\bis\b)\s*[\"'*`]*(-?\w[\w.-]*)", text, flags=re.IGNORECASE)
    return str(found[-1]).rstrip(".") if found else None
