"""`harness train` for neural offline learners and `harness reproduce cql-sepsis`: the words, the sentences."""

from __future__ import annotations

import json
import sys

import pytest

NEEDS = "needs the extra 'deep': make test-all, or pip install 'harness[deep]'"

QUICK = ("--steps", "20", "--set", "hidden=8", "--set", "look_every=10", "--quiet")


@pytest.fixture
def data(harness_here):
    assert harness_here("collect", "--episodes", "50", "--out", "data.npz").returncode == 0


def test_it_is_said_what_has_to_be_installed(harness_here, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    for words in (("train", "double-dqn", "--data", "data.npz"), ("reproduce", "cql-sepsis")):
        told = harness_here(*words)
        assert told.returncode == 2
        assert "safetensors, not installed here" in told.stderr
        assert "harness[deep]" in told.stderr


@pytest.mark.parametrize("name", ["neural-bc", "double-dqn", "neural-cql"])
def test_a_network_trains_and_its_folder_is_an_agent(data, harness_here, name):
    pytest.importorskip("torch", reason=NEEDS)
    told = harness_here("train", name, "--data", "data.npz", "--json", *QUICK)
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert [row["steps"] for row in found["curve"]] == [10, 20]
    asked = harness_here("eval", "--env", "icu-sepsis", "--agent", found["run_dir"], "--json")
    assert json.loads(asked.stdout)["value"] == pytest.approx(found["value"], abs=1e-12)
    again = harness_here("train", name, "--resume", found["run_dir"], "--quiet")
    assert again.returncode == 0, again.stderr
    assert "exact survival" in again.stdout
    assert "optimal" in again.stdout


def test_the_command_that_evaluates_names_the_options_of_the_data(harness_here):
    pytest.importorskip("torch", reason=NEEDS)
    options = ("--option", "inadmissible=terminate")
    assert harness_here("collect", "--episodes", "50", *options, "--out", "data.npz").returncode == 0
    told = harness_here("train", "double-dqn", "--data", "data.npz", *QUICK)
    (line,) = [line for line in told.stdout.splitlines() if line.startswith("evaluate with: harness ")]
    evaluated = harness_here(*line.removeprefix("evaluate with: harness ").split(), "--json")
    assert evaluated.returncode == 0, evaluated.stderr
    assert json.loads(evaluated.stdout)["env_options"] == {"inadmissible": "terminate"}


def test_learning_curves_of_networks_are_drawn(data, harness_here, tmp_path):
    pytest.importorskip("torch", reason=NEEDS)
    pytest.importorskip("matplotlib")
    runs = [
        json.loads(harness_here("train", name, "--data", "data.npz", "--seed", seed, "--json", *QUICK).stdout)[
            "run_dir"
        ]
        for name, seed in (("double-dqn", "1"), ("double-dqn", "2"), ("neural-bc", "1"))
    ]
    drawn = harness_here("plot", *runs, "--out", "curves")
    assert drawn.stdout == "drawn: curves.png\ndrawn: curves.svg\n", drawn.stderr
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    text = (tmp_path / "curves.svg").read_text()
    assert [text.count(f"<!-- {words} -->") for words in ("double-dqn, n = 2", "neural-behaviour-cloning, n = 1")] == [
        1,
        1,
    ]


def test_wrong_words_get_one_sentence(data, harness_here):
    pytest.importorskip("torch", reason=NEEDS)
    told = harness_here("train", "neural-cql", "--data", "data.npz", "--set", "looks=3")
    assert told.stderr.startswith("harness: There is no setting of neural-conservative-q 'looks'. Did you mean")
    told = harness_here("train", "neural-cql", "--data", "data.npz", "--set", "tau=2")
    assert told.stderr.startswith("harness: A setting of neural-conservative-q does not fit: tau")
    told = harness_here("train", "neural-bc")
    assert told.stderr.startswith("harness: Nothing says what to learn from; name a file with --data")
    told = harness_here("reproduce", "cql-sepsis", "--seeds", "4x")
    assert told.stderr == "harness: --seeds 4x is not understood; expected numbers separated by commas.\n"
    made = json.loads(harness_here("train", "neural-bc", "--data", "data.npz", "--json", *QUICK).stdout)["run_dir"]
    told = harness_here("train", "double-dqn", "--resume", made)
    assert "is of neural-behaviour-cloning; expected one of double-dqn" in told.stderr
    told = harness_here("train", "neural-bc", "--resume", made, "--steps", "5")
    assert "--steps does not go with --resume: a run goes on as it began; start a new run" in told.stderr


def test_the_table_is_printed_and_drawn_again_from_its_folder(harness_here, tmp_path):
    pytest.importorskip("torch", reason=NEEDS)
    pytest.importorskip("matplotlib")
    words = ("--alphas", "0", "--seeds", "42", "--steps", "4", "--look-every", "2", "--episodes", "30")
    told = harness_here("reproduce", "cql-sepsis", *words, "--repeats", "10", "--processes", "1", "--quiet", "--json")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert [row["arm"] for row in found["rows"]] == ["random", "behaviour cloning", "DQN", "CQL, alpha 0"]
    again = harness_here("reproduce", "cql-sepsis", "--resume", found["run"], "--plots", "figures", "--quiet")
    assert again.returncode == 0, again.stderr
    assert "NOT the published protocol" in again.stdout
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"cql-sepsis.png", "cql-sepsis.svg"}
