"""Which mechanical variants a prompt has: those that change a text of it and none of its content."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.core.environment import Environment, Observation
from harness.llm.registry import ReplyFormat
from harness.prompts.loader import Prompt
from harness.prompts.render import variables
from harness.prompts.variants import Variant

NOTHING = "it changes nothing of this prompt"
OTHER_WORDS = "it would change which words are shown, not only their order"
NO_UNITS = "it shows nothing in a unit that has another one in use"
LABELS = "the probabilities of labels belong to their order"

OTHER_NUMBERS = (Variant.MORE_DECIMALS, Variant.UNITS)
"""Variants that write the same facts in other numbers, and so in other words."""


def fitting(
    env: Environment[Any, Any],
    prompt: Prompt,
    reply: ReplyFormat,
    observations: Sequence[Observation],
    *,
    from_logprobs: bool = False,
) -> dict[Variant, str | None]:
    """For every variant why it does not fit, or None where it does; found by rendering all `observations`."""
    before = _texts(env, prompt, reply, observations)
    found: dict[Variant, str | None] = {}
    for variant in Variant:
        if from_logprobs and variant is Variant.OPTIONS_REVERSED:
            found[variant] = LABELS
            continue
        after = _texts(env, replace(prompt, variant=variant), reply, observations)
        if before == after:
            found[variant] = NO_UNITS if variant is Variant.UNITS else NOTHING
        elif variant in OTHER_NUMBERS or [_words(t) for t in before] == [_words(t) for t in after]:
            found[variant] = None
        else:
            found[variant] = OTHER_WORDS
    return found


def _texts(
    env: Environment[Any, Any], prompt: Prompt, reply: ReplyFormat, observations: Sequence[Observation]
) -> list[str]:
    """The static part, and every patient's."""
    static = variables(env, prompt, reply)
    patients = (prompt.observation_message(static, observation.model_dump()).content for observation in observations)
    return [prompt.system_message(static).content, *patients]


def _words(text: str) -> Counter[str]:
    """The words of a text without their order; what separates them moves along with it."""
    return Counter(re.findall(r"[\w.+%/-]+", text))
