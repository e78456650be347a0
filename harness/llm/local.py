"""An embedded model: llama.cpp with its OpenAI-compatible server, in a child process on loopback.

A child, so that a model that crashes is one sentence and not the end of the run, and so that llama.cpp's messages
stay out of ours. It lives as long as its standard input is open, so it dies with its parent, even by `kill -9`.

The static part of a prompt is read once, kept in a file, and put back before every request. Left to itself the server
goes on from whatever the last prompt had in common with this one, and how many tokens it reads at a time changes their
rounding: near-ties would fall this way or that by the order of requests. Putting it back takes a millisecond.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO

from harness.core.errors import ModelServerError

SLOT_TIMEOUT_S = 60.0

CONTEXT = 4096
"""Tokens that a server's one slot holds. Prompts are a few hundred; a longer context only costs memory."""


@lru_cache(maxsize=1)
def engine() -> str:
    """Name and version of the engine, part of what identifies a reply.

    Raises
    ------
    ModelServerError
        If it is not installed.
    """
    try:
        return f"xllamacpp {version('xllamacpp')}, static part kept"
    except PackageNotFoundError:
        raise ModelServerError(
            "Embedded models need the package 'xllamacpp'; install it with: pip install 'harness[local]'."
        ) from None


class LocalServer:
    """A running model server.

    Parameters
    ----------
    weights : path of a checked GGUF file
    name : what the server is to call the model
    log : file that takes what llama.cpp prints
    """

    def __init__(self, weights: Path, name: str, log: Path) -> None:
        engine()
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log
        self._kept = tempfile.TemporaryDirectory(prefix="harness-")
        with log.open("ab") as sink:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", "harness.llm.local", str(weights), name, self._kept.name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=sink,
                start_new_session=True,  # Ctrl-C is for the run, which then closes the server
            )
        assert self._process.stdout is not None  # noqa: S101 - given PIPE
        line = _last_json(self._process.stdout)
        if line is None:
            status = self._process.wait()
            raise ModelServerError(
                f"The embedded model server for {weights} stopped while loading (status {status}); see {log}."
            )
        self.base_url: str = line

    def keep(self) -> None:
        """Keep what the server has read of its last prompt."""
        self._slot("save")

    def put_back(self) -> None:
        """Let the next request go on from what was kept."""
        self._slot("restore")

    def _slot(self, action: str) -> None:
        address = f"{self.base_url.removesuffix('/v1')}/slots/0?action={action}"
        body = json.dumps({"filename": "static"}).encode()
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"})  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(request, timeout=SLOT_TIMEOUT_S) as answer:  # noqa: S310 - loopback
                answer.read()
        except OSError as error:
            raise ModelServerError(
                f"The embedded model server could not {action} the prompt's static part ({error}); see {self._log}."
            ) from None

    def alive(self) -> bool:
        """Whether the server still runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """Stop the server."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._kept.cleanup()


def _last_json(stdout: IO[bytes]) -> str | None:
    """The address that the child announces; other lines on its stdout are passed over."""
    for line in stdout:
        try:
            return str(json.loads(line)["base_url"])
        except (ValueError, KeyError, TypeError):
            continue
    return None


def _serve(weights: str, name: str, kept: str) -> None:
    """The child: serve until standard input closes."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = weights
    params.model_alias = {name}
    params.n_ctx = CONTEXT
    params.cache_ram_mib = 0  # prompts share only their static part, which the slot itself keeps
    params.slot_save_path = f"{kept}/"
    params.n_parallel = 1  # more slots are no faster on a CPU and would split the prefix cache
    params.cpuparams.n_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    params.cpuparams.poll = 0  # waiting threads sleep; spinning ones starve everything else
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.verbosity = 1
    server = xllamacpp.Server(params)
    print(json.dumps({"base_url": f"{server.listening_address}/v1"}), flush=True)  # noqa: T201 - the protocol
    sys.stdin.buffer.read()
    os._exit(0)  # no orderly unloading: there is nothing to save


if __name__ == "__main__":
    _serve(*sys.argv[1:])
