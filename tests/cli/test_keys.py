"""A key stands nowhere: not in a run, not in a cache, not in what is printed, whatever a server sends back."""

from __future__ import annotations

import json
import socket
import traceback
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest

from harness.core.agent import Message
from harness.core.errors import ModelServerError
from harness.llm import client as client_module
from harness.llm.client import ChatClient
from harness.llm.probe import CONTRACT
from harness.llm.registry import ModelEntry, served
from tests.conftest import as_json, completion
from tests.echo import EchoServer, http

KEYS = {"FIRST_KEY": "sk-proj/First+Secret=0123456789", "SECOND_KEY": "gsk_SecondSecret/9876543210="}


def traces() -> set[bytes]:
    """What a search for the keys looks for."""
    found = set()
    for key in KEYS.values():
        found |= {key, key[:12], key[-12:], quote(key, safe=""), quote(key), quote(quote(key), safe="")}
        for before in ("", "k", "Bearer ", "Authorization: Bearer "):
            encoded = b64encode((before + key).encode()).decode()
            found |= {encoded, encoded[-20:-4], encoded.replace("+", "-").replace("/", "_")}
    return {form.encode() for form in found}


def require_no_key(data: bytes, where: object) -> None:
    shown = [form for form in traces() if form in data]
    assert not shown, (where, shown)


def said(authorization: str) -> str:
    """A server's complaint in which the key stands in every form."""
    key = authorization.removeprefix("Bearer ")
    coded = b64encode(authorization.encode()).decode()
    return f"json_schema? {authorization}; https://h/?k={quote(key, safe='')} {coded} {key[:16]}… {key}"


def complaint(status: str, **headers: str):
    def reply(authorization: str) -> bytes:
        return http(status, json.dumps({"error": {"message": said(authorization)}}), **headers)

    return reply


def page(status: str):
    return lambda authorization: http(status, f"<html><h1>{said(authorization)}</h1></html>", "text/html")


def in_every_field(authorization: str) -> bytes:
    """A reply that can be used, with the key wherever a server can put text."""
    text = said(authorization)
    body = completion(as_json(7)) | dict.fromkeys(
        ("model", "provider", "service_tier", "system_fingerprint", "id"), text
    )
    message = {"role": "assistant", "content": f"{text} {as_json(7)}", "reasoning": text}
    body["choices"] = [{"index": 0, "finish_reason": text, "message": message}]
    return http("200 OK", json.dumps(body), **{"X-Request-Id": text})


def unusable(authorization: str) -> bytes:
    """A reply without an action: it is quoted to the model, and in the trace."""
    return http("200 OK", json.dumps(completion(said(authorization)[14:])))


def refused(authorization: str) -> bytes:
    body = completion("")
    body["choices"][0]["message"] |= {"content": None, "refusal": said(authorization)}
    return http("200 OK", json.dumps(body))


def malformed(authorization: str) -> bytes:
    body = completion("x") | {"choices": [{"message": {"role": authorization, "content": [{"text": authorization}]}}]}
    return http("200 OK", json.dumps(body | {"error": said(authorization)}))


ENDING_IN_AN_ERROR = {
    "wrong key": complaint("401 Unauthorized"),
    "forbidden": complaint("403 Forbidden"),
    "bad request": complaint("400 Bad Request"),
    "no such model": complaint("404 Not Found"),
    "throttled": complaint("429 Too Many Requests", **{"Retry-After": KEYS["FIRST_KEY"]}),
    "out of order": complaint("500 Internal Server Error"),
    "a page": page("200 OK"),
    "a page in place of a refusal": page("400 Bad Request"),
    "a page of a proxy": page("502 Bad Gateway"),
    "reason": lambda authorization: http(f"400 {authorization}", "{}"),
    "not HTTP": lambda authorization: f"{authorization}\r\n{said(authorization)}\r\n\r\n".encode(),
    "not JSON": lambda authorization: http("200 OK", said(authorization)),
    "malformed": malformed,
    "redirect to nowhere": lambda authorization: http(
        "302 Found", "", Location=f"http://127.0.0.1:9/?k={authorization}"
    ),
    "redirect to itself": lambda authorization: http("307 Go", "", Location=f"/v1/chat/completions?k={authorization}"),
    "redirect to no address": lambda authorization: http("302 Found", "", Location=f"key:{authorization}"),
}
ENDING_WELL = {"in every field": in_every_field, "no action": unusable, "refusal": refused}


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    monkeypatch.setattr(client_module, "LONGEST_WAIT_S", 0.01)
    monkeypatch.setattr(client_module, "RETRY_FOR_S", 0.1)


def entry(*urls: str) -> ModelEntry:
    return ModelEntry(
        alias="mine",
        title="t",
        base_url=urls[0],
        more_urls=urls[1:],
        model_id="m",
        key_env="FIRST_KEY",
        more_key_envs=("SECOND_KEY",),
    )


@pytest.mark.parametrize("fault", ENDING_IN_AN_ERROR)
async def test_no_error_holds_a_key(fault, tmp_path):
    with EchoServer(ENDING_IN_AN_ERROR[fault]) as server:
        client = ChatClient(entry(server.base_url), CONTRACT, None, "run", lambda: tmp_path)
        for _ in KEYS:
            with pytest.raises(ModelServerError) as caught:
                await client.complete([Message(role="user", content="p")])
            error: BaseException | None = caught.value
            while error is not None:
                require_no_key(f"{error} {error!r} {vars(error)}".encode(), fault)
                error = error.__cause__ or error.__context__
            shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=False).format())
            require_no_key(shown.encode(), fault)
        await client.close()
    assert {key.removeprefix("Bearer ") for key in server.keys} == set(KEYS.values())


async def test_the_variable_of_the_key_that_was_refused_is_named(tmp_path):
    wrong = KEYS["SECOND_KEY"]
    good = http("200 OK", json.dumps(completion("{}")))
    with EchoServer(
        lambda authorization: complaint("401 No")(authorization) if wrong in authorization else good
    ) as server:
        client = ChatClient(entry(server.base_url), CONTRACT, None, "run", lambda: tmp_path)
        await client.complete([Message(role="user", content="p")])
        with pytest.raises(ModelServerError, match=r"refused the key \(HTTP 401\); check SECOND_KEY\."):
            await client.complete([Message(role="user", content="p")])
        await client.close()


@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
async def test_no_key_follows_a_redirect_to_another_server(status, tmp_path):
    with EchoServer(lambda authorization: http("200 OK", json.dumps(completion("{}")))) as other:
        away = http(status, "", Location=f"{other.base_url}/chat/completions")
        with EchoServer(lambda authorization: away) as server:
            client = ChatClient(entry(server.base_url), CONTRACT, None, "run", lambda: tmp_path)
            await client.complete([Message(role="user", content="p")])
            await client.close()
    assert server.keys == [f"Bearer {KEYS['FIRST_KEY']}"]
    assert other.keys == [""]


OF_OPENAI = {
    "OPENAI_CUSTOM_HEADERS": "X-Gateway: gateway-secret\nAuthorization: Bearer other-secret",
    "OPENAI_ORG_ID": "org-secret",
    "OPENAI_PROJECT_ID": "project-secret",
    "OPENAI_ADMIN_KEY": "admin-secret",
    "OPENAI_API_KEY": "sk-main-secret",
}


@pytest.mark.parametrize("variable", ["FIRST_KEY", None])
async def test_what_is_meant_for_openai_goes_to_no_other_server(variable, monkeypatch, tmp_path):
    for name, value in OF_OPENAI.items():
        monkeypatch.setenv(name, value)
    with EchoServer(lambda authorization: http("200 OK", json.dumps(completion("{}")))) as server:
        asked = entry(server.base_url).model_copy(update={"key_env": variable, "more_key_envs": ()})
        client = ChatClient(asked, CONTRACT, None, "run", lambda: tmp_path)
        await client.complete([Message(role="user", content="p")])
        await client.close()
    assert "secret" not in str(server.headers)
    assert server.keys == [f"Bearer {KEYS['FIRST_KEY'] if variable else 'none'}"]


async def test_whoever_gets_openais_key_gets_the_headers_that_go_with_it(monkeypatch, tmp_path):
    for name, value in OF_OPENAI.items():
        monkeypatch.setenv(name, value.partition("\n")[0])
    with EchoServer(lambda authorization: http("200 OK", json.dumps(completion("{}")))) as server:
        client = ChatClient(served(server.base_url, "m"), CONTRACT, None, "run", lambda: tmp_path)
        await client.complete([Message(role="user", content="p")])
        await client.close()
    (headers,) = server.headers
    assert (headers["authorization"], headers["x-gateway"]) == ("Bearer sk-main-secret", "gateway-secret")
    assert headers["openai-organization"] == "org-secret"


def everything_below(folder: Path) -> dict[str, bytes]:
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {**files, "names": "\n".join(files).encode()}


def test_no_file_and_no_output_holds_a_key(tmp_path, forks):
    """Through commands in processes of their own: runs, resumed runs, checks, lists, two servers and two keys."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
    rollout = ("eval", "--model", "mine", "--method", "rollout", "--episodes", "2", "--log", "openenv")
    certify = ("eval", "--model", "mine", "--epsilon", "0.3", "--json")
    fine = {"content": lambda authorization: http("200 OK", json.dumps(completion(as_json(7))))}
    waits = {"LONGEST_WAIT_S": 0.01, "RETRY_FOR_S": 0.1}
    with EchoServer(fine["content"]) as one, EchoServer(fine["content"]) as two:

        def does(*words: str) -> int:
            status = forks.start(words, tmp_path, waits=waits).wait()
            for name in ("stdout", "stderr"):
                require_no_key((tmp_path / name).read_bytes(), (words, name))
            return status

        def known(*urls: str) -> None:
            text = f'[mine]\ntitle="t"\nbase_url="{urls[0]}"\nmore_urls={json.dumps(urls[1:])}\nmodel_id="m"\n'
            text += 'key_env="FIRST_KEY"\nmore_key_envs=["SECOND_KEY"]\n'
            (tmp_path / "harness.models.toml").write_text(text)

        known(one.base_url, two.base_url)
        assert does(*certify) == 0
        assert does(*rollout) == 0
        failing = ("wrong key", "throttled", "a page of a proxy", "not HTTP", "malformed", "redirect to nowhere")
        for name, reply in (ENDING_WELL | {name: ENDING_IN_AN_ERROR[name] for name in failing}).items():
            one.reply = two.reply = reply
            runs = set((tmp_path / "runs").iterdir())
            status = does(*(rollout if name in ENDING_WELL else certify), "--no-cache", "--concurrency", "1")
            assert status == (0 if name in ENDING_WELL else 1), name
            if status:
                (begun,) = set((tmp_path / "runs").iterdir()) - runs
        one.reply = two.reply = fine["content"]
        assert does("eval", "--resume", str(begun), "--log", "openenv") == 0
        one.reply = two.reply = in_every_field
        for command in (
            certify,
            ("models", "check", "mine"),
            ("models",),
            ("models", "show", "mine"),
            ("cache", "stats"),
        ):
            assert does(*command) == 0
        assert does("trace", str(begun), "--worst", "3") == 0
        known(one.base_url)
        one.reply = lambda key: (complaint("400 No") if "response_format" in one.bodies[-1] else in_every_field)(key)
        assert does(*certify, "--no-cache", "--concurrency", "1") == 0
        known(nobody)
        assert does(*certify, "--no-cache") == 1
        assert does("models", "check", "mine") == 1
    sent = {key.removeprefix("Bearer ") for key in one.keys + two.keys}
    assert sent == set(KEYS.values())
    files = everything_below(tmp_path)
    for name, data in files.items():
        require_no_key(data, name)
    for kind in ("manifest.json", "decisions.jsonl", "trace.jsonl", "summary.json", "replies.sqlite", "stderr"):
        assert [name for name in files if name.endswith(kind)], kind
    assert [name for name in files if "/dialects/" in name]
    assert any(b"[key]" in data for name, data in files.items() if name.endswith("trace.jsonl"))
