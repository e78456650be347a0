"""A server that answers with whatever bytes are made of the key that it was sent."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from typing import Any

Reply = Callable[[str], bytes]
"""From the header `Authorization` to all that is sent back."""


def http(status: str, body: str, kind: str = "application/json", **headers: str) -> bytes:
    """An HTTP response."""
    head = {"Content-Type": kind, "Content-Length": str(len(body.encode())), **headers}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in head.items())]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


class EchoServer:
    """Listens on loopback; `reply` may be changed while it does."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.keys: list[str] = []
        self.bodies: list[dict[str, Any]] = []

    def __enter__(self) -> EchoServer:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.base_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while stream.readline():
                headers = {}
                while (line := stream.readline().strip()) != b"":
                    name, _, value = line.decode().partition(":")
                    headers[name.lower()] = value.strip()
                body = stream.read(int(headers.get("content-length", 0)))
                self.bodies.append(json.loads(body) if body else {})
                self.keys.append(headers.get("authorization", ""))
                try:
                    connection.sendall(self.reply(self.keys[-1]))
                except OSError:
                    return
