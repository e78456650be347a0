"""A run folder: everything needed to repeat a run, to resume it, and to read what happened.

    manifest.json     configuration, versions, hashes: written before anything is decided
    decisions.jsonl   one line for every state asked (methods exact and certify)
    trace.jsonl       START, STEP and END events of the episodes played
    summary.json      the result; its presence means that the run has finished
    so-far.json       what was known when a limit stopped the run
    recheck-*.json    what came of asking again after the run (`harness recheck`)

A run that trains has a manifest with its `kind`, a summary, and a folder for every seed; its kind keeps it from being
read as an evaluation.

JSON files appear whole or not at all. Lines are written in one piece; a torn last line is cut off on resuming.
"""

from __future__ import annotations

import errno
import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout
from pydantic import BaseModel

from harness.core import strict_json
from harness.core.errors import RunError
from harness.core.files import cannot_write, whole

MANIFEST, DECISIONS, TRACE = "manifest.json", "decisions.jsonl", "trace.jsonl"
SUMMARY, SO_FAR = "summary.json", "so-far.json"

EVALUATION, TRAINING = "evaluation", "training"
"""Kinds of run; a manifest without a kind is of an evaluation."""


class RunFolder:
    """A folder that one process writes to.

    Use `create` or `resume`, and `close` at the end (or a `with` statement).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files: dict[str, int] = {}
        self._broken = False
        self._lock = FileLock(path / ".lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise RunError(f"The run {path} is being written by another process; wait for it or stop it.") from None
        except OSError as error:
            raise cannot_write(path, error) from error

    @classmethod
    def create(cls, out: Path, title: str) -> Self:
        """A new folder `out/<date>-<time>-<title>`, numbered if that is taken; what no file name may hold becomes '-'.

        Raises
        ------
        RunError
            If it cannot be created.
        """
        plain = re.sub(r"[^\w.+=@-]+", "-", title).rstrip("-")
        stem = f"{datetime.now():%Y-%m-%dT%H-%M-%S}-{plain}"
        for n in range(1, 1_000):
            path = out / (stem if n == 1 else f"{stem}-{n}")
            try:
                path.mkdir(parents=True)
                return cls(path)
            except FileExistsError as error:
                if not out.is_dir():
                    raise RunError(f"'{out}' is a file; --out takes a folder.") from error
            except OSError as error:
                raise cannot_write(path, error) from error
        raise RunError(f"There are a thousand runs called {out / stem}.")

    @classmethod
    def resume(cls, path: Path, kind: str = EVALUATION) -> Self:
        """An existing run, with torn last lines cut off.

        Raises
        ------
        RunError
            If it is no run folder, or of another kind, or another process writes to it.
        """
        read_manifest(path, kind)
        folder = cls(path)
        for name in (DECISIONS, TRACE):
            _cut_torn_line(path / name)
        return folder

    def write_json(self, name: str, value: Mapping[str, Any] | BaseModel) -> None:
        """Write a whole JSON file, or nothing."""
        write_json(self.path / name, value)

    def append(self, name: str, value: Mapping[str, Any] | BaseModel) -> None:
        """Append one line to a JSON-lines file, in one write."""
        text = value.model_dump_json(exclude_none=True) if isinstance(value, BaseModel) else strict_json.dumps(value)
        line = text.encode() + b"\n"
        try:
            if name not in self._files:
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
                self._files[name] = os.open(self.path / name, flags, 0o644)
            if self._broken:
                raise OSError(errno.EIO, "an earlier line could not be written")
            size = os.fstat(self._files[name]).st_size
            try:
                if os.write(self._files[name], line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                self._broken = True
                os.ftruncate(self._files[name], size)
                raise
        except OSError as error:
            raise cannot_write(self.path / name, error) from error

    def close(self) -> None:
        """Close the files and let other processes in."""
        for descriptor in self._files.values():
            os.close(descriptor)
        self._files.clear()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Clock:
    """Seconds that a run has worked, carried over interruptions."""

    def __init__(self, before: float = 0.0) -> None:
        self._before = before
        self._started = time.perf_counter()

    def elapsed(self) -> float:
        """Seconds so far, over all sessions."""
        return round(self._before + time.perf_counter() - self._started, 3)


def write_json(target: Path, value: Mapping[str, Any] | Sequence[Any] | BaseModel) -> None:
    """Write a whole JSON file, or nothing; numbers that are not finite become null.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    data = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    with whole(target) as partial:
        partial.write_text(strict_json.dumps(data, indent=2) + "\n", encoding="utf-8")


def kind_of(path: Path) -> str:
    """The kind of a run.

    Raises
    ------
    RunError
        If `path` is no run folder, or the manifest is damaged.
    """
    return str(_read_json(path, MANIFEST).get("kind", EVALUATION))


def read_manifest(path: Path, kind: str = EVALUATION) -> dict[str, Any]:
    """The manifest of a run.

    Raises
    ------
    RunError
        If `path` is no run folder, the manifest is damaged, or the run is of another kind.
    """
    manifest = _read_json(path, MANIFEST)
    found = manifest.get("kind", EVALUATION)
    if found != kind:
        raise RunError(f"The run {path} is of kind '{found}'; expected one of kind '{kind}'.")
    return manifest


def read_summary(path: Path) -> dict[str, Any] | None:
    """The summary of an evaluation, or None if it has not finished.

    Raises
    ------
    RunError
        If the summary is damaged, or the run is of another kind.
    """
    if not (path / SUMMARY).exists():
        return None
    read_manifest(path)
    return _read_json(path, SUMMARY)


def _read_json(path: Path, name: str) -> dict[str, Any]:
    if not (path / name).is_file():
        raise RunError(f"'{path}' is not a run folder (it has no {name}); runs are in the folder given to --out.")
    try:
        value = json.loads((path / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path / name} cannot be read: {error}.") from error
    if not isinstance(value, dict):
        raise RunError(f"{path / name} does not hold a JSON object; the file was damaged after the run.")
    return value


def _cut_torn_line(path: Path) -> None:
    if not path.exists():
        return
    with path.open("rb+") as file:
        data = file.read()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            file.truncate(whole)
