"""A server that answers with whatever bytes are made of the key that it was sent."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

from tests.listener import Listener

Reply = Callable[[str], bytes]
"""From the header `Authorization` to all that is sent back."""


def http(status: str, body: str, kind: str = "application/json", **headers: str) -> bytes:
    """An HTTP response."""
    head = {"Content-Type": kind, "Content-Length": str(len(body.encode())), **headers}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in head.items())]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


class EchoServer(Listener):
    """Listens on loopback; `reply` may be changed while it does."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.headers: list[dict[str, str]] = []
        self.bodies: list[dict[str, Any]] = []

    @property
    def keys(self) -> list[str]:
        """What stood in `Authorization`, request by request."""
        return [headers.get("authorization", "") for headers in self.headers]

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while stream.readline():
                headers = {}
                while (line := stream.readline().strip()) != b"":
                    name, _, value = line.decode().partition(":")
                    headers[name.lower()] = value.strip()
                body = stream.read(int(headers.get("content-length", 0)))
                self.bodies.append(json.loads(body) if body else {})
                self.headers.append(headers)
                try:
                    connection.sendall(self.reply(self.keys[-1]))
                except OSError:
                    return
