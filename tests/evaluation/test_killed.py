"""`kill -9` at any moment: what was recorded is not asked again, and the result is that of a run nobody touched."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.core.run import DECISIONS, MANIFEST, SUMMARY, TRACE
from harness.core.trace import read_lines
from tests.faults import FAULTS, FaultServer
from tests.forked import Child, Forks

AT_A_TIME = 8
"""Requests in flight."""

STARTING_S, WORKING_S = 0.2, 1.0

TOKENS_KNOWN = tuple(fault for fault in FAULTS if fault != "no usage")
"""The faults after which a summary is the same: what a server does not count cannot be known."""

QUICK = tuple(fault for fault in TOKENS_KNOWN if fault != "stall")


@dataclass
class Session:
    """One process: how it is to die, what was on disk before it, and what the server saw of it."""

    kind: str
    recorded: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    child: Child | None = None
    event: str = "asked"
    fatal: int = -1
    """The process is killed at so many such events."""

    def tell(self, event: str, text: str) -> None:
        seen = self.asked if event == "asked" else self.answered
        seen[text] += 1
        if event == self.event and seen.total() == self.fatal:
            self.kill()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self.child.kill()


class Killed:
    """A run that is killed again and again, on a server that fails in every way.

    Parameters
    ----------
    folder : Path
        Working directory; it gets an `harness.models.toml` with the server.
    words : what to run
    rng : random.Random
        Draws when processes die.
    most : int
        Lines that a process writes, and prompts that it sends, before it dies at the latest: something is to be left
        for the others.
    """

    def __init__(
        self, folder: Path, words: Sequence[str], server: FaultServer, forks: Forks, rng: random.Random, most: int
    ) -> None:
        self.folder, self.words, self.rng, self.forks, self.most = folder, words, rng, forks, most
        self.sessions: list[Session] = []
        self.torn = 0
        server.tell = lambda event, text: self.sessions[-1].tell(event, text)

    @property
    def run(self) -> Path | None:
        """The folder of the run, once it can be resumed."""
        found = [path.parent for path in self.folder.glob(f"runs/*/{MANIFEST}")]
        assert len(found) <= 1
        return found[0] if found else None

    def go(self, kind: str) -> int:
        """Start or resume the run in a process that dies as `kind` says; the status with which it ended."""
        rng, run = self.rng, self.run
        session = Session(kind, self.recorded())
        self.sessions.append(session)
        dies = {"named": ("file", 1), "line": ("line", rng.randint(1, self.most)), "never": None}
        words = self.words if run is None else ["eval", "--resume", str(run), "--quiet", "--json"]
        if kind not in ("never", "named", "line"):
            session.event = "answered" if kind == "answered" else "asked"
            session.fatal = rng.randint(1, self.most) if kind in ("asked", "answered") else self.most
        last = dies.get(kind, ("line", self.most))
        session.child = self.forks.start(words, self.folder, dies=last, waits={"LONGEST_WAIT_S": 0.05})
        limit = {"start": STARTING_S, "time": WORKING_S}.get(kind)
        timer = threading.Timer(rng.uniform(0, limit), session.kill) if limit else None
        if timer:
            timer.start()
        status = session.child.wait()
        if timer:
            timer.cancel()
        self.torn += any(_torn(run / name) for name in (DECISIONS, TRACE)) if (run := self.run) else 0
        return status

    def recorded(self) -> Counter[str]:
        """Prompts whose answers are on disk: in the cache, or without one in decisions."""
        cache = self.folder / "cache" / "harness" / "replies.sqlite"
        if cache.exists():
            with closing(sqlite3.connect(cache)) as database:
                requests = [json.loads(text) for (text,) in database.execute("SELECT request FROM replies")]
            return Counter(request["messages"][-1]["content"] for request in requests)
        return Counter(line["prompt"] for line in read_lines(self.run / DECISIONS)) if self.run else Counter()


def _torn(path: Path) -> bool:
    return path.exists() and (data := path.read_bytes()) != b"" and not data.endswith(b"\n")


def folder_of(path: Path, server: FaultServer) -> Path:
    path.mkdir()
    entry = f'[served]\ntitle = "t"\nbase_url = "{server.base_url}"\nmodel_id = "m"\ntimeout_s = 1.0\n'
    (path / "harness.models.toml").write_text(entry)
    return path


def compared(folder: Path) -> dict[str, object]:
    summary = json.loads((folder / "stdout").read_text())
    return {name: value for name, value in summary.items() if name not in ("wall_seconds", "run_dir")}


KINDS = ("start", "time", "asked", "answered", "line")

WORDS = ("eval", "--model", "served", "--concurrency", str(AT_A_TIME), "--quiet", "--json")


def require_each_once(run: Path) -> None:
    """Every line whole, every episode ended once and by its last start, every state decided once."""
    assert not any(_torn(run / name) for name in (DECISIONS, TRACE))
    states = [line["state"] for line in read_lines(run / DECISIONS)]
    assert len(states) == len(set(states))
    ended: set[int] = set()
    steps: dict[int, list[int]] = {}
    for event in read_lines(run / TRACE):
        episode = event["episode"]
        assert episode not in ended
        if event["event"] == "START":
            steps[episode] = []
        elif event["event"] == "STEP":
            steps[episode].append(event["step"])
        else:
            assert steps[episode] == list(range(event["steps"]))
            ended.add(episode)
    assert ended == set(range(json.loads((run / MANIFEST).read_text())["config"]["episodes"]))


@pytest.mark.parametrize(
    ("words", "kills", "most", "faults"),
    [
        (("--method", "rollout", "--episodes", "130"), 12, 120, TOKENS_KNOWN),
        (("--method", "certify", "--epsilon", "0.03", "--episodes", "2", "--no-cache"), 8, 40, QUICK),
    ],
    ids=["rollout", "certify"],
)
def test_a_run_killed_at_random_moments_ends_as_if_nobody_had_touched_it(tmp_path, forks, words, kills, most, faults):
    """Under a server that fails, by SIGKILL: while it starts, asks, and writes, and before a file has its name."""
    rng = random.Random(kills)
    kinds = [*KINDS, *rng.choices(KINDS, k=kills)][: kills - 2]
    rng.shuffle(kinds)
    with (
        FaultServer(share=0.0) as clean,
        FaultServer(share=0.5, stall_s=1.2, faults=faults) as faulty,
    ):
        untouched = Killed(folder_of(tmp_path / "clean", clean), [*WORDS, *words], clean, forks, rng, most)
        assert untouched.go("never") == 0
        killed = Killed(folder_of(tmp_path / "killed", faulty), [*WORDS, *words], faulty, forks, rng, most)
        for kind in ("named", *kinds, "named"):  # the first file is the manifest, the last the summary
            assert killed.go(kind) == -signal.SIGKILL, (kind, len(killed.sessions))
            assert not list(killed.folder.glob(f"runs/*/{SUMMARY}"))
        assert killed.go("never") == 0, (killed.folder / "stderr").read_text()
    assert compared(killed.folder) == compared(untouched.folder)
    assert killed.torn > 0
    require_each_once(killed.run)
    known = killed.recorded()
    assert known.total() == untouched.recorded().total()
    for session in killed.sessions:
        assert session.recorded <= known
        again = [text for text in session.asked if session.recorded[text] >= known[text]]
        assert not again, session.kind
    assert set(faulty.seen) == {*faults, "fine"}
    assert 0 <= faulty.answered.total() - known.total() <= kills * AT_A_TIME
    assert sum(session.asked.total() > 0 for session in killed.sessions) >= kills / 3
