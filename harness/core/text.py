"""Foreign text made fit for a terminal."""

from __future__ import annotations

import unicodedata


def harmless(text: str) -> str:
    r"""Text from a model or a file, its control characters (that could move the cursor, or colour) spelt out.

    >>> print(harmless("ok" + chr(27) + "[31m"))
    ok\x1b[31m
    """
    return "".join(c if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf") else ascii(c)[1:-1] for c in text)
