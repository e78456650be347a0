"""Requests over real sockets: retried where worth it, asked once, failures in one sentence without the key."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from harness.core.agent import Message
from harness.core.errors import ModelServerError, UsageError
from harness.envs.icu_sepsis.environment import SepsisAction
from harness.llm import client as client_module
from harness.llm.cache import ReplyCache
from harness.llm.client import ChatClient
from harness.llm.registry import ReplyFormat, resolve, served
from harness.llm.structured import ReplyContract
from tests.conftest import as_json, completion

CONTRACT = ReplyContract(SepsisAction, ReplyFormat.JSON)
KEY = "sk-secret-do-not-print"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(client_module, "LONGEST_WAIT_S", 0.01)


def prompt(text: str) -> list[Message]:
    return [Message(role="system", content="static"), Message(role="user", content=text)]


async def ask(base_url: str, *questions: str, cache: Path | None = None, concurrency: bool = False):
    client = ChatClient(
        served(base_url, "fake"), CONTRACT, ReplyCache(cache) if cache else None, "run-1", Path("server.log")
    )
    try:
        if concurrency:
            return await asyncio.gather(*(client.complete(prompt(q)) for q in questions))
        return [await client.complete(prompt(q)) for q in questions]
    finally:
        await client.close()


async def test_a_request_carries_schema_seed_and_temperature(server):
    (reply,) = await ask(server.base_url, "a patient")
    (request,) = server.requests
    assert request["response_format"]["json_schema"]["schema"] == CONTRACT.json_schema()
    assert request["temperature"] == 0
    assert request["seed"] == 0
    assert (reply.model, reply.prompt_tokens, reply.completion_tokens) == ("fake-1", 100, 7)


async def test_identical_requests_are_asked_once_across_clients(server, tmp_path):
    first = await ask(server.base_url, "p", "p", "q", cache=tmp_path / "c")
    again = await ask(server.base_url, "q", "p", cache=tmp_path / "c")
    assert len(server.requests) == 2
    assert [r.text for r in again] == [first[2].text, first[0].text]


async def test_identical_requests_in_flight_are_asked_once(server, tmp_path):
    replies = await ask(server.base_url, *["p"] * 20, cache=tmp_path / "c", concurrency=True)
    assert len(server.requests) == 1
    assert len({r.text for r in replies}) == 1


async def test_without_a_cache_every_request_is_asked(server):
    await ask(server.base_url, "p", "p")
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_passing_failures_are_retried(server, status):
    failures = iter([(status, {"error": {"message": "busy"}})] * 3)
    server.answer = lambda patient: next(failures, as_json(7))
    (reply,) = await ask(server.base_url, "p")
    assert reply.text == as_json(7)
    assert len(server.requests) == 4


async def test_lasting_failures_end_in_a_sentence(server):
    server.answer = lambda patient: (503, {"error": {"message": "out of order"}})
    with pytest.raises(ModelServerError, match=r"failed \(HTTP 503: .*out of order"):
        await ask(server.base_url, "p")
    assert len(server.requests) == client_module.ATTEMPTS


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(401, "refused the key"), (403, "refused the key"), (404, "knows no model 'fake'"), (400, r"failed \(HTTP 400")],
)
async def test_permanent_failures_are_not_retried_and_do_not_show_the_key(server, monkeypatch, status, sentence):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.answer = lambda patient: (status, {"error": {"message": f"no good: {KEY}"}})
    with pytest.raises(ModelServerError, match=sentence) as caught:
        await ask(server.base_url, "p")
    assert len(server.requests) <= 2  # a 400 is tried once more without the schema
    assert server.keys[0] == f"Bearer {KEY}"
    assert KEY not in str(caught.value)


async def test_a_refused_connection_is_permanent():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ModelServerError, match="refuses connections; check that it runs"):
        await ask(f"http://127.0.0.1:{port}/v1", "p")


async def test_a_server_without_schemas_is_asked_without(server):
    def answer(patient):
        if "response_format" in server.requests[-1]:
            return 400, {"error": {"message": "response_format is not supported"}}
        return as_json(3)

    server.answer = answer
    replies = await ask(server.base_url, "p", "q")
    assert [r.text for r in replies] == [as_json(3)] * 2
    assert ["response_format" in r for r in server.requests] == [True, False, False]


@pytest.mark.parametrize("body", [{"hello": 1}, completion("x") | {"choices": []}, {"choices": None}])
async def test_an_answer_in_another_format_is_a_sentence(server, body):
    server.answer = lambda patient: (200, body)
    with pytest.raises(ModelServerError, match="did not answer in the OpenAI chat format"):
        await ask(server.base_url, "p")


def test_a_missing_key_is_named_before_anything_is_asked():
    with pytest.raises(UsageError, match="needs a key: set the environment variable HF_TOKEN"):
        ChatClient(resolve("qwen2.5-72b"), CONTRACT, None, "run", Path("log"))


def test_a_damaged_cache_is_named(tmp_path):
    from harness.core.errors import HarnessError

    (tmp_path / "c").write_bytes(b"not a database" * 100)
    with pytest.raises(HarnessError, match="cannot be used .*--no-cache"):
        ReplyCache(tmp_path / "c")
