"""Run folders and traces: whole or not at all, torn lines cut, one writer."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from harness.agents.registry import make as make_agent
from harness.core.episode import play
from harness.core.errors import RunError
from harness.core.run import DECISIONS, MANIFEST, TRACE, RunFolder, read_manifest
from harness.core.trace import read_episodes, read_lines


@pytest.fixture
def folder(tmp_path):
    with RunFolder.create(tmp_path / "runs", "test") as made:
        made.write_json(MANIFEST, {"a": 1})
        yield made


def test_lines_are_whole_or_cut(folder):
    for n in range(3):
        folder.append(DECISIONS, {"n": n})
    path = folder.path / DECISIONS
    whole = path.read_bytes()
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        assert [line["n"] for line in read_lines(path)] == list(range(whole[:length].count(b"\n")))


def test_resuming_cuts_the_torn_line_and_goes_on(folder):
    folder.append(DECISIONS, {"n": 0})
    with (folder.path / DECISIONS).open("ab") as file:
        file.write(b'{"n": 1, "torn')
    folder.close()
    with RunFolder.resume(folder.path) as resumed:
        resumed.append(DECISIONS, {"n": 2})
        assert [line["n"] for line in read_lines(folder.path / DECISIONS)] == [0, 2]


def test_a_damaged_line_is_named(folder):
    (folder.path / DECISIONS).write_text('{"n": 0}\nrubbish\n{"n": 2}\n')
    with pytest.raises(RunError, match="Line 2 of .* is not a JSON object"):
        list(read_lines(folder.path / DECISIONS))


def test_one_process_writes_a_run(folder):
    script = "import sys, pathlib, harness.core.run as run; run.RunFolder.resume(pathlib.Path(sys.argv[1]))"
    words = [sys.executable, "-c", script, str(folder.path)]
    other = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "is being written by another process" in other.stderr


def test_a_json_file_is_never_half_written(folder, monkeypatch):
    with pytest.raises(TypeError):
        folder.write_json(MANIFEST, {"a": object()})
    assert read_manifest(folder.path) == {"a": 1}


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(RunError, match="is not a run folder"):
        RunFolder.resume(tmp_path)


async def test_a_trace_reads_back_what_was_played(sepsis, folder):
    agent = make_agent("expert", sepsis)
    ends = [
        await play(sepsis, agent, episode=n, seed=100_000 + n, tell=lambda e: folder.append(TRACE, e)) for n in range(5)
    ]
    episodes = read_episodes(folder.path / TRACE)
    assert [e.end for e in episodes] == ends
    for e in episodes:
        assert len(e.steps) == e.end.steps
        assert sum(s.reward for s in e.steps) == e.end.episode_return
        assert sum(s.regret for s in e.steps) == pytest.approx(e.end.regret)
        assert [s.done for s in e.steps] == [False] * (e.end.steps - 1) + [True]


async def test_an_interrupted_episode_does_not_count_and_is_replaced(sepsis, folder):
    lines: list[str] = []
    await play(
        sepsis, make_agent("expert", sepsis), episode=0, seed=100_005, tell=lambda e: lines.append(e.model_dump_json())
    )
    path = folder.path / TRACE
    for kept in range(len(lines)):
        path.write_text("".join(line + "\n" for line in lines[:kept]))
        assert read_episodes(path) == []
        with path.open("a") as file:
            file.writelines(line + "\n" for line in lines)
        (episode,) = read_episodes(path)
        assert episode.end.steps == len(lines) - 2


def test_a_trace_of_another_version_is_refused(folder):
    (folder.path / TRACE).write_text(json.dumps({"event": "START", "schema_version": 9, "episode": 0}) + "\n")
    with pytest.raises(RunError, match="Line 1 of .* is no trace event"):
        read_episodes(folder.path / TRACE)


def test_a_line_that_could_not_be_written_leaves_no_torn_one(folder, monkeypatch):
    folder.append(DECISIONS, {"n": 0})
    real = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda descriptor, line: real(descriptor, line[:5]))
        with pytest.raises(RunError, match="No space left on device"):
            folder.append(DECISIONS, {"n": 1})
    with pytest.raises(RunError, match="Cannot write"):
        folder.append(DECISIONS, {"n": 2})
    assert (folder.path / DECISIONS).read_bytes() == b'{"n": 0}\n'
