"""A model server on raw sockets that fails in every way, each prompt a few times, then answers by a known policy."""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.conftest import as_json, completion, hashed_action
from tests.listener import Listener

FAULTS = (
    "429 with Retry-After", "429", "500", "503", "reset", "half a body", "stall", "slow", "HTML", "HTML as 502",
    "truncated JSON", "another schema", "no choices", "no usage",
)  # fmt: skip


@dataclass
class FaultServer(Listener):
    """Listens on loopback. Faults are drawn from a prompt's text, so that every server fails in the same places.

    A prompt fails three times at most, or for ever if the faults are `lasting`. Beside FAULTS there are "drip",
    "not HTTP" and "deep JSON".
    """

    share: float = 0.5
    stall_s: float = 1.5
    faults: Sequence[str] = FAULTS
    lasting: bool = False
    tell: Callable[[str, str], None] = lambda event, text: None
    """Told "asked" when a prompt has come, and "answered" when its answer has gone out."""
    answered: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._tries: dict[str, int] = defaultdict(int)
        self._lock = threading.Lock()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = connection.makefile("rb")
        try:
            while payload := _request(stream):
                text = payload["messages"][-1]["content"]
                if not self._answer(connection, text):
                    break
        except OSError:
            pass
        finally:
            connection.close()

    def _fault(self, text: str) -> str | None:
        """What goes wrong this time; the same for the same prompt and try."""
        with self._lock:
            attempt = self._tries[text]
            self._tries[text] += 1
        rng = random.Random(f"{text} {attempt}")
        if (attempt >= 3 and not self.lasting) or rng.random() >= self.share:
            return None
        return rng.choice(self.faults)

    def _answer(self, connection: socket.socket, text: str) -> bool:
        """Answer one request; False where the connection is gone."""
        fault = self._fault(text)
        with self._lock:
            self.seen[fault or "fine"] += 1
        self.tell("asked", text)
        body = json.dumps(completion(as_json(hashed_action(text)))).encode()
        if fault in ("429", "429 with Retry-After"):
            extra = {"Retry-After": "0.02"} if "Retry" in fault else {}
            return _send(connection, 429, b'{"error": {"message": "slower"}}', extra)
        if fault in ("500", "503"):
            return _send(connection, int(fault), b'{"error": {"message": "out of order"}}')
        if fault == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if fault == "half a body":
            _send(connection, 200, body, cut=len(body) // 2)
            return False
        if fault == "stall":
            time.sleep(self.stall_s)
            return False
        if fault == "drip":
            return _send(connection, 200, body, pieces=len(body) + 100, pause_s=0.1)
        if fault == "not HTTP":
            connection.sendall(b"220 mail.example.org ready\r\n")
            return False
        if fault == "deep JSON":
            return _send(connection, 200, b"[" * 200_000)
        if fault in ("HTML", "HTML as 502"):
            status = 200 if fault == "HTML" else 502
            return _send(connection, status, b"<html><body>Please log in</body></html>", kind="text/html")
        if fault == "truncated JSON":
            return _send(connection, 200, body[:-20])
        if fault == "another schema":
            return _send(connection, 200, b'{"result": {"text": "hello"}}')
        if fault == "no choices":
            return _send(connection, 200, json.dumps(completion("x") | {"choices": []}).encode())
        with self._lock:
            self.answered[text] += 1
        if fault == "no usage":
            body = json.dumps(completion(as_json(hashed_action(text))) | {"usage": None}).encode()
        whole = _send(connection, 200, body, pieces=7 if fault == "slow" else 1)
        self.tell("answered", text)
        return whole


def _request(stream: Any) -> dict[str, Any] | None:
    line = stream.readline()
    if not line:
        return None
    length = 0
    while (header := stream.readline().strip()) != b"":
        name, _, value = header.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return dict(json.loads(stream.read(length)))


def _send(
    connection: socket.socket,
    status: int,
    body: bytes,
    extra: dict[str, str] | None = None,
    *,
    kind: str = "application/json",
    cut: int | None = None,
    pieces: int = 1,
    pause_s: float = 0.01,
) -> bool:
    headers = {"Content-Type": kind, "Content-Length": str(len(body)), **(extra or {})}
    head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
    data = head.encode() + body[: len(body) if cut is None else cut]
    step = -(-len(data) // pieces)
    for i in range(0, len(data), step):
        connection.sendall(data[i : i + step])
        if pieces > 1:
            time.sleep(pause_s)
    return cut is None
