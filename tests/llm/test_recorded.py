"""What the cache says of a model: which replies count, and what was asked a second time."""

from __future__ import annotations

import pytest

from harness.core.agent import Message
from harness.llm.cache import ReplyCache, key_of
from harness.llm.recorded import key_of_prompt, recorded
from harness.llm.structured import REPAIR

HERE = {"server": "http://127.0.0.1:1/v1", "model": "m"}
SCHEMA = {"type": "json_schema", "schema": {}}


def request(text, *, system="static", endpoint=HERE, constraint=SCHEMA, temperature=0.0, limit=512, **more):
    messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
    found = {"endpoint": endpoint, "messages": messages, "temperature": temperature, "max_tokens": limit}
    return found | {"seed": 0, "constraint": constraint} | more


def reply(prompt_tokens=50, completion_tokens=10, **more):
    return {"text": "{}", "prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens} | more


@pytest.fixture
def cache(tmp_path):
    made = ReplyCache(tmp_path / "replies.sqlite")
    yield made
    made.close()


def keep(cache, *pairs):
    for asked, answered in pairs:
        cache.put(key_of(asked), asked, answered)


def found(cache, **changes):
    like = {"endpoint": HERE, "constraint": SCHEMA} | changes
    return recorded(cache, like, "static", 512)


def test_second_requests_are_counted_and_are_no_decisions(cache):
    keep(
        cache,
        (request("a"), reply()),
        (request("b"), reply(completion_tokens=512)),
        (request("b", limit=2048), reply(completion_tokens=900)),
        (request(f"{REPAIR}: no."), reply()),
    )
    told = found(cache)
    assert told.n == 4
    assert (told.asked, told.again) == (2, 2)
    assert told.completion.usual == pytest.approx((10 + 512 + 900 + 10) / 4)
    prompts = [[Message(role="system", content="static"), Message(role="user", content=t)] for t in "abc"]
    assert [key_of_prompt(p) in told.kept for p in prompts] == [True, True, False]


def test_replies_of_another_kind_do_not_count(cache):
    keep(
        cache,
        (request("a", endpoint=HERE | {"model": "other"}), reply()),
        (request("a", constraint={}), reply()),
        (request("a", reasoning_effort="high"), reply()),
        (request("a", logprobs=True), reply()),
        (request("b"), reply(usage_reported=False, prompt_tokens=0)),
    )
    assert found(cache) is None
    assert found(cache, logprobs=True).n == 1
    assert found(cache, reasoning_effort="high").n == 1


def test_another_prompt_counts_where_nothing_else_is_known_and_keeps_nothing(cache):
    keep(cache, (request("aaaa", system="another"), reply(prompt_tokens=22)))
    told = found(cache)
    assert (told.same_prompt, told.kept) == (False, frozenset())
    assert told.tokens_per_character.usual == pytest.approx(22 / 11)
    keep(cache, (request("bb"), reply(prompt_tokens=4, cached_tokens=1)))
    assert (found(cache).same_prompt, found(cache).n) == (True, 1)
    assert found(cache).cached_share == pytest.approx(0.25)
    keep(cache, (request("a", constraint={}, system="another"), reply()))
    assert found(cache, constraint={}) is None  # of what format those are, nobody knows


def test_drawn_replies_are_no_reason_not_to_ask(cache):
    keep(cache, *((request("a", temperature=0.7, sample=str(i)), reply(completion_tokens=i)) for i in range(1, 4)))
    told = found(cache)
    assert (told.asked, told.again, told.kept) == (3, 0, frozenset())
    assert told.completion.low < told.completion.usual == 2.0 < told.completion.high
    assert not told.thought
    keep(cache, (request("b"), reply(reasoning="so low")))
    assert found(cache).thought
