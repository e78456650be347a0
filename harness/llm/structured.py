"""Structured replies: how a model is told to write an action, held to it, and read back.

What a model wrote is data: it is parsed as JSON or by regular expressions and validated, never evaluated.

The order in which a reply is read, after `<think>` blocks are taken out (one that never closes is a cut-off thought,
not an answer):

1. the whole text as a JSON object;
2. the last fenced block that holds a JSON object;
3. the last JSON object in the text;
4. labelled text, `iv_fluid_level: 2`, each field by its last mention.

An action that wraps several kinds (`shape.py`) is read from JSON alone, with or without the object around it. Of a
reply that was cut off only a whole JSON object is taken: half a sentence may be about to say the opposite. The
first that is found decides: if it does not validate, the reply has no legal action. A field is understood by its
name and by its short name; what else an object holds is passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ValidationError

from harness.core.agent import Failure
from harness.core.environment import Action
from harness.core.errors import UsageError
from harness.llm import gbnf
from harness.llm.registry import ReplyFormat
from harness.llm.shape import Allowed, Text, fields_of, strict_schema, union_of, written_names
from harness.llm.text import apart, json_object, labelled, last_object

LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

REPAIR = "That reply cannot be used"
"""How the message begins that asks once more."""

RATIONALE = "rationale"
RATIONALE_CHARACTERS = 240
TOKENS_PER_FIELD = 12
TOKENS_FOR_RATIONALE = 160
"""Reply limits: room enough for the longest compact JSON of an action, and for a sentence. To these comes a token for
every byte of the longest text from a list that a field may hold, and for every `CHARACTERS_PER_TOKEN` of free text."""

CHARACTERS_PER_TOKEN = 2
"""Of free text, at worst: names of drugs fall into many tokens."""


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
    action_type : an `Action` of a shape that `shape.py` knows
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
        reason = f'"{RATIONALE}":"<that sentence>",' if self.rationale else ""
        union, names = union_of(self.action_type), self._names(self.action_type)
        if union is None:
            return self._shortened(names) + f"eply with one JSON object and nothing else: {{{reason}{self._shape()}}}"
        kinds = union.kinds.values()
        shortened = {name: short for model in kinds for name, short in self._names(model).items()} | names
        shapes = (f'{{{reason}"{names[union.name]}":{{{self._shape(model)}}}}}' for model in kinds)
        return self._shortened(shortened) + "eply with one JSON object and nothing else, one of:\n" + "\n".join(shapes)

    def _shape(self, model: type[BaseModel] | None = None) -> str:
        model = model or self.action_type
        names = self._names(model)
        return ",".join(f'"{names[field]}":{_shown(allowed)}' for field, allowed in fields_of(model).items())

    def _shortened(self, names: Mapping[str, str]) -> str:
        shortened = [f"{short} = {field}" for field, short in names.items() if short != field]
        return f"With {' and '.join(shortened)}, r" if shortened else "R"

    def write(self, action: Action) -> str:
        """An action as a reply, without reasons: what `parse` reads back."""
        if self.format is ReplyFormat.LABEL:
            return self.labels[self.actions.index(action)]
        values: Any = self._written(action)
        if (union := union_of(self.action_type)) is not None:
            values = {self._names(self.action_type)[union.name]: self._written(getattr(action, union.name))}
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"))

    def _written(self, model: BaseModel) -> dict[str, Any]:
        names = self._names(type(model))
        return {names[name]: value for name, value in model.model_dump(mode="json").items()}

    def _names(self, model: type[BaseModel]) -> dict[str, str]:
        return written_names(model, short=self.format is ReplyFormat.SHORT)

    @cached_property
    def schema(self) -> dict[str, Any]:
        """JSON schema of the reply, in the strict form that servers enforce."""
        schema = strict_schema(self.action_type)
        if not self.rationale:
            return schema
        reason = {"type": "string", "maxLength": RATIONALE_CHARACTERS, "description": "one short sentence"}
        properties = {RATIONALE: reason, **schema["properties"]}
        return schema | {"properties": properties, "required": list(properties)}

    @cached_property
    def grammar(self) -> str:
        """GBNF that allows the reply without any white space, and nothing else (llama.cpp)."""
        if self.format is ReplyFormat.LABEL:
            return gbnf.root(" | ".join(gbnf.literal(label) for label in self.labels))
        parts = [gbnf.member(RATIONALE, gbnf.text(RATIONALE_CHARACTERS))] if self.rationale else []
        if (union := union_of(self.action_type)) is None:
            parts += gbnf.members(self.action_type, self._names(self.action_type))
        else:
            kinds = (gbnf.braces(gbnf.members(model, self._names(model))) for model in union.kinds.values())
            parts.append(gbnf.member(self._names(self.action_type)[union.name], f"({' | '.join(kinds)})"))
        return gbnf.root(gbnf.braces(parts))

    def max_tokens(self) -> int:
        """How long a reply may be."""
        if self.format is ReplyFormat.LABEL:
            return 1
        union = union_of(self.action_type)
        models = [self.action_type] if union is None else list(union.kinds.values())
        longest = max(sum(_tokens(allowed) for allowed in fields_of(model).values()) for model in models)
        return (
            longest + (0 if union is None else TOKENS_PER_FIELD) + 8 + (TOKENS_FOR_RATIONALE if self.rationale else 0)
        )

    def parse(self, reply: str, *, truncated: bool = False) -> Parsed:
        """Read an action from a reply; see the module's text for the order."""
        text, reasoning = apart(reply)
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
        if truncated and json_object(text) is None:
            return Parsed(None, error="the reply was cut off before it was complete")
        for candidate in self._candidates(text):
            return self._validated(candidate)
        union = union_of(self.action_type)
        names = ", ".join(self.action_type.model_fields if union is None else (union.name, union.tag))
        return Parsed(None, error=f"the reply holds no values for {names}")

    def _candidates(self, text: str) -> Iterator[dict[str, Any]]:
        if (whole := json_object(text)) is not None:
            yield whole
        for block in reversed(re.findall(r"```[\w-]*\n?(.*?)```", text, flags=re.DOTALL)):
            if (found := json_object(block.strip())) is not None:
                yield found
        if (found := last_object(text)) is not None:
            yield found
        if union_of(self.action_type) is not None:
            return
        fields = self.action_type.model_fields
        values = {
            name: value
            for name, field in fields.items()
            if (value := labelled(text, name) or labelled(text, field.alias)) is not None
        }
        if len(values) == len(fields):
            yield values

    def _validated(self, candidate: dict[str, Any]) -> Parsed:
        rationale = candidate.get(RATIONALE)
        if not isinstance(rationale, str):
            rationale = None
        known = self._known(candidate)
        for name, value in known.items():
            if isinstance(value, bool):  # Python, unlike JSON, takes true for 1
                return Parsed(None, rationale, f"{name}: {json.dumps(value)} is not a level")
        try:
            return Parsed(self.action_type.model_validate(known), rationale)
        except ValidationError as error:
            union = union_of(self.action_type)
            models = (self.action_type, *(union.kinds.values() if union else ()))
            names = {field.alias: name for model in models for name, field in model.model_fields.items()}
            problems = "; ".join(
                f"{'.'.join(str(names.get(str(part), part)) for part in e['loc'])}: {e['msg']}" for e in error.errors()
            )
            return Parsed(None, rationale, problems)

    def _known(self, candidate: dict[str, Any]) -> dict[str, Any]:
        """What an object holds of the action, by full names; whatever else it holds is passed over."""
        union = union_of(self.action_type)
        if union is None:
            return _known(self.action_type, candidate)
        inner = candidate.get(union.name, candidate.get(union.short, candidate))
        if not isinstance(inner, dict):
            return {union.name: inner}
        any_kind = next(iter(union.kinds.values()))
        tag = _known(any_kind, inner).get(union.tag)
        kind = union.kinds.get(tag) if isinstance(tag, str) else None
        return {union.name: {union.tag: tag} if kind is None else _known(kind, inner)}


def _known(model: type[BaseModel], candidate: Mapping[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        for written in (name, field.alias or name):
            if written in candidate:
                known.setdefault(name, candidate[written])
    return known


def _tokens(allowed: Allowed) -> int:
    """How many tokens a field may take, name and all."""
    if isinstance(allowed, Text):
        return TOKENS_PER_FIELD + allowed.longest // CHARACTERS_PER_TOKEN
    return TOKENS_PER_FIELD + max((len(value.encode()) for value in allowed if isinstance(value, str)), default=0)


def _shown(allowed: Allowed) -> str:
    """What may stand in a field, for the shape of a reply."""
    if isinstance(allowed, Text):
        return '<"text" or null>' if allowed.optional else '"<text>"'
    if len(allowed) == 1:
        return json.dumps(allowed[0])
    if all(isinstance(value, int) for value in allowed):
        return f"<{allowed[0]}-{allowed[-1]}>"
    return f"<{'|'.join(map(str, allowed))}>"
