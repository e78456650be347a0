"""How many tokens a text or a prompt is to an embedded model, by the model's own tokenizer and chat template."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any, Protocol

from harness.core.agent import Message
from harness.core.errors import ModelServerError, UsageError
from harness.llm.local import LocalServer
from harness.llm.registry import ModelEntry
from harness.llm.weights import pull

TIMEOUT_S = 60.0


class Count(Protocol):
    """Lengths of texts in tokens."""

    def __call__(self, texts: Sequence[str]) -> list[int]:
        """Of every text its number of tokens, without those of a chat template."""
        ...


@contextmanager
def tokenizing(entry: ModelEntry, log: Path) -> Iterator[str]:
    """The address of a server of the model, while it runs.

    Raises
    ------
    UsageError
        If the model is served elsewhere: servers have no common way to ask for tokens.
    """
    if entry.weights is None:
        raise UsageError(
            f"The tokens of '{entry.alias}' cannot be counted, because it runs on a server; name an embedded model, or "
            "leave --tokens out for an estimate."
        )
    path, _ = pull(entry)
    server = LocalServer(path, entry.alias, log)
    try:
        yield server.base_url
    finally:
        server.close()


@contextmanager
def counting(entry: ModelEntry, log: Path) -> Iterator[Count]:
    """A function that counts tokens of texts, while the model's server runs.

    Raises
    ------
    UsageError
        As `tokenizing`.
    """
    with tokenizing(entry, log) as base_url:
        yield lambda texts: [tokens(base_url, text) for text in texts]


def tokens(base_url: str, text: str) -> int:
    """The number of tokens of a text, as llama.cpp's server at `base_url` counts them.

    Raises
    ------
    ModelServerError
        If it does not say.
    """
    return len(_asked(base_url, "tokenize", {"content": text}, "tokens"))


def prompt_tokens(base_url: str, messages: Sequence[Message]) -> int:
    """The number of tokens of a prompt with the model's chat template: what the server will report as used.

    Raises
    ------
    ModelServerError
        If it does not say.
    """
    return _special(base_url, _templated(base_url, messages))


def static_tokens(base_url: str, system: Message) -> int:
    """The number of tokens of what every prompt that begins with `system` has in common, by the chat template.

    Raises
    ------
    ModelServerError
        If the server does not say.
    """
    both = [_templated(base_url, [system, Message(role="user", content=text)]) for text in ("A", "B")]
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*both, strict=False)))
    return _special(base_url, both[0][:same])


def _templated(base_url: str, messages: Sequence[Message]) -> str:
    return str(_asked(base_url, "apply-template", {"messages": [m.model_dump() for m in messages]}, "prompt"))


def _special(base_url: str, text: str) -> int:
    """Tokens of a text that has a chat template's marks in it; read as llama.cpp reads a prompt."""
    body = {"content": text, "add_special": True, "parse_special": True}
    return len(_asked(base_url, "tokenize", body, "tokens"))


def _asked(base_url: str, path: str, body: Mapping[str, Any], field: str) -> Any:
    address = f"{base_url.removesuffix('/v1')}/{path}"
    data = json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - loopback
            return json.load(answer)[field]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelServerError(f"The embedded model server could not count tokens ({error}).") from None
