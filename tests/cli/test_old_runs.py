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
