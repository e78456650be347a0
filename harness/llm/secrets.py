"""Keys kept out of all that is written: what a server sends back is searched for them before it is used."""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote

SHORTEST = 8
"""Characters of the shortest key that is looked for. What is shorter keeps nobody out ("none", "EMPTY", "ollama"), and
would be found in ordinary text."""

KNOWN_BY = 12
"""So many first characters give a key away, and so what follows them: servers quote keys cut short."""

PUT_INSTEAD = "[key]"


def without(keys: Iterable[str | None]) -> Callable[[str], str]:
    """A function that takes these keys out of a text: as they are, cut short, as in a URL, HTML or JSON, and in base64.

    >>> without(["sk-secret-0123"])("Authorization: Bearer sk-secret-0123")
    'Authorization: Bearer [key]'
    """
    forms = {form for key in keys if key and len(key) >= SHORTEST for form in _forms(key)}
    if not forms:
        return lambda text: text
    pattern = re.compile("|".join(sorted(forms, key=len, reverse=True)))
    return lambda text: pattern.sub(PUT_INSTEAD, text)


def _forms(key: str) -> Iterator[str]:
    """Patterns of everything that a key may look like."""
    in_url = quote(key, safe="")
    lower = re.sub("%..", lambda found: found.group().lower(), in_url)
    for written in (key, in_url, lower, quote(key), html.escape(key), json.dumps(key)[1:-1], key.replace("/", "\\/")):
        yield re.escape(written)
        yield re.escape(written[:KNOWN_BY]) + r"[\w.~%+/=-]*"
    for encode in (b64encode, urlsafe_b64encode):
        for before in range(3):
            yield re.escape(_core(encode, key.encode(), before)[:KNOWN_BY]) + "[A-Za-z0-9+/_=-]*"


def _core(encode: Callable[[bytes], bytes], key: bytes, before: int) -> str:
    """The characters of a base64 text that belong to the key alone, where `before` bytes (modulo 3) precede it."""
    encoded = encode(bytes(before) + key).decode()
    return encoded[-(-before * 8 // 6) : (before + len(key)) * 8 // 6]
