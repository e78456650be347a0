"""The command line in real processes that start fast: everything is imported once, then forked as often as asked.

The process on the other side of a pipe reads jobs, one line of JSON each, and says the child's pid and how it ended.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from tempfile import TemporaryDirectory
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
    """Runs `harness …` in children of one process that has imported it."""

    def __enter__(self) -> Forks:
        words = [sys.executable, "-P", __file__]
        self._parent = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._parent.stdin.close()
        self._parent.wait()

    def start(
        self,
        words: Sequence[str],
        folder: Path,
        *,
        dies: tuple[str, int] | None = None,
        waits: Mapping[str, float] | None = None,
    ) -> Child:
        """Start a command in a folder, with its output in `stdout` and `stderr` there and its caches in `cache`.

        The client's `waits` are its own if not given.
        It may kill itself: ("line", n) half-way through writing its n-th line, ("file", n) when its n-th file is
        written but has not yet its name.
        """
        environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
        return self._started(words, folder, folder, environment, dies=dies, waits=dict(waits or {}))

    def run(
        self, words: Sequence[str], folder: Path, environment: Mapping[str, str], typed: str = "", seconds: int = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end in a folder, with lines typed beforehand."""
        with TemporaryDirectory() as outside:
            out = Path(outside)
            (out / "stdin").write_text(typed, encoding="utf-8")
            status = self._started(words, folder, out, environment, seconds=seconds).wait()
            told = [(out / name).read_text(encoding="utf-8") for name in ("stdout", "stderr")]
        return subprocess.CompletedProcess(["harness", *words], status, *told)

    def _started(
        self, words: Sequence[str], folder: Path, out: Path, environment: Mapping[str, str], **more: Any
    ) -> Child:
        job = {"words": list(words), "folder": str(folder), "out": str(out), "environment": dict(environment), **more}
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
    from harness.llm import client

    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["environment"])
    out = Path(job["out"])
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        os.dup2(os.open(out / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    typed = out / "stdin"
    os.dup2(os.open(typed if typed.exists() else os.devnull, os.O_RDONLY), 0)
    sys.stdin = os.fdopen(0, encoding="utf-8")
    sys.argv = ["harness", *job["words"]]
    for name, seconds in job.get("waits", {}).items():
        setattr(client, name, seconds)
    if job.get("dies"):
        _dies(*job["dies"])
    signal.alarm(job.get("seconds", 0))
    status: Any = 1
    try:
        main()
        status = 0
    except SystemExit as left:
        status = left.code or 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _serve() -> None:
    import harness

    for module in (
        "aiohttp",
        "openai.types.chat",
        "scipy.stats",
        *(m.name for m in walk_packages(harness.__path__, "harness.")),
    ):
        with suppress(ImportError):  # of an extra
            import_module(module)
    from harness.envs.registry import make

    make("icu-sepsis")  # its tables are read once
    say = os.fdopen(os.dup(1), "w", buffering=1)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            say.close()
            _child(json.loads(line))
        say.write(f"{pid}\n")
        say.write(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n")
    os._exit(0)  # what was imported has nothing to put away


if __name__ == "__main__":
    _serve()
