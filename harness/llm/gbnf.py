"""Grammars in llama.cpp's notation: what a reply may be, without any white space."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from harness.llm.shape import Allowed, Text, fields_of


def root(rule: str) -> str:
    """A whole grammar."""
    return f"root ::= {rule}"


def literal(text: str) -> str:
    """Exactly this text."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def text(longest: int) -> str:
    """A JSON string of so many characters, without quotes, backslashes and line ends."""
    return f'"\\"" [^"\\\\\\n]{{1,{longest}}} "\\""'


def braces(members: Sequence[str]) -> str:
    """A JSON object of these members."""
    return literal("{") + " " + f" {literal(',')} ".join(members) + " " + literal("}")


def member(name: str, value: str) -> str:
    """A member of an object, its value given as a rule."""
    return f"{literal(json.dumps(name) + ':')} {value}"


def members(model: type[BaseModel], names: Mapping[str, str]) -> list[str]:
    """Every field of a flat model, under the names that they are written with."""
    return [member(names[name], _value(allowed)) for name, allowed in fields_of(model).items()]


def _value(allowed: Allowed) -> str:
    if not isinstance(allowed, Text):
        return "(" + " | ".join(literal(json.dumps(value)) for value in allowed) + ")"
    return f'({text(allowed.longest)} | "null")' if allowed.optional else text(allowed.longest)
