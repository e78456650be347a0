"""Foreign text made fit for a terminal."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator


def harmless(text: str) -> str:
    r"""Text from a model or a file, its control characters (that could move the cursor, or colour) spelt out.

    >>> print(harmless("ok" + chr(27) + "[31m"))
    ok\x1b[31m
    """
    return "".join(c if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf") else ascii(c)[1:-1] for c in text)


def printable(text: str) -> str:
    r"""Text of a file in one line, fit for a terminal.

    Raises
    ------
    ValueError
        If it holds control characters.

    >>> printable("  Septic shock,\n every 4 hours")
    'Septic shock, every 4 hours'
    """
    line = " ".join(text.split())
    if not line.isprintable():
        raise ValueError("it holds control characters; remove them")
    return line


Printable = Annotated[str, AfterValidator(printable)]
"""A string of a user's file that is shown to whoever uses the file."""
