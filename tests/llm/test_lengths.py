"""Lengths of replies before there are any: what is held by a grammar, what a server may write, what nobody knows."""

from __future__ import annotations

import numpy as np
import pytest

from harness.core.agent import Message
from harness.envs.icu_sepsis.environment import ACTIONS, SepsisAction
from harness.llm.lengths import ENOUGH, PROMPT_RATIO, by_characters, completion
from harness.llm.recorded import Recorded
from harness.llm.registry import ReplyFormat, resolve, served
from harness.llm.structured import ReplyContract

SERVED = served("http://127.0.0.1:1/v1", "m")


def contract(form, *, rationale=False):
    return ReplyContract(SepsisAction, form, rationale, ACTIONS)


def replies(found, entry=SERVED, form=ReplyFormat.JSON, *, rationale=False):
    made = contract(form, rationale=rationale)
    return completion(entry, made, [made.write(action) for action in ACTIONS], found)


def record(n, *, thought=False):
    counts = np.arange(n) % 3
    return Recorded(True, np.full(n, 310), 100 + counts, 20 + counts, np.zeros(n, int), n, 0, thought, frozenset())


def test_what_a_grammar_allows_is_in_range():
    """Both embedded models were seen to take 10 to 16 tokens for {"iv":1,"vp":1}."""
    tokens, _ = replies(None, resolve("qwen"), ReplyFormat.SHORT)
    assert tokens.low <= 10 <= 16 <= tokens.high == 16
    longer, basis = replies(None, resolve("qwen"), ReplyFormat.SHORT, rationale=True)
    assert longer.high == contract(ReplyFormat.SHORT, rationale=True).max_tokens() > 160
    assert "240 characters of reasons" in basis
    limited, _ = replies(None, resolve("qwen").model_copy(update={"max_tokens": 7}), ReplyFormat.SHORT)
    assert limited.high == limited.usual == 7


def test_one_letter_is_one_token_where_it_is_held_to():
    assert replies(None, resolve("qwen"), ReplyFormat.LABEL)[0].high == 1
    assert replies(None, SERVED, ReplyFormat.LABEL)[0].high > 1


def test_a_server_may_write_json_wide():
    """`json_schema` was seen decoded into 28 tokens."""
    tokens, basis = replies(None)
    assert tokens.low < 28 < tokens.high
    assert "from compact to indented in a fence" in basis


@pytest.mark.parametrize("change", [{"reasoning_effort": "low"}, {"max_tokens": 8_000}])
def test_thoughts_have_no_length_until_some_are_recorded(change):
    thinker = SERVED.model_copy(update=change)
    tokens, basis = replies(None, thinker)
    assert tokens is None
    assert "is not known" in basis
    assert replies(record(ENOUGH, thought=True), thinker)[0] is not None
    assert replies(record(ENOUGH - 1, thought=True), SERVED)[0] is None


def test_recorded_replies_tell_their_mean_and_how_many_they_are():
    tokens, basis = replies(record(30))
    assert tokens.usual == pytest.approx(21)
    assert tokens.low < tokens.usual < tokens.high
    assert "30 recorded ones to this prompt" in basis


def test_recorded_prompts_give_the_ratio():
    prompt = [Message(role="system", content="a" * 300), Message(role="user", content="b" * 10)]
    found = by_characters(record(30))
    assert found.prompt(prompt) * found.tokens.usual == pytest.approx(101)
    assert found.static(prompt[0]) == 300
    assert by_characters(record(ENOUGH - 1)).tokens == by_characters(None).tokens == PROMPT_RATIO
