"""A file over HTTP, resumed where it broke off.

What has come is kept in a partial file; the next try asks for the rest of it. Whether the whole is right is decided by
whoever called, by its hash.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from harness.core.errors import DataError

TIMEOUT_S = 30.0
"""How long a server may stay silent."""
TRIES = 4
"""Tries in a row that bring nothing before it is given up."""
PAUSE_S = 0.5
"""Before the second try; doubled for each that follows."""
CHUNK = 1 << 16

RANGE_NOT_SATISFIABLE = 416
PARTIAL, WHOLE = 206, 200

Progress = Callable[[int, int | None], None]
"""Called with bytes done and bytes in all, if the server says how many."""


def silent(done: int, total: int | None) -> None:
    """Progress that nobody watches."""


def download(url: str, partial: Path, progress: Progress = silent) -> None:
    """Bring `partial` to the whole file, going on from what is in it.

    Raises
    ------
    DataError
        If the server refuses, or cannot be reached; what has come is kept.
    """
    failures = 0
    while True:
        before = _size(partial)
        try:
            if _try(url, partial, before, progress):
                return
            reason = "the connection broke off"
        except HTTPError as error:
            if error.code == RANGE_NOT_SATISFIABLE and before:
                return  # nothing is left to fetch
            reason = f"the server answered {error.code}"
            if error.code < 500 and error.code not in (408, 429):
                raise DataError(f"{url} could not be fetched: {reason} ({error.reason}).") from None
        except (OSError, HTTPException) as error:
            reason = str(getattr(error, "reason", "") or error) or type(error).__name__
        failures = 0 if _size(partial) > before else failures + 1
        if failures >= TRIES:
            kept = f" What has come, {_size(partial):,} bytes, is kept" if _size(partial) else " Nothing has come"
            raise DataError(f"{url} could not be fetched: {reason}.{kept}; run the command again to go on.")
        time.sleep(PAUSE_S * 2 ** max(failures - 1, 0))


def _try(url: str, partial: Path, have: int, progress: Progress) -> bool:
    """Ask once for what is missing; whether all has come."""
    headers = {"User-Agent": "harness", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with urlopen(Request(url, headers=headers), timeout=TIMEOUT_S) as reply:  # noqa: S310 - the catalogue's addresses
        if reply.status not in (WHOLE, PARTIAL):
            raise DataError(
                f"{url} could not be fetched: the server answered {reply.status}, which is no file. Fetch it with a "
                "browser."
            )
        begin = have if reply.status == PARTIAL and _begins(reply) == have else 0
        if reply.status == PARTIAL and begin != have:
            partial.unlink()  # another part than was asked for
            return False
        length = reply.headers.get("Content-Length")
        total = None if length is None else begin + int(length)
        done = begin
        with partial.open("ab" if begin else "wb") as file:
            while chunk := reply.read(CHUNK):
                file.write(chunk)
                done += len(chunk)
                progress(done, total)
    return total is None or done == total


def _begins(reply: HTTPResponse) -> int | None:
    """At which byte a part begins."""
    unit, _, part = reply.headers.get("Content-Range", "").partition(" ")
    first = part.partition("-")[0]
    return int(first) if unit == "bytes" and first.isdigit() else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
