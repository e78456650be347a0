"""What servers understand is learnt from their refusals, remembered, and recorded with every reply."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.agents.llm import LLMAgent
from harness.core.agent import Failure, Message, Outcome, Situation
from harness.core.errors import ModelServerError
from harness.envs.icu_sepsis.environment import SepsisAction
from harness.llm import client as client_module
from harness.llm.client import ChatClient
from harness.llm.dialect import Dialect, Mode, remembered
from harness.llm.registry import ReplyFormat, served
from harness.llm.structured import ReplyContract
from harness.prompts.loader import load
from tests.conftest import as_json, completion

CONTRACT = ReplyContract(SepsisAction, ReplyFormat.JSON)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(client_module, "LONGEST_WAIT_S", 0.01)
    monkeypatch.setattr(client_module, "RETRY_FOR_S", 0.5)


def client_of(server, **changes):
    entry = served(server.base_url, "fake").model_copy(update=changes)
    return ChatClient(entry, CONTRACT, None, "run", Path)


async def ask(client, *questions):
    try:
        return [await client.complete([Message(role="user", content=q)]) for q in questions]
    finally:
        await client.close()


def refusing(server, *words):
    """A server that refuses every request in which one of the words is a parameter, naming it."""

    def answer(patient):
        request = server.requests[-1]
        for word, message in words:
            if word in request and (word != "response_format" or message.split()[0] in str(request[word])):
                return 400, {"error": {"message": f"Unsupported parameter: {message}"}}
        return as_json(3)

    return answer


async def test_a_schema_gives_way_to_an_object_to_a_tool_to_text(server):
    def answer(patient):
        request = server.requests[-1]
        kind = request.get("response_format", {}).get("type")
        if kind == "json_schema":
            return 400, {"error": {"message": "json_schema is not available for this model"}}
        if kind == "json_object":
            return 400, {"error": {"message": "response_format json_object is not supported"}}
        if "tools" in request:
            return 400, {"error": {"message": "this model does not support tools"}}
        return as_json(3)

    server.answer = answer
    replies = await ask(client_of(server), "p", "q")
    assert [r.text for r in replies] == [as_json(3)] * 2
    assert len(server.requests) == 5
    assert not replies[0].constrained
    assert remembered(server.base_url, "fake") == Dialect(mode=Mode.TEXT)


async def test_what_was_learnt_is_remembered_by_the_next_client(server):
    server.answer = refusing(
        server, ("temperature", "temperature"), ("max_tokens", "use max_completion_tokens instead")
    )
    (first,) = await ask(client_of(server), "p")
    assert first.left_out == ("temperature",)
    before = len(server.requests)
    (second,) = await ask(client_of(server), "q")
    assert len(server.requests) == before + 1
    sent = server.requests[-1]
    assert "temperature" not in sent
    assert sent["max_completion_tokens"] == 512
    assert second.left_out == ("temperature",)


async def test_a_refusal_that_nothing_mends_is_not_learnt_from(server):
    """Of one prompt the server says what sounds like a refusal of schemas; the next is asked as if nothing had been."""

    def answer(patient):
        return (400, {"error": {"message": "content of json is not allowed"}}) if patient == "bad" else as_json(3)

    server.answer = answer
    client = client_of(server)
    with pytest.raises(ModelServerError, match="is not allowed"):
        await client.complete([Message(role="user", content="bad")])
    (reply,) = await ask(client, "good")
    assert server.requests[-1]["response_format"]["type"] == "json_schema"
    assert (reply.constrained, reply.form) == (True, None)
    assert remembered(server.base_url, "fake") is None


async def test_what_labels_learn_keeps_no_schema_from_being_asked_for(server):
    server.answer = refusing(server, ("temperature", "temperature"))
    labels = ReplyContract(SepsisAction, ReplyFormat.LABEL, actions=[SepsisAction.model_validate_json(as_json(7))])
    client = ChatClient(served(server.base_url, "fake"), labels, None, "run", Path)
    await ask(client, "p")
    assert "response_format" not in server.requests[-1]
    await ask(client_of(server), "q")
    assert server.requests[-1]["response_format"]["type"] == "json_schema"


async def test_the_arguments_of_a_tool_are_the_reply(server):
    def answer(patient):
        if "response_format" in server.requests[-1]:
            return 400, {"error": {"message": "response_format is unknown"}}
        body = completion("")
        call = {"id": "1", "type": "function", "function": {"name": "decide", "arguments": as_json(7)}}
        body["choices"][0]["message"] = {"role": "assistant", "content": None, "tool_calls": [call]}
        return 200, body

    server.answer = answer
    (reply,) = await ask(client_of(server), "p")
    assert reply.text == as_json(7)
    assert (reply.constrained, reply.form) == (True, "tool")


@pytest.mark.parametrize(
    ("mode", "refusal", "following"),
    [
        (Mode.SCHEMA, "Structured outputs are not supported", Mode.OBJECT),
        (Mode.SCHEMA, "unknown field RESPONSE_FORMAT", Mode.TOOL),
        (Mode.OBJECT, "json mode is off", Mode.TOOL),
        (Mode.OBJECT, "tools are not supported", None),
        (Mode.TOOL, "no Function calling here", Mode.TEXT),
        (Mode.TOOL, "response_format is unknown", None),
        (Mode.TEXT, "json, tools and schemas are unknown", None),
    ],
)
def test_only_a_refusal_that_speaks_of_the_mode_leads_to_another(mode, refusal, following):
    dialect = Dialect(mode=mode)
    request = {"messages": [], "max_tokens": 9, "constraint": {"type": "json_schema"}}
    found = dialect.after(refusal, dialect.arguments(request, CONTRACT))
    assert (None if found is None else found.mode) == following


async def test_a_refusal_that_names_nothing_is_an_error(server):
    server.answer = lambda patient: (400, {"error": {"message": "the prompt is too long"}})
    with pytest.raises(ModelServerError, match="the prompt is too long"):
        await ask(client_of(server), "p")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"detail": "response_format is not supported"},
        {"detail": [{"loc": ["body", "response_format"], "msg": "extra fields not permitted"}]},
        {"error": "response_format is not supported"},
        "response_format is not supported",
    ],
)
async def test_a_refusal_is_understood_wherever_it_stands(server, body):
    server.answer = lambda patient: (400, body) if "response_format" in server.requests[-1] else as_json(3)
    (reply,) = await ask(client_of(server), "p")
    assert reply.form == "tool"
    server.answer = lambda patient: (400, {"detail": "the prompt is too long"})
    with pytest.raises(ModelServerError, match=r"failed \(HTTP 400: .*the prompt is too long"):
        await ask(client_of(server), "p")


async def test_several_keys_take_turns(server, monkeypatch):
    monkeypatch.setenv("KEY_A", "a-secret")
    monkeypatch.setenv("KEY_B", "b-secret")
    entry = {"key_env": "KEY_A", "more_key_envs": ("KEY_B", "KEY_UNSET")}
    await ask(client_of(server, **entry), *"pqrs")
    assert server.keys == ["Bearer a-secret", "Bearer b-secret"] * 2
    server.answer = lambda patient: (400, {"error": {"message": "bad keys a-secret b-secret"}})
    with pytest.raises(ModelServerError) as caught:
        await ask(client_of(server, **entry), "p")
    assert "secret" not in str(caught.value)


async def test_usage_thoughts_and_fingerprint_are_kept_apart(server):
    body = completion(as_json(4))
    body["choices"][0]["message"]["reasoning_content"] = "the lactate is high"
    body["usage"]["prompt_tokens_details"] = {"cached_tokens": 80}
    body["system_fingerprint"] = "fp_1"
    server.answer = lambda patient: (200, body)
    (reply,) = await ask(client_of(server), "p")
    assert (reply.reasoning, reply.cached_tokens, reply.fingerprint) == ("the lactate is high", 80, "fp_1")


async def test_what_a_server_says_of_itself_is_kept_if_it_is_text(server):
    body = completion(as_json(4)) | {"provider": "DeepInfra", "service_tier": "default", "system_fingerprint": ["no"]}
    server.answer = lambda patient: (200, body)
    (reply,) = await ask(client_of(server), "p")
    assert (reply.provider, reply.service_tier, reply.fingerprint, reply.otherwise) == (
        "DeepInfra",
        "default",
        None,
        None,
    )


@pytest.mark.parametrize(
    ("reported", "otherwise"),
    [
        ({"temperature": 1.0, "seed": 0}, {"temperature": 1.0}),
        ({"generation_settings": {"temperature": 0.0, "seed": 7, "n_predict": 512}}, {"seed": 7}),
        ({"__verbose": {"generation_settings": {"temperature": 0.0, "max_tokens": 64}}}, {"max_tokens": 64}),
        ({"generation_settings": {"temperature": "low", "seed": None}}, None),
        ({"seed": [1], "temperature": {}}, None),
    ],
)
async def test_a_parameter_that_the_server_reports_otherwise_than_sent_is_kept(server, reported, otherwise):
    server.answer = lambda patient: (200, completion(as_json(4)) | reported)
    (reply,) = await ask(client_of(server), "p")
    assert reply.otherwise == otherwise


async def test_a_rounded_temperature_is_the_one_sent(server):
    server.answer = lambda patient: (200, completion(as_json(4)) | {"temperature": 0.699999988079071})
    client = ChatClient(served(server.base_url, "fake"), CONTRACT, None, "run", Path, temperature=0.7)
    (reply,) = await ask(client, "p")
    assert reply.otherwise is None
    assert reply.seed == server.requests[0]["seed"] > 0


def agent_of(server, sepsis):
    static = {"env": sepsis.spec.model_dump()}
    return LLMAgent("fake", load("icu-sepsis", "direct"), CONTRACT, client_of(server), static)


async def decide(server, sepsis):
    agent = agent_of(server, sepsis)
    try:
        return await agent.act(sepsis.observe(3), Situation(lambda action: None))
    finally:
        await agent.close()


async def test_a_cut_off_reply_is_asked_for_again_with_a_higher_limit(server, sepsis):
    def answer(patient):
        if server.requests[-1]["max_tokens"] < 2_000:
            return 200, completion('{"iv_fluid_level": 2, "vaso', finish_reason="length")
        return as_json(9)

    server.answer = answer
    decision = await decide(server, sepsis)
    assert decision.action == sepsis.actions[9]
    assert (decision.outcome, decision.failure) == (Outcome.OK, None)
    assert [r["max_tokens"] for r in server.requests] == [512, 2_048]
    assert [r.max_tokens for r in decision.requests] == [None, 2_048]


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (completion("no idea"), Failure.UNPARSABLE),
        (completion(as_json(3), finish_reason="content_filter"), Failure.REFUSED),
        (completion('{"iv_fluid_level": 2', finish_reason="length"), Failure.TRUNCATED),
        (completion('{"iv_fluid_level": 9, "vasopressor_level": 0}'), Failure.UNPARSABLE),
    ],
)
async def test_failures_are_told_apart(server, sepsis, body, failure):
    server.answer = lambda patient: (200, body)
    decision = await decide(server, sepsis)
    assert (decision.action, decision.outcome, decision.failure) == (None, Outcome.INVALID, failure)


async def test_a_refusal_in_its_own_field_is_no_answer(server, sepsis):
    body = completion("")
    body["choices"][0]["message"] |= {"content": None, "refusal": "I cannot give medical advice."}
    server.answer = lambda patient: (200, body)
    decision = await decide(server, sepsis)
    assert decision.failure is Failure.REFUSED
    assert "I cannot give medical advice." in decision.error


def test_thoughts_stand_apart_from_the_answer():
    parsed = CONTRACT.parse("<think>pressure is low</think>" + as_json(7))
    assert (parsed.action is not None, parsed.reasoning) == (True, "pressure is low")
    unopened = CONTRACT.parse("pressure is low</think>" + as_json(7))
    assert (unopened.action is not None, unopened.reasoning) == (True, "pressure is low")
    cut = CONTRACT.parse("<think>pressure is", truncated=True)
    assert (cut.action, cut.failure, cut.reasoning) == (None, Failure.TRUNCATED, "pressure is")
