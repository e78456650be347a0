"""What a server understands: learnt from its refusals, remembered for each server and model.

Servers that call themselves OpenAI-compatible differ in how they hold a reply to a schema, in the name of the limit of
tokens, and in which sampling parameters they take. A request begins with what asks for most; a refusal (HTTP 400 or
422) that names a parameter leads to the next best. What was left out is recorded with every reply.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_cache_path
from pydantic import BaseModel, ConfigDict, ValidationError

from harness.core.errors import RunError
from harness.core.run import write_json
from harness.llm.structured import ReplyContract

TOOL_NAME = "decide"


class Mode(StrEnum):
    """How a server is asked to hold a reply to the action's schema, the strictest first."""

    SCHEMA = "json_schema"
    OBJECT = "json_object"
    TOOL = "tool"
    TEXT = "text"


WORDS_OF_MODE = {
    Mode.SCHEMA: ("response_format", "schema", "structured", "json"),
    Mode.OBJECT: ("response_format", "json"),
    Mode.TOOL: ("tool", "function"),
    Mode.TEXT: (),
}
"""A refusal with one of these in its text, in lower case, is of the mode; without any it is of something else, and
another mode would not help. Free text asks for nothing that could be refused."""

WORDS = {
    Mode.SCHEMA: "json_schema",
    Mode.OBJECT: "json_object, which allows any JSON",
    Mode.TOOL: "a tool call",
    Mode.TEXT: "nothing, it refused json_schema, json_object and tools",
}
"""The modes for a reader."""

DISPENSABLE = ("temperature", "seed")
"""Parameters that a server may refuse without the decision becoming another one: reasoning models take no temperature,
some servers no seed."""


class Dialect(BaseModel):
    """What is sent to one model of one server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Mode = Mode.SCHEMA
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    left_out: tuple[str, ...] = ()

    def arguments(self, request: Mapping[str, Any], contract: ReplyContract) -> dict[str, Any]:
        """The body of a chat completion, but for the model, for a request in the harness's own words."""
        names = ("messages", "temperature", "seed", "logprobs", "top_logprobs", "reasoning_effort")
        found = {name: request[name] for name in names if name in request and name not in self.left_out}
        found[self.limit] = request["max_tokens"]
        if "grammar" in request["constraint"]:
            return found | {"grammar": request["constraint"]["grammar"]}
        if request["constraint"].get("type") != "json_schema":
            return found
        schema = contract.schema
        name = contract.action_type.__name__
        if self.mode is Mode.SCHEMA:
            held = {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": schema}}
            return found | {"response_format": held}
        if self.mode is Mode.OBJECT:
            return found | {"response_format": {"type": "json_object"}}
        if self.mode is Mode.TOOL:
            function = {"name": TOOL_NAME, "description": schema.get("description", ""), "parameters": schema}
            choice = {"type": "function", "function": {"name": TOOL_NAME}}
            return found | {"tools": [{"type": "function", "function": function}], "tool_choice": choice}
        return found

    def form(self, request: Mapping[str, Any]) -> str | None:
        """How a reply is held to its schema, where that is not by the schema itself."""
        return None if self.mode is Mode.SCHEMA or request["constraint"].get("type") != "json_schema" else self.mode

    def __str__(self) -> str:
        """In words: what a server takes, and what it refused."""
        refused = f"; refused: {', '.join(self.left_out)}" if self.left_out else ""
        return f"replies held by {WORDS[self.mode]}, the limit as {self.limit}{refused}"

    def after(self, refusal: str, sent: Mapping[str, Any]) -> Dialect | None:
        """The next dialect to try after a refusal; None if it names nothing that can be changed."""
        text = refusal.lower()
        if "max_completion_tokens" in text and self.limit == "max_tokens":
            return self.model_copy(update={"limit": "max_completion_tokens"})
        if "max_tokens" in text and self.limit == "max_completion_tokens" and "max_completion_tokens" not in text:
            return self.model_copy(update={"limit": "max_tokens"})
        for name in DISPENSABLE:
            if name in text and name in sent:
                return self.model_copy(update={"left_out": (*self.left_out, name)})
        held = "response_format" in sent or "tools" in sent
        if held and any(word in text for word in WORDS_OF_MODE[self.mode]):
            about_schemas = any(word in text for word in ("schema", "structured"))
            if self.mode is Mode.SCHEMA and not about_schemas:  # the other kind of response_format will not do either
                return self.model_copy(update={"mode": Mode.TOOL})
            return self.model_copy(update={"mode": list(Mode)[list(Mode).index(self.mode) + 1]})
        return None


def remembered(server: str, model: str) -> Dialect | None:
    """What was learnt of a model on a server; None if nothing was, or the note cannot be read."""
    try:
        return Dialect.model_validate_json(_note(server, model).read_text(encoding="utf-8"))
    except (OSError, ValidationError, ValueError):
        return None


def forget(server: str, model: str) -> None:
    """Forget what was learnt: a server may understand more than it did."""
    with suppress(OSError):
        _note(server, model).unlink(missing_ok=True)


def remember(server: str, model: str, dialect: Dialect) -> None:
    """Note what was learnt, for later runs; a cache that cannot be written is no reason to stop."""
    path = _note(server, model)
    with suppress(OSError, RunError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, dialect)


def _note(server: str, model: str) -> Path:
    name = sha256(f"{server}\n{model}".encode()).hexdigest()[:24]
    return user_cache_path("harness") / "dialects" / f"{name}.json"
