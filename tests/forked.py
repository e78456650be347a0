"""The command line in real processes that start fast: everything is imported once, then forked as often as asked.

The process on the other side of a pipe reads jobs, one line of JSON each, and says the child's pid and how it ended.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any


@dataclass
class Child:
    """A running command."""

    pid: int
    parent: subprocess.Popen[str]

    def kill(self) -> None:
        """As `kill -9` does."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Its exit status, or minus the signal that ended it."""
        return int(self.parent.stdout.readline())


class Forks:
    """Runs `harness …` in children of one process that has imported it; waits of the client's are as given."""

    def __init__(self, **waits: float) -> None:
        self._waits = waits

    def __enter__(self) -> Forks:
        words = [sys.executable, "-P", __file__, json.dumps(self._waits)]
        self._parent = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._parent.stdin.close()
        self._parent.wait()

    def start(self, words: Sequence[str], folder: Path, *, dies: tuple[str, int] | None = None) -> Child:
        """Start a command in a folder, with its output in `stdout` and `stderr` there and its caches in `cache`.

        It may kill itself: ("line", n) half-way through writing its n-th line, ("file", n) when its n-th file is
        written but has not yet its name.
        """
        job = {"words": list(words), "folder": str(folder), "dies": dies}
        self._parent.stdin.write(json.dumps(job) + "\n")
        self._parent.stdin.flush()
        return Child(int(self._parent.stdout.readline()), self._parent)


def _die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _dies(kind: str, after: int) -> None:
    """Arrange for this process to kill itself."""
    left, write, replace = [after], os.write, Path.replace

    def half_a_line(descriptor: int, data: bytes) -> int:
        left[0] -= 1
        if left[0] == 0:
            write(descriptor, data[: len(data) // 2])
            _die()
        return write(descriptor, data)

    def no_name(path: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] == 0:
            _die()
        return replace(path, target)

    if kind == "line":
        os.write = half_a_line
    else:
        Path.replace = no_name


def _child(job: dict[str, Any]) -> None:
    from harness.cli.main import main

    os.chdir(job["folder"])
    os.environ["XDG_CACHE_HOME"] = f"{job['folder']}/cache"
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    sys.argv = ["harness", *job["words"]]
    if job["dies"]:
        _dies(*job["dies"])
    status: Any = 0
    try:
        main()
    except SystemExit as left:
        status = left.code or 0
    sys.stdout.flush()
    os._exit(status)


def _serve(waits: str) -> None:
    for module in ("aiohttp", "openai.types.chat", "scipy.stats", "harness.cli.main", "harness.evaluation.evaluate"):
        import_module(module)
    from harness.envs.registry import make
    from harness.llm import client

    make("icu-sepsis")  # its tables are read once
    for name, seconds in json.loads(waits).items():
        setattr(client, name, seconds)
    say = os.fdopen(os.dup(1), "w", buffering=1)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            say.close()
            _child(json.loads(line))
        say.write(f"{pid}\n")
        say.write(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n")


if __name__ == "__main__":
    _serve(*sys.argv[1:])
