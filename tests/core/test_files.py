"""Run folders and traces: whole or not at all, torn lines cut, one writer."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from harness.agents.registry import make as make_agent
from harness.core.arrays import read_arrays, write_arrays
from harness.core.episode import play
from harness.core.errors import RunError
from harness.core.files import whole
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


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_file_that_fails_half_way_leaves_what_was_there_and_nothing_else(tmp_path, failure):
    target = tmp_path / "a.json"
    target.write_text("before")

    def write():
        with whole(target) as partial:
            partial.write_text("half")
            raise failure

    with pytest.raises(failure):
        write()
    assert contents(tmp_path) == {"a.json": b"before"}
    with whole(target) as partial:
        partial.write_text("after")
    assert contents(tmp_path) == {"a.json": b"after"}


def test_a_folder_replaces_a_folder_as_a_whole(tmp_path):
    target = tmp_path / "made"
    (tmp_path / "made.partial").mkdir()
    (tmp_path / "made.partial" / "left").write_text("by a process that was killed")
    for name in ("first", "second"):
        with whole(target) as partial:
            partial.mkdir()
            (partial / name).write_text(name)
    assert contents(tmp_path) == {"second": b"second"}


def test_a_file_takes_the_place_of_no_folder(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "kept").write_text("kept")
    with pytest.raises(RunError, match="Cannot write .*out: Is a directory"), whole(tmp_path / "out") as partial:
        partial.write_text("x")
    assert contents(tmp_path) == {"kept": b"kept"}


def test_files_beside_each_other_have_partial_files_of_their_own(tmp_path):
    with whole(tmp_path / "policy.npz") as one, whole(tmp_path / "policy.json") as other:
        one.write_text("1")
        other.write_text("2")
    assert contents(tmp_path) == {"policy.npz": b"1", "policy.json": b"2"}


def test_arrays_are_read_as_they_were_written_and_objects_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    write_arrays(path, {"x": np.arange(3), "text": np.array("µ")})
    found = read_arrays(path)
    assert found["x"].tolist() == [0, 1, 2]
    assert str(found["text"]) == "µ"
    assert read_arrays(path, ("x",)).keys() == {"x"}
    with pytest.raises(RunError, match=r"a.npz cannot be read \('y is not a file in the archive'\)"):
        read_arrays(path, ("y",))
    np.savez(path, x=np.array([{}], dtype=object))
    with pytest.raises(RunError, match="no file of arrays, or damaged"):
        read_arrays(path)


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
