"""Mechanical variants of a prompt that keep its meaning: another order, another number of decimals, other units.

They change what a template is given, and never its words: wording cannot be paraphrased mechanically (a prompt that
says the same in other words is a prompt of its own, see `PromptMeta.paraphrases`). Units change where a template writes
a number by the filter `number` and its unit by `unit`, and in features of an MDP that have their units in their names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Literal, Self, cast, get_args, get_origin

from jinja2.sandbox import SandboxedEnvironment
from pydantic import create_model

from harness.core.environment import Action
from harness.core.seeds import stream
from harness.core.units import conversion
from harness.llm.registry import ReplyFormat
from harness.llm.structured import Parsed, ReplyContract
from harness.prompts.units import converted, of_features


class Variant(StrEnum):
    """What is changed."""

    FEATURES_REVERSED = "features-reversed"
    """Lists and tables of the observation are gone through from their end."""
    FEATURES_SHUFFLED_1 = "features-shuffled-1"
    """The same, in an order drawn with the seed 1."""
    FEATURES_SHUFFLED_2 = "features-shuffled-2"
    """The same, in an order drawn with the seed 2."""
    OPTIONS_REVERSED = "options-reversed"
    """The fields of a reply, the values that are words, and the list of actions stand in reverse order."""
    MORE_DECIMALS = "more-decimals"
    """Numbers that a template formats have one decimal more."""
    UNITS = "units"
    """Quantities stand in other units that are in use: minutes for hours, µmol/L for mg/dL."""


FEATURES = "features"
"""The field in which an MDP from a user's files has named numbers."""

Order = Callable[[Sequence[Any]], list[Any]]


def _reversed(items: Sequence[Any]) -> list[Any]:
    return list(items)[::-1]


def _shuffled(seed: int) -> Order:
    return lambda items: [items[i] for i in stream(seed, "order of features").permutation(len(items))]


ORDERS: Mapping[Variant, Order] = {
    Variant.FEATURES_REVERSED: _reversed,
    Variant.FEATURES_SHUFFLED_1: _shuffled(1),
    Variant.FEATURES_SHUFFLED_2: _shuffled(2),
}


class Reordered(tuple[Any, ...]):
    """A sequence gone through in another order.

    Its slices are those of the original, so that a template that shows the first eight still shows the same ones.
    """

    _order: Order

    def __new__(cls, items: Sequence[Any], order: Order) -> Self:  # noqa: D102 - as the class
        made = super().__new__(cls, items)
        made._order = order
        return made

    def __iter__(self) -> Iterator[Any]:
        return iter(self._order([self[i] for i in range(len(self))]))

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return Reordered(found, self._order) if isinstance(key, slice) else found


def of_observation(variant: Variant | None, observation: Mapping[str, Any]) -> dict[str, Any]:
    """What the patient's template is given."""
    if variant is Variant.UNITS:
        return {name: of_features(v) if name == FEATURES else v for name, v in observation.items()}
    order = ORDERS.get(variant) if variant is not None else None
    return dict(observation) if order is None else {name: _of_value(v, order) for name, v in observation.items()}


def _of_value(value: Any, order: Order) -> Any:
    if isinstance(value, Mapping):
        return dict(order(list(value.items())))
    return Reordered(value, order) if isinstance(value, tuple | list) else value


def of_static(variant: Variant | None, static: Mapping[str, Any]) -> dict[str, Any]:
    """What both templates are given; its list of actions is the environment's."""
    env = static.get("env")
    if variant is not Variant.OPTIONS_REVERSED or not isinstance(env, Mapping) or "actions" not in env:
        return dict(static)
    return {**static, "env": {**env, "actions": tuple(env["actions"])[::-1]}}


def of_sandbox(variant: Variant | None, jinja: SandboxedEnvironment) -> None:
    """Give templates the filters `number` and `unit`, and change what filters do."""

    def number(value: float, form: str, unit: str, of: str | None = None) -> str:
        shown = str((_finer(form) if variant is Variant.MORE_DECIMALS else form) % value)
        by = conversion(unit, of) if variant is Variant.UNITS else None
        return shown if by is None else converted(shown, by)

    def unit(name: str, of: str | None = None) -> str:
        by = conversion(name, of) if variant is Variant.UNITS else None
        return name if by is None else by.other

    jinja.filters |= {"number": number, "unit": unit}
    if variant is Variant.MORE_DECIMALS:
        jinja.filters["format"] = lambda text, *values, **named: _finer(str(text)) % (named or values)


def _finer(form: str) -> str:
    return re.sub(r"(%[-+ 0#]*\d*\.)(\d+)f", lambda m: f"{m[1]}{int(m[2]) + 1}f", form)


@dataclass(frozen=True)
class Turned(ReplyContract):
    """A contract whose fields stand in reverse order; what is read from a reply is an `original` action again."""

    original: type[Action] = Action

    def parse(self, reply: str, *, truncated: bool = False) -> Parsed:
        """Read an action from a reply."""
        found = super().parse(reply, truncated=truncated)
        if found.action is None:
            return found
        return replace(found, action=self.original.model_validate(found.action.model_dump()))


def contract(
    variant: Variant | None,
    action_type: type[Action],
    written: ReplyFormat,
    rationale: bool,
    actions: tuple[Action, ...],
) -> ReplyContract:
    """The contract of replies under a variant."""
    if variant is not Variant.OPTIONS_REVERSED:
        return ReplyContract(action_type, written, rationale, actions)
    if written is ReplyFormat.LABEL:
        return ReplyContract(action_type, written, rationale, actions[::-1])
    return Turned(_turned(action_type), written, rationale, actions, original=action_type)


def _turned(action_type: type[Action]) -> type[Action]:
    """The same model, its fields and the words that they allow in reverse order."""
    fields: dict[str, Any] = {
        name: (_turned_words(field.annotation), field)
        for name, field in reversed(list(action_type.model_fields.items()))
    }
    made = create_model(action_type.__name__, __base__=Action, __doc__=action_type.__doc__, **fields)
    return cast(type[Action], made)


def _turned_words(annotation: Any) -> Any:
    literal: Any = Literal
    return literal[get_args(annotation)[::-1]] if get_origin(annotation) is Literal else annotation
