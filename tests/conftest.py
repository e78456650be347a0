"""Shared fixtures: the real ICU-Sepsis, a real HTTP server with a known policy, isolated caches."""

from __future__ import annotations

import json
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line does, before numpy is imported

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

if hasattr(os, "sched_setaffinity") and (worker := os.environ.get("PYTEST_XDIST_WORKER")):
    # Threads of one model wait for one another by spinning: on a core that another test is busy on, many times as long.
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})

from harness.envs.registry import make
from tests.forked import Forks

Answer = Callable[[str], Any]


@pytest.fixture(scope="session")
def sepsis():
    """The real ICU-Sepsis environment."""
    return make("icu-sepsis")


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's caches or settings, or sees the user's keys."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("OPENAI_API_KEY", "HF_TOKEN", "API_BASE_URL", "MODEL_NAME"):
        monkeypatch.delenv(name, raising=False)


def hashed_action(patient: str) -> int:
    """The fake server's policy: an action index that anyone can compute from the patient's text."""
    return sha256(patient.encode()).digest()[0] % 25


def as_json(index: int) -> str:
    """An action as the schema wants it."""
    return json.dumps({"iv_fluid_level": index // 5, "vasopressor_level": index % 5})


@dataclass
class FakeServer:
    """An OpenAI-compatible server on a real socket. `answer` maps the last user message to a reply.

    A reply is the assistant's text, or (status, body), or (status, body, headers).
    """

    answer: Answer = lambda patient: as_json(hashed_action(patient))
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    base_url: str = ""

    def asked(self) -> Counter[str]:
        """How often each first question was asked (repair turns left out)."""
        first = [r["messages"] for r in self.requests if len(r["messages"]) == 2]
        return Counter(messages[-1]["content"] for messages in first)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    fake = FakeServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # one packet a reply: two of them would wait 40 ms for an acknowledgement

        def do_POST(self) -> None:
            payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            fake.requests.append(payload)
            fake.keys.append(self.headers.get("Authorization"))
            reply = fake.answer(payload["messages"][-1]["content"])
            status, body, *headers = reply if isinstance(reply, tuple) else (200, completion(reply))
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in headers[0].items() if headers else ():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)
            self.wfile.flush()

        def log_message(self, *args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    fake.base_url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    yield fake
    http.shutdown()
    http.server_close()


def completion(text: str, finish_reason: str = "stop") -> dict[str, Any]:
    """A chat completion."""
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 0,
        "model": "fake-1",
        "choices": [{"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 107},
    }


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest file first, so that no process is left alone with it."""
    items.sort(key=lambda item: item.path.name != "test_real_model.py")


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """One process that has imported everything, for all commands of this one."""
    with Forks() as started:
        yield started


@pytest.fixture
def harness_command(tmp_path: Path, forks: Forks) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line in a process of its own, in an empty folder, perhaps with lines typed beforehand."""

    def run(*words: str, typed: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return forks.run(words, tmp_path, {**os.environ, **environment}, typed)

    return run


@pytest.fixture
def harness_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The same in this process, seconds faster: imports are done, and what a test has patched holds."""
    from harness.cli.main import main

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["harness", *words])
        capsys.readouterr()
        status = 0
        try:
            main()
        except SystemExit as left:
            status = int(left.code or 0)
        told = capsys.readouterr()
        return subprocess.CompletedProcess(words, status, told.out, told.err)

    return run
