"""How many tokens a text is to an embedded model, by the model's own tokenizer."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

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
def counting(entry: ModelEntry, log: Path) -> Iterator[Count]:
    """A function that counts tokens, while the model's server runs.

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
        yield lambda texts: [tokens(server.base_url, text) for text in texts]
    finally:
        server.close()


def tokens(base_url: str, text: str) -> int:
    """The number of tokens of a text, as llama.cpp's server at `base_url` counts them.

    Raises
    ------
    ModelServerError
        If it does not say.
    """
    address = f"{base_url.removesuffix('/v1')}/tokenize"
    body = json.dumps({"content": text}).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return len(json.load(answer)["tokens"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelServerError(f"The embedded model server could not count tokens ({error}).") from None
