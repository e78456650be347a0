"""What an action looks like in writing: its fields, what each may hold, and what it is called.

An action is either flat, each field a finite choice, or it wraps a choice between several kinds of action: one field
whose models are told apart by a tag (a discriminated union). Only those may hold free text. A union stands inside an
object of its own because servers that hold replies to a schema want an object at the top.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, get_args

from pydantic import BaseModel

from harness.core.environment import Action


@dataclass(frozen=True)
class Text:
    """Free text of so many characters, at most; `optional` if nothing (null) will do too."""

    longest: int
    optional: bool


Allowed = tuple[int | str, ...] | Text
"""What a field may hold: one of a list, or text."""


@dataclass(frozen=True)
class Union:
    """The field that wraps several kinds of action.

    Attributes
    ----------
    name, short : str
        What the field is called, in full and in short.
    tag : str
        The field of every kind that says which it is; that is its default.
    kinds : dict of tag to model
    """

    name: str
    short: str
    tag: str
    kinds: dict[str, type[BaseModel]]


@lru_cache(maxsize=64)
def union_of(action_type: type[Action]) -> Union | None:
    """The union that an action wraps; None if it is flat."""
    if len(action_type.model_fields) != 1:
        return None
    ((name, field),) = action_type.model_fields.items()
    tag = field.discriminator
    if not isinstance(tag, str):
        return None
    kinds = {str(kind.model_fields[tag].default): kind for kind in get_args(field.annotation)}
    return Union(name, field.alias or name, tag, kinds)


@lru_cache(maxsize=64)
def fields_of(model: type[BaseModel]) -> dict[str, Allowed]:
    """What each field of a flat model may hold, by its JSON schema.

    Raises
    ------
    TypeError
        If a field is neither an integer between two bounds, nor a list of allowed texts, nor text of a limited length.
    """
    schema = model.model_json_schema(by_alias=False)
    found: dict[str, Allowed] = {}
    for name, value in schema["properties"].items():
        several = value.get("anyOf", [value])
        given = [_resolved(option, schema) for option in several if option.get("type") != "null"]
        optional = len(given) < len(several)
        field = given[0]
        if len(given) == 1 and field.get("type") == "string" and "maxLength" in field:
            found[name] = Text(field["maxLength"], optional)
        elif len(given) == 1 and not optional and (choices := _choices(field)):
            found[name] = choices
        else:
            raise TypeError(f"the field '{name}' of {model.__name__} is neither a finite choice nor text with a limit")
    return found


def _resolved(value: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema["$defs"][value["$ref"].rsplit("/", 1)[1]] if "$ref" in value else value
    return found


def _choices(field: dict[str, Any]) -> tuple[int | str, ...]:
    if "enum" in field:
        return tuple(field["enum"])
    if "const" in field:
        return (field["const"],)
    if field.get("type") == "integer" and "minimum" in field and "maximum" in field:
        return tuple(range(field["minimum"], field["maximum"] + 1))
    return ()


def written_names(model: type[BaseModel], *, short: bool) -> dict[str, str]:
    """What each field is called in a reply."""
    return {name: (field.alias or name) if short else name for name, field in model.model_fields.items()}


def strict_schema(model: type[BaseModel]) -> dict[str, Any]:
    """JSON schema of a model in the strict form that servers enforce: every field required, and nothing else allowed.

    Of a union, `anyOf` without a discriminator: servers know no other way to write one.
    """
    schema = model.model_json_schema(by_alias=False)
    found = _strict(schema)
    definitions = {name: _strict(value) for name, value in schema.get("$defs", {}).items()}
    return found | ({"$defs": definitions} if definitions else {})


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    if "properties" not in schema:
        return schema
    properties = {name: _strict_value(value) for name, value in schema["properties"].items()}
    found = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return found | ({"description": schema["description"]} if "description" in schema else {})


UNKNOWN_TO_SERVERS = ("title", "default", "discriminator", "minLength", "maxLength", "oneOf", "anyOf")


def _strict_value(value: dict[str, Any]) -> dict[str, Any]:
    left = {key: given for key, given in value.items() if key not in UNKNOWN_TO_SERVERS}
    several = value.get("oneOf") or value.get("anyOf")
    return left | ({"anyOf": [_strict_value(option) for option in several]} if several else {})
