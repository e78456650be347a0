"""The cache of replies: identical requests are asked once, in all runs of a user.

Keyed by the hash of everything that can change a reply: which weights or which server, the model, the messages, the
sampling parameters, the constraint. SQLite in WAL mode, so several processes can share it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

from filelock import FileLock
from platformdirs import user_cache_path

from harness.core.errors import HarnessError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (
  key TEXT PRIMARY KEY, request TEXT NOT NULL, reply TEXT NOT NULL, created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
) WITHOUT ROWID
"""


def default_path() -> Path:
    """The user's cache of replies."""
    return user_cache_path("harness") / "replies.sqlite"


def key_of(request: Mapping[str, Any]) -> str:
    """Content address of a request."""
    canonical = json.dumps(request, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(canonical.encode()).hexdigest()


class ReplyCache:
    """Replies by key.

    Raises
    ------
    HarnessError
        If the file cannot be opened, or is no such cache.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{path}.lock"):  # switching a new file to WAL does not wait for others
                self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=NORMAL")
                self._db.execute(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise HarnessError(
                f"The cache of replies {path} cannot be used ({error}); remove it, or run with --no-cache."
            ) from error

    def get(self, key: str) -> dict[str, Any] | None:
        """The stored reply, or None."""
        with closing(self._run("SELECT reply FROM replies WHERE key = ?", (key,))) as cursor:
            row = cursor.fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def put(self, key: str, request: Mapping[str, Any], reply: Mapping[str, Any]) -> None:
        """Store a reply; the first one stored under a key stays."""
        texts = (json.dumps(value, ensure_ascii=False) for value in (request, reply))
        self._run("INSERT OR IGNORE INTO replies (key, request, reply) VALUES (?, ?, ?)", (key, *texts)).close()

    def requests(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Every request with its reply."""
        with closing(self._run("SELECT request, reply FROM replies", ())) as cursor:
            for request, reply in cursor:
                yield json.loads(request), json.loads(reply)

    def stats(self) -> list[tuple[str, int, int, str, str]]:
        """For each model and its server or weights: name, replies, bytes, time of the first and of the last one."""
        found: dict[str, list[tuple[int, str]]] = {}
        with closing(self._run("SELECT request, length(request) + length(reply), created FROM replies", ())) as cursor:
            for request, size, created in cursor:
                found.setdefault(_who(json.loads(request)), []).append((size, created))
        return [
            (who, len(rows), sum(size for size, _ in rows), min(t for _, t in rows), max(t for _, t in rows))
            for who, rows in sorted(found.items())
        ]

    def prune(self, *, older_than_days: float | None = None, model: str | None = None) -> int:
        """Forget replies of a model (all, if None) that are older than so many days (any, if None); how many went.

        The file shrinks with them.
        """
        days = 0.0 if older_than_days is None else older_than_days
        old = (
            "SELECT key, request FROM replies WHERE created <= datetime('now', ?)",
            (f"-{days * 86400:.0f} seconds",),
        )
        with closing(self._run(*old)) as cursor:
            keys = [(key,) for key, request in cursor if model is None or model in _who(json.loads(request))]
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("DELETE FROM replies WHERE key = ?", keys)
            self._db.execute("COMMIT")
            self._db.execute("VACUUM")
        except sqlite3.Error as error:
            raise HarnessError(f"The cache of replies {self.path} could not be pruned ({error}); try again.") from error
        return len(keys)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _run(self, statement: str, values: tuple[str, ...]) -> sqlite3.Cursor:
        try:
            return self._db.execute(statement, values)
        except sqlite3.Error as error:
            raise HarnessError(
                f"The cache of replies {self.path} failed ({error}); mend or remove it, or run with --no-cache."
            ) from error


def _who(request: Mapping[str, Any]) -> str:
    """Which model on which server, or which weights on which engine, a request was for."""
    endpoint = request.get("endpoint", {})
    if "weights_sha256" in endpoint:
        return f"weights {endpoint['weights_sha256'][:12]}… on {endpoint.get('engine', '?')}"
    return f"{endpoint.get('model', '?')} on {endpoint.get('server', '?')}"
