"""Requests over real sockets: retried where worth it, asked once, failures in one sentence without the key."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from harness.core.agent import Message
from harness.core.errors import BudgetSpent, ModelServerError, UsageError
from harness.envs.icu_sepsis.environment import SepsisAction
from harness.llm import client as client_module
from harness.llm.budget import Budget, Limits
from harness.llm.cache import ReplyCache
from harness.llm.client import ChatClient
from harness.llm.registry import ReplyFormat, resolve, served
from harness.llm.request import REPLY_TOKENS
from harness.llm.structured import ReplyContract
from tests.conftest import as_json, completion
from tests.faults import FaultServer

CONTRACT = ReplyContract(SepsisAction, ReplyFormat.JSON)
KEY = "sk-secret-do-not-print"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(client_module, "LONGEST_WAIT_S", 0.01)
    monkeypatch.setattr(client_module, "RETRY_FOR_S", 0.5)


def prompt(text: str) -> list[Message]:
    return [Message(role="system", content="static"), Message(role="user", content=text)]


async def ask(base_url: str, *questions: str, cache: Path | None = None, concurrency: bool = False):
    client = ChatClient(served(base_url, "fake"), CONTRACT, ReplyCache(cache) if cache else None, "run-1", Path)
    try:
        if concurrency:
            return await asyncio.gather(*(client.complete(prompt(q)) for q in questions))
        return [await client.complete(prompt(q)) for q in questions]
    finally:
        await client.close()


async def test_a_request_carries_schema_seed_and_temperature(server):
    (reply,) = await ask(server.base_url, "a patient")
    (request,) = server.requests
    assert request["response_format"]["json_schema"]["schema"] == CONTRACT.schema
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


async def test_a_first_burst_stays_within_the_budget_and_spends_it(server):
    entry = served(server.base_url, "fake")
    budget = Budget(Limits(tokens=1_500), entry)
    client = ChatClient(entry, CONTRACT, None, "run-1", Path, budget=budget)
    asked = [client.complete(prompt(f"patient {i}")) for i in range(30)]
    replies = await asyncio.gather(*asked, return_exceptions=True)
    await client.close()
    assert budget.tokens == 107 * len(server.requests) <= 1_500 < budget.tokens + 107 + REPLY_TOKENS
    assert sum(isinstance(r, BudgetSpent) for r in replies) == 30 - len(server.requests)


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
    assert len(server.requests) > 5


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(401, "refused the key"), (403, "refused the key"), (404, "knows no model 'fake'"), (400, r"failed \(HTTP 400")],
)
async def test_permanent_failures_are_not_retried_and_do_not_show_the_key(server, monkeypatch, status, sentence):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.answer = lambda patient: (status, {"error": {"message": f"no good: {KEY}"}})
    with pytest.raises(ModelServerError, match=sentence) as caught:
        await ask(server.base_url, "p")
    assert len(server.requests) == 1
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
    assert ["tools" in r for r in server.requests] == [False, True, True]


NOTHING = {"index": 0, "finish_reason": "stop", "message": None}
LISTED = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": [{"text": "x"}]}}


@pytest.mark.parametrize(
    "body",
    [
        {"hello": 1},
        {"choices": None},
        completion("x") | {"choices": []},
        completion("x") | {"choices": [{}]},
        completion("x") | {"choices": [NOTHING]},
        completion("x") | {"choices": [LISTED]},
    ],
)
async def test_an_answer_in_another_format_is_a_sentence(server, body):
    server.answer = lambda patient: (200, body)
    with pytest.raises(ModelServerError, match="did not answer in the OpenAI chat format"):
        await ask(server.base_url, "p")


def test_a_missing_key_is_named_before_anything_is_asked():
    with pytest.raises(UsageError, match="needs a key: set the environment variable HF_TOKEN"):
        ChatClient(resolve("qwen2.5-72b"), CONTRACT, None, "run", Path)


def test_a_damaged_cache_is_named(tmp_path):
    from harness.core.errors import HarnessError

    (tmp_path / "c").write_bytes(b"not a database" * 100)
    with pytest.raises(HarnessError, match="cannot be used .*--no-cache"):
        ReplyCache(tmp_path / "c")


async def test_a_server_says_when_to_come_back(server, monkeypatch):
    waits = []
    original = client_module._wait

    def wait(state):
        waits.append(original(state))
        return 0.0

    monkeypatch.setattr(client_module, "_wait", wait)
    monkeypatch.setattr(client_module, "RETRY_FOR_S", 100.0)
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    failures = iter([(429, {"error": {"message": "slow down"}}, {"Retry-After": when}) for when in ("7", date, "soon")])
    server.answer = lambda patient: next(failures, as_json(7))
    await ask(server.base_url, "p")
    assert waits[0] == 7.0
    assert 55 < waits[1] <= 60
    assert waits[2] < 5


async def test_a_server_that_wants_an_hour_is_left_alone(server):
    server.answer = lambda patient: (429, {"error": {"message": "quota"}}, {"Retry-After": "3600"})
    with pytest.raises(
        ModelServerError, match=r"asks not to be asked again for 3600 s \(HTTP 429\); go on with the run"
    ):
        await ask(server.base_url, "p")
    assert len(server.requests) == 1


@pytest.mark.parametrize("pieces", [1, 40])
async def test_a_call_takes_no_longer_than_its_limit(server, monkeypatch, pieces):
    """Neither by silence nor by a byte now and then, which would keep a limit on each read from ever being reached."""
    began = time.monotonic()
    with FaultServer(stall_s=20, faults=("drip" if pieces > 1 else "stall",), share=1.0) as faulty:
        entry = served(faulty.base_url, "fake").model_copy(update={"timeout_s": 0.3})
        client = ChatClient(entry, CONTRACT, None, "run-1", Path)
        with pytest.raises(ModelServerError, match=r"no answer within 0.3 s; allow more with --timeout"):
            await client.complete(prompt("p"))
        await client.close()
        assert sum(faulty.seen.values()) == 2
    assert 0.5 < time.monotonic() - began < 3.0


async def test_a_single_stall_is_asked_again_however_long_it_took(server, monkeypatch):
    monkeypatch.setattr(client_module, "RETRY_FOR_S", 0.1)
    stalls = iter([0.4])
    server.answer = lambda patient: (time.sleep(next(stalls, 0.0)), as_json(7))[1]
    client = ChatClient(
        served(server.base_url, "fake").model_copy(update={"timeout_s": 0.2}), CONTRACT, None, "run-1", Path
    )
    assert (await client.complete(prompt("p"))).text == as_json(7)
    await client.close()


@pytest.mark.parametrize("fault", ["not HTTP", "deep JSON"])
async def test_what_is_not_even_http_is_a_sentence(fault):
    with FaultServer(faults=(fault,), share=1.0, lasting=True) as faulty:
        with pytest.raises(ModelServerError, match="did not answer in the OpenAI chat format"):
            await ask(faulty.base_url, "p")
        assert sum(faulty.seen.values()) == client_module.MALFORMED_TRIES


async def test_counts_of_tokens_may_be_missing(server):
    server.answer = lambda patient: (200, completion(as_json(1)) | {"usage": {"prompt_tokens": None}})
    (reply,) = await ask(server.base_url, "p")
    assert (reply.prompt_tokens, reply.completion_tokens) == (0, 0)


async def test_a_key_is_not_in_a_long_message(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for filler in range(120, 200, 5):
        server.answer = lambda patient, n=filler: (400, {"error": {"message": "x" * n + KEY}})
        with pytest.raises(ModelServerError) as caught:
            await ask(server.base_url, "p")
        assert KEY[:8] not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://u:pass@127.0.0.1/v1", "http://:pass@127.0.0.1/v1", "http://127.0.0.1/v1?key=pass", "127.0.0.1:8000",
        "ftp://h", "http://h:pass/v1", "http://[pass/v1", "http://h/v1#pass",
    ],
)  # fmt: skip
def test_an_address_with_secrets_or_without_sense_is_refused(url):
    with pytest.raises(UsageError) as caught:
        served(url, "m")
    assert "pass" not in str(caught.value)


def test_many_processes_open_a_new_cache_at_once(tmp_path):
    script = (
        "import sys, pathlib\n"
        "from harness.llm.cache import ReplyCache\n"
        "ReplyCache(pathlib.Path(sys.argv[1])).put('k', {}, {})\n"
    )
    words = [sys.executable, "-c", script, str(tmp_path / "cache")]
    running = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True) for _ in range(6)]
    assert [process.communicate()[1] for process in running] == [""] * 6
