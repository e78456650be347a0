"""Folders of runs that another version made, or that were damaged since: every command says so in one sentence."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.evaluation import evaluate as evaluation
from harness.evaluation.config import configured
from harness.evaluation.manifest import changes
from harness.evaluation.pace import seconds_per_call


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run of an agent."""
    asked = configured(env="icu-sepsis", agent="random", method="exact", episodes=1)
    return Path(asyncio.run(evaluation.run(asked, tmp_path_factory.mktemp("runs"))).run_dir)


@pytest.fixture
def run(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "runs" / "a"))


def changed(run: Path, name: str, change: Callable[[dict[str, Any]], Any]) -> Path:
    """A copy of a run with another manifest or summary."""
    copy = run.with_name(f"{run.name}-copy")
    shutil.copytree(run, copy, dirs_exist_ok=True)
    value = json.loads((run / name).read_text())
    change(value)
    (copy / name).write_text(json.dumps(value))
    return copy


def of_version_1(run: Path) -> Path:
    copy = changed(run, "manifest.json", lambda manifest: manifest["env"].update(version=1))
    summary = json.loads((copy / "summary.json").read_text())
    (copy / "summary.json").write_text(json.dumps(summary | {"env_version": 1}))
    return copy


READING = {
    "trace --worst": lambda run: ("trace", run, "--worst", "1"),
    "trace --episode": lambda run: ("trace", run, "--episode", "0"),
    "compare": lambda run: ("compare", run, run),
    "plot": lambda run: ("plot", run),
    "safety": lambda run: ("safety", "--agent", run),
}


@pytest.mark.parametrize("command", READING)
def test_a_run_in_another_version_of_the_environment_is_not_read_by_this_one(command, harness_here, run):
    old = of_version_1(run)
    done = harness_here(*READING[command](str(old)))
    assert done.returncode == 1, done.stdout
    (sentence,) = done.stderr.strip().splitlines()
    for part in (old.name, "is of icu-sepsis v1, and this is icu-sepsis v2", "start a new run"):
        assert part in sentence


def test_bounds_are_not_drawn_of_a_run_with_other_files(harness_here, run):
    other = changed(run, "manifest.json", lambda manifest: manifest["env"].update(data_sha256="0" * 64))
    done = harness_here("plot", str(other))
    assert done.returncode == 1
    assert "was made with other files than icu-sepsis has now" in done.stderr
    assert not list(other.glob("bounds*"))


DAMAGES = {
    "empty": lambda manifest: manifest.clear(),
    "unknown field": lambda manifest: manifest["config"].update(later=1),
}
COMMANDS = {
    "trace": lambda run: ("trace", run),
    "plot": lambda run: ("plot", run),
    "play --resume": lambda run: ("play", "--resume", run),
    "eval --resume": lambda run: ("eval", "--resume", run),
    "safety": lambda run: ("safety", "--agent", run),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_manifest_of_another_version_is_one_sentence(damage, command, harness_here, run):
    damaged = changed(run, "manifest.json", DAMAGES[damage])
    (damaged / "summary.json").unlink()
    done = harness_here(*COMMANDS[command](str(damaged)))
    assert done.returncode == 1, done.stdout
    (sentence,) = done.stderr.strip().splitlines()
    assert f"The manifest of {damaged} is not of this version of the harness" in sentence


def test_a_manifest_that_names_no_version_of_its_environment_is_not_read_by_any(harness_here, run):
    damaged = changed(run, "manifest.json", lambda manifest: manifest.update(env=[]))
    (damaged / "summary.json").unlink()
    done = harness_here("trace", str(damaged), "--worst", "1")
    assert done.stderr.endswith("does not say which version of an environment it is of; it was damaged.\n")
    done = harness_here("eval", "--resume", str(damaged))
    assert "cannot be resumed" in done.stderr
    assert "the environment changed" in done.stderr


@pytest.mark.parametrize("command", [("eval", "--resume"), ("compare",)])
def test_a_summary_of_another_version_is_one_sentence(command, harness_here, run):
    old = changed(run, "summary.json", lambda summary: summary.pop("value"))
    done = harness_here(*command, str(old), *([] if "--resume" in command else [str(run)]))
    assert done.returncode == 1
    (sentence,) = done.stderr.strip().splitlines()
    assert f"The summary of {old} is not of this version of the harness: value" in sentence


def test_runs_that_cannot_be_read_say_nothing_about_the_pace(run, tmp_path):
    changed(run, "summary.json", lambda summary: summary.pop("llm_calls"))
    changed(run, "manifest.json", lambda manifest: manifest.update(model=[]))
    assert seconds_per_call(run.parent, {}, "direct@1", None) is None


def test_a_run_from_before_a_spec_said_what_is_a_share_is_of_the_same_environment(run):
    now = json.loads((run / "manifest.json").read_text())
    before = now | {"env": {name: value for name, value in now["env"].items() if name != "binary"}}
    assert now["env"]["binary"]
    assert changes(before, now, ("the environment",)) == []
    assert changes(now | {"env": now["env"] | {"version": 1}}, now, ("the environment",)) == ["the environment"]


# --------------------------------------------------------------------------- damaged since


def kept(run: Path, name: str, lines: int) -> Path:
    """A copy of a run with only the first lines of a file."""
    copy = run.with_name(f"{run.name}-cut")
    shutil.copytree(run, copy)
    whole = (run / name).read_bytes().splitlines(keepends=True)
    (copy / name).write_bytes(b"".join(whole[:lines]))
    return copy


@pytest.mark.parametrize("lines", [0, 5, 712])
@pytest.mark.parametrize("command", ["trace", "trace --worst", "compare", "plot", "safety"])
def test_a_finished_run_that_lost_decisions_is_no_smaller_run(command, lines, harness_here, run):
    damaged = kept(run, "decisions.jsonl", lines)
    words = ("trace", str(damaged)) if command == "trace" else READING[command](str(damaged))
    done = harness_here(*words)
    assert (done.returncode, done.stdout) == (1, "")
    (sentence,) = done.stderr.strip().splitlines()
    assert f"holds {lines} states asked, and the summary of the run counts 713" in sentence


@pytest.mark.parametrize("value", [0.99, 0.5])
def test_a_summary_that_tells_another_value_than_the_decisions_is_not_believed(value, harness_here, run):
    damaged = changed(run, "summary.json", lambda s: s.update(value=value, lower=value, upper=value))
    for command in ("compare", "safety"):
        done = harness_here(*READING[command](str(damaged)))
        assert (done.returncode, done.stdout) == (1, "")
        assert f"tells a value of {value:.4f}, and its records one of 0.7801" in done.stderr


def edited(run: Path, change: dict[str, Any], name: str = "decisions.jsonl") -> Path:
    """A copy of a run with other fields in the first line of a file."""
    copy = run.with_name(f"{run.name}-edited")
    shutil.copytree(run, copy)
    first, *rest = (run / name).read_text().splitlines(keepends=True)
    (copy / name).write_text(json.dumps(json.loads(first) | change) + "\n" + "".join(rest))
    return copy


SURE = [0.0] * 25
WRONG = {
    "state beyond": ({"state": 99999}, "state 99999; expected one of the 713 in which something is decided, 0 to 712"),
    "state below": ({"state": -3}, "state -3; expected one of the 713"),
    "terminal state": ({"state": 714}, "state 714; expected one of the 713"),
    "action beyond": ({"probabilities": None, "action_index": 99}, "its action_index is 99; expected 0 to 24"),
    "action below": ({"probabilities": None, "action_index": -1}, "its action_index is -1; expected 0 to 24"),
    "no action": ({"probabilities": None}, "its action_index is None; expected 0 to 24"),
    "24 probabilities": ({"probabilities": [1 / 24] * 24}, "it has 24 probabilities; expected 25"),
    "sum": ({"probabilities": [0.5, *SURE[1:]]}, "its probabilities sum to 0.5"),
    "negative": ({"probabilities": [2.0, -1.0, *SURE[2:]]}, "none below 0"),
    "another regret": ({"regret": 0.5}, "its regret is 0.5, and that of its action 0.0"),
}


@pytest.mark.parametrize("command", ["trace --worst", "compare", "plot", "safety"])
@pytest.mark.parametrize("wrong", WRONG)
def test_a_decision_that_the_environment_cannot_have_is_told_by_its_line(wrong, command, harness_here, run):
    change, sentence = WRONG[wrong]
    damaged = edited(run, change)
    done = harness_here(*READING[command](str(damaged)))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"Line 1 of {damaged / 'decisions.jsonl'}: state " in done.stderr
    assert sentence in done.stderr


def test_a_state_decided_twice_is_told_by_its_line(harness_here, run):
    damaged = edited(run, {"state": 7})
    done = harness_here("trace", str(damaged))
    assert done.returncode == 1
    assert "state 7; it was decided in an earlier line" in done.stderr


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A finished rollout."""
    asked = configured(env="icu-sepsis", agent="random", method="rollout", episodes=6)
    return Path(asyncio.run(evaluation.run(asked, tmp_path_factory.mktemp("runs"))).run_dir)


@pytest.mark.parametrize("command", ["trace", "trace --worst", "trace --episode", "compare"])
@pytest.mark.parametrize("lines", [0, -1])
def test_a_finished_run_that_lost_episodes_is_no_smaller_run(lines, command, harness_here, played, tmp_path):
    run = Path(shutil.copytree(played, tmp_path / "runs" / "a"))
    damaged = kept(run, "trace.jsonl", lines)
    words = ("trace", str(damaged)) if command == "trace" else READING[command](str(damaged))
    done = harness_here(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"holds {5 if lines else 0} episodes, and the summary of the run counts 6" in done.stderr


def test_a_rollout_that_lost_a_step_or_tells_another_value_is_refused(harness_here, played, tmp_path):
    run = Path(shutil.copytree(played, tmp_path / "runs" / "a"))
    lines = (run / "trace.jsonl").read_text().splitlines(keepends=True)
    told = changed(run, "summary.json", lambda summary: summary.update(value=0.99))
    done = harness_here("compare", str(told), str(told))
    assert (done.returncode, done.stdout) == (1, "")
    assert "tells a value of 0.9900, and its records one of" in done.stderr
    (run / "trace.jsonl").write_text("".join(line for n, line in enumerate(lines) if n != 1))
    done = harness_here("compare", str(run), str(run))
    assert (done.returncode, done.stdout) == (1, "")
    assert "steps, and its end counts" in done.stderr


def test_a_step_that_the_environment_cannot_have_is_told_by_its_episode(harness_here, played, tmp_path):
    run = Path(shutil.copytree(played, tmp_path / "runs" / "a"))
    first = json.loads((run / "trace.jsonl").read_text().splitlines()[0])
    damaged = edited(run, {"observation": first["observation"] | {"state": 99999}}, "trace.jsonl")
    for words in (("--worst", "1"), ("--episode", str(first["episode"]))):
        done = harness_here("trace", str(damaged), *words)
        assert (done.returncode, done.stdout) == (1, "")
        assert f"Episode {first['episode']} of {damaged / 'trace.jsonl'}, step 0: state 99999; expected" in done.stderr


def test_a_finished_run_with_an_empty_manifest_is_not_told_as_a_result(harness_here, run):
    damaged = changed(run, "manifest.json", dict.clear)
    for words in (("compare", str(damaged), str(run)), ("eval", "--resume", str(damaged)), ("rank", str(damaged))):
        done = harness_here(*words)
        assert (done.returncode, done.stdout) == (1, "")
        assert "is not of this version of the harness" in done.stderr
