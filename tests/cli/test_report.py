"""`harness report` and `harness safety` of tasks that patients' data made, as a user meets them."""

from __future__ import annotations

import csv
import json
import shutil

import pytest

pytest.importorskip("sklearn", reason="needs the extra data")
pytest.importorskip("matplotlib", reason="needs the extra plots")

from harness.construction.build import build
from harness.construction.write import write
from tests.construction.made import small, stand_in

NAMES = {"hypotension": "hypotension", "sepsis": "sepsis-hg", "art-hiv": "art-hiv"}


@pytest.fixture(params=NAMES)
def built(request, tmp_path):
    """A built MDP of each data set, and its recipe."""
    data = "hiv" if request.param == "art-hiv" else request.param
    write(build(stand_in(data), small(request.param)), tmp_path / "mine")
    return request.param


def test_of_a_built_mdp_and_of_its_task(built, harness_here, tmp_path):
    done = harness_here("report", "optimal", "expert", "--mdp", "mine", "--out", "page")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "page" / "report.md").read_text()
    assert "not data of patients" in text
    assert "not medical advice" in text
    pictures = [line.split("<")[1].split(">")[0] for line in text.splitlines() if line.startswith("![")]
    assert len(pictures) == 2
    assert all((tmp_path / "page" / picture).read_bytes().startswith(b"\x89PNG") for picture in pictures)
    graded = built != "art-hiv"
    assert (tmp_path / "page" / "doses.csv").exists() is graded
    assert ("no graded doses" in text) is not graded
    with (tmp_path / "page" / "actions.csv").open(encoding="utf-8") as file:
        everywhere = [row for row in csv.DictReader(file) if row["band"] == "all" and row["policy"] == "expert"]
    assert sum(float(row["share"]) for row in everywhere) == pytest.approx(1)
    named = harness_here("safety", "--env", NAMES[built], "--option", "path=mine", "--agent", "expert", "--json")
    (row, *bands) = json.loads(named.stdout)
    assert row["variation"] == 0
    assert sum(band["decisions"] for band in bands) == pytest.approx(1)
    assert ("vasopressor_abrupt" in row) is graded


def test_stays_of_months_are_told_in_days_and_flags_of_the_data_explained(harness_here):
    shown = harness_here("eval", "--env", "art-hiv", "--agent", "expert", "--quiet").stdout
    assert "mean stay (d)" in shown
    assert "1795.8" in shown
    assert "Drug (M) says" in harness_here("prompts", "render", "art-hiv/direct").stdout


def test_a_run_says_what_task_it_is_of(harness_here, tmp_path):
    write(build(stand_in("hypotension"), small("hypotension")), tmp_path / "mine")
    done = harness_here("eval", "--mdp", "mine", "--agent", "random", "--method", "exact", "--quiet", "--out", "runs")
    assert done.returncode == 0, done.stderr
    (run,) = (tmp_path / "runs").iterdir()
    for words in (("safety", "--agent", f"runs/{run.name}"), ("report", f"runs/{run.name}", "--out", "page")):
        done = harness_here(*words)
        assert done.returncode == 0, done.stderr
    assert "Acute hypotension" in (tmp_path / "page" / "report.md").read_text()
    trained = harness_here(
        "train", "linucb", "--env", "mdp:mine", "--episodes", "20", "--quiet", "--out", "trained", "--json"
    )
    assert trained.returncode == 0, trained.stderr
    (training,) = (tmp_path / "trained").iterdir()
    (row, *_) = json.loads(harness_here("safety", "--agent", f"trained/{training.name}", "--json").stdout)
    assert row["policy"] == "linucb"
    (row, *_) = json.loads(harness_here("safety", "--agent", f"trained/{training.name}/seed-0", "--json").stdout)
    assert row["policy"] == "linucb"
    refused = harness_here("safety", "--env", "icu-sepsis", "--agent", f"runs/{run.name}")
    assert refused.returncode != 0
    assert "and this is icu-sepsis" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1


def test_a_run_of_an_mdp_that_was_built_again_says_that_its_files_are_others(harness_here, tmp_path):
    write(build(stand_in("hypotension"), small("hypotension")), tmp_path / "mine")
    done = harness_here("eval", "--mdp", "mine", "--agent", "random", "--method", "exact", "--quiet", "--out", "runs")
    assert done.returncode == 0, done.stderr
    trained = harness_here("train", "linucb", "--env", "mdp:mine", "--episodes", "20", "--quiet", "--out", "trained")
    assert trained.returncode == 0, trained.stderr
    shutil.rmtree(tmp_path / "mine")
    write(build(stand_in("sepsis"), small("sepsis")), tmp_path / "mine")
    (run,) = (str(path.relative_to(tmp_path)) for path in (tmp_path / "runs").iterdir())
    for words in (("safety", "--agent", run), ("report", run, "--out", "page"), ("trace", run, "--worst", "1")):
        done = harness_here(*words)
        assert (done.returncode, done.stdout) == (1, "")
        assert "was made with other files than" in done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--env", "warfarin"), "warfarin is not tabular"),
        (("--mdp", "nowhere"), "There is no folder or archive"),
        (("--mdp", "nowhere", "--env", "icu-sepsis"), "--env and --mdp both name a task"),
        (("--env", "art-hiv", "--option", "inadmissible=mean"), "has no option 'inadmissible'"),
    ],
)
def test_a_wrong_task_is_one_sentence(words, sentence, harness_here):
    done = harness_here("safety", "--agent", "optimal", *words)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_rollout_is_named_as_what_has_no_policy_for_every_state(harness_here, tmp_path):
    assert (
        harness_here("eval", "--agent", "random", "--method", "rollout", "--episodes", "2", "--quiet").returncode == 0
    )
    (run,) = (tmp_path / "runs").iterdir()
    for words in (("safety", "--agent", f"runs/{run.name}"), ("report", f"runs/{run.name}", "--out", "told")):
        refused = harness_here(*words)
        assert refused.returncode != 0
        assert (
            "is by rollout, which tells no policy for every state; expected a run by exact or certify" in refused.stderr
        )
        assert len(refused.stderr.strip().splitlines()) == 1
