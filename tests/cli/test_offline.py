"""`harness collect`, `harness train` for offline learners, `harness sweep`: the words, the folders, the sentences."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from harness.cli.train.offline import COMMANDS, SHORT


@pytest.fixture
def data(harness_here):
    told = harness_here("collect", "--env", "icu-sepsis", "--episodes", "300", "--seed", "5", "--out", "data.npz")
    assert told.returncode == 0, told.stderr
    return told


def test_what_was_collected_is_told(data, harness_here):
    assert "data.npz: 300 episodes of expert in icu-sepsis" in data.stdout
    assert "n = 300" in data.stdout
    told = harness_here("collect", "--episodes", "20", "--agent", "random", "--out", "more.npz", "--json")
    found = json.loads(told.stdout)
    assert (found["agent"], found["episodes"], found["env_version"]) == ("random", 20, 2)
    assert found["mean_return_lower"] < found["mean_return"] < found["mean_return_upper"]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_learner_trains_and_its_folder_is_an_agent(data, harness_here, name):
    told = harness_here("train", SHORT[name], "--data", "data.npz", "--json")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert found["algorithm"] == name
    assert set(found["references"]) >= {"optimal", "expert", "random"}
    asked = harness_here("eval", "--env", "icu-sepsis", "--agent", found["run_dir"], "--json")
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["value"] == pytest.approx(found["value"], abs=1e-12)
    manifest = json.loads((Path(found["run_dir"]) / "manifest.json").read_text())
    assert manifest["data"]["about"]["seed"] == 5
    assert len(manifest["data"]["sha256"]) == 64


def test_a_trained_policy_has_one_name_in_every_report_and_in_the_folders_of_its_runs(data, harness_here):
    trained = [json.loads(harness_here("train", "bc", "--data", "data.npz", "--json").stdout)["run_dir"] for _ in "ab"]
    words = ("--agent", f"{trained[0]}/seed-0", "--out", "evaluated", "--json")
    run = json.loads(harness_here("eval", *words).stdout)
    assert run["agent"] == "behaviour-cloning"
    assert Path(run["run_dir"]).name.endswith("-icu-sepsis-behaviour-cloning")
    for one in (trained[0], run["run_dir"]):
        assert json.loads(harness_here("safety", one, "--json").stdout)[0]["policy"] == "behaviour-cloning"
    shown = json.loads(harness_here("safety", *trained, run["run_dir"], "--json").stdout)
    folders = (*trained, run["run_dir"])
    assert {row["policy"] for row in shown} == {f"behaviour-cloning ({Path(folder).name})" for folder in folders}


def test_what_learned_where_inadmissible_actions_kill_acts_nowhere_else(harness_here):
    words = ("--env", "icu-sepsis", "--inadmissible", "terminate")
    assert harness_here("collect", *words, "--episodes", "50", "--out", "harsh.npz").returncode == 0
    made = json.loads(harness_here("train", "bc", "--data", "harsh.npz", "--json").stdout)["run_dir"]
    assert harness_here("eval", *words, "--agent", made, "--json").returncode == 0
    for command in (("eval",), ("safety",), ("collect", "--out", "mild.npz")):
        told = harness_here(*command, "--env", "icu-sepsis", "--agent", made)
        assert told.returncode == 1
        assert told.stderr == (
            f"harness: The policy in {made}/policy.npz was learned in icu-sepsis v2 with inadmissible=terminate, and "
            "this is icu-sepsis v2; train an agent for it.\n"
        )


def test_the_table_has_the_references_beside(data, harness_here):
    told = harness_here("train", "batch-constrained-q", "--data", "data.npz", "--support", "3")
    assert "support 3" in told.stdout
    lines = told.stdout.splitlines()
    for name in ("optimal", "batch-constrained-q", "expert", "random"):
        assert any(line.split()[:1] == [name] for line in lines)
    assert "Exact" in told.stdout


def test_wrong_data_get_one_sentence(data, harness_here, tmp_path):
    with np.load(tmp_path / "data.npz") as file:
        columns = dict(file)
    columns["action"][7] = 99
    np.savez(tmp_path / "wrong.npz", **columns)
    told = harness_here("train", "fqi", "--data", "wrong.npz")
    assert told.returncode == 2
    assert told.stderr == "harness: wrong.npz: Row 7, column 'action' is 99; expected 0 to 24.\n"
    told = harness_here("train", "fqi", "--data", "data.npz", "--env", "sepsis-os")
    assert told.stderr == "harness: data.npz is of icu-sepsis; expected data of sepsis-os.\n"
    told = harness_here("train", "cql", "--data", "nothing.npz")
    assert told.stderr == "harness: There is no file 'nothing.npz'; `harness collect` makes one.\n"
    for option in (("cql", "--alpha"), ("pvi", "--beta"), ("bc", "--smoothing")):
        told = harness_here("train", option[0], "--data", "data.npz", option[1], "inf")
        assert told.stderr == f"harness: {option[1]}: Input should be a finite number.\n"
    told = harness_here("sweep", "--learner", "conservative-q", "--alpha", "inf")
    assert told.stderr == "harness: This is no sweep: alpha: Input should be a finite number.\n"
    told = harness_here("sweep", "--learner", "pessimistic-vi", "--alpha", "3")
    assert told.stderr == (
        "harness: --alpha belongs to --learner conservative-q, and no such learner is here; leave it out.\n"
    )
    assert not (tmp_path / "runs").exists()


def test_nothing_is_written_over(data, harness_here):
    told = harness_here("collect", "--out", "data.npz")
    assert (told.returncode, told.stderr) == (
        2,
        "harness: 'data.npz' exists and is not replaced; choose another name, or delete it.\n",
    )


def test_a_sweep_prints_its_table_is_drawn_and_goes_on(harness_here, tmp_path):
    words = ("--learner", "fqi", "--size", "50", "--size", "20", "--seeds", "2", "--processes", "1", "--quiet")
    told = harness_here("sweep", *words)
    assert told.returncode == 0, told.stderr
    assert "fitted-q" in told.stdout
    assert "n = 2" in told.stdout
    run = next(line for line in told.stdout.splitlines() if line.startswith("run ")).removeprefix("run ")
    assert f"figure: harness plot {run}" in told.stdout
    again = harness_here("sweep", "--resume", run, "--quiet", "--json")
    found = json.loads(again.stdout)
    assert {row["n"] for row in found["rows"]} == {2}
    assert {pair["size"] for pair in found["best"]} == {20, 50}
    pytest.importorskip("matplotlib")
    assert harness_here("plot", run, "--out", "sizes").stdout == "drawn: sizes.png\ndrawn: sizes.svg\n"
    text = (tmp_path / "sizes.svg").read_text()
    for words in ("fitted-q", "support-planner", "beta=0.2", "episodes learned from", "50"):
        assert f"<!-- {words} -->" in text
    refused = harness_here("plot", run, run)
    assert refused.stderr == f"harness: {run} is a sweep, which is drawn alone; 2 runs are named.\n"
    refused = harness_here("sweep", "--resume", run, "--seeds", "3")
    assert "--seeds does not go with --resume: a run goes on as it began; start a new run" in refused.stderr


@pytest.mark.parametrize("name", ["linucb", "thompson"])
def test_a_bandit_trains_and_its_folder_is_an_agent(harness_here, name):
    told = harness_here("train", name, "--env", "icu-sepsis", "--episodes", "200", "--json")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert (found["algorithm"], found["episodes"], found["transitions"]) == (name, 200, None)
    asked = harness_here("eval", "--env", "icu-sepsis", "--agent", found["run_dir"], "--json")
    assert json.loads(asked.stdout)["value"] == pytest.approx(found["value"], abs=1e-12)
    refused = harness_here("train", name, "--batch", "6")
    assert (refused.returncode, refused.stderr) == (
        2,
        "harness: --batch: Input should be a multiple of 4.\n",
    )
    assert "hides part of its state" in harness_here("train", name, "--env", "sepsis-os-hidden").stderr


def test_a_data_set_of_minari_is_collected_and_learned_from(harness_here, tmp_path, monkeypatch):
    minari = pytest.importorskip("minari")
    pytest.importorskip("h5py")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    told = harness_here("collect", "--episodes", "12", "--format", "minari", "--out", "icu-sepsis/expert-v3", "--json")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert minari.load_dataset("icu-sepsis/expert-v3").total_steps == found["transitions"]
    told = harness_here("train", "bc", "--data", found["out"], "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["transitions"] == found["transitions"]
    told = harness_here("train", "bc", "--data", "minari")
    assert told.stderr == "harness: The folder 'minari' is no data set of Minari: it has no data/main_data.hdf5.\n"
