"""The recipe `ai-clinician` from a file with its columns to a task, its optimum and the doubt about it."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("sklearn", reason="needs the extra data")
pytest.importorskip("pyarrow", reason="needs the extra data")

from harness.envs.registry import make
from harness.mdp.evaluate import evaluate
from tests.construction.cohort import write

BUILD = ("build-mdp", "--recipe", "ai-clinician", "--data", "MIMICtable.csv", "--quiet")


@pytest.fixture
def cohort(tmp_path):
    write(tmp_path / "MIMICtable.csv", 150)
    return tmp_path


def test_from_the_cohorts_columns_to_an_optimum(cohort, harness_here):
    done = harness_here(*BUILD, "--states", "15", "--visits", "5", "--out", "mine", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["patients"], found["transitions"], found["actions"]) == (150, 900, 25)
    assert found["endings"] == ["died", "survived"]
    env = make(f"mdp:{cohort / 'mine'}")
    usual = evaluate(env.mdp, env.expert_policy).J
    assert usual == pytest.approx(found["mean_return_of_the_data"], abs=0.1)
    assert 1 >= env.optimum.J > usual
    seen = env.reset(100_000).features
    assert "lactate (mmol/L)" in {name.removeprefix("Arterial_") for name in seen}
    assert "male" in seen["sex"]
    assert [dose.name for dose in env.doses] == ["fluids", "vasopressor"]
    assert env.severity.name == "SOFA"


def test_its_task_is_judged_asked_and_reported(cohort, harness_here):
    assert harness_here(*BUILD, "--states", "15", "--visits", "5", "--out", "mine").returncode == 0
    rows = json.loads(harness_here("data", "states", "MIMICtable.csv", "--mdp", "mine", "--json").stdout)
    assert len(rows) == 150
    safety = json.loads(harness_here("safety", "--mdp", "mine", "--agent", "optimal", "--json").stdout)
    assert [row["band"] for row in safety] == ["all", "SOFA < 5", "SOFA 5 to 11", "SOFA > 11"]
    words = ("--states", "15", "--visits", "5", "--resamples", "2", "--quiet")
    doubted = harness_here("doubt", "--recipe", "ai-clinician", "--data", "MIMICtable.csv", *words)
    assert doubted.returncode == 0, doubted.stderr
    assert "nan" not in doubted.stdout


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("mortality_90d", "", "column 'mortality_90d'"),
        ("SpO2", "104", "expected 0 to 100 %"),
        ("gender", "2", "column 'gender'"),
        ("bloc", "1", "column 'bloc'"),
    ],
)
def test_a_wrong_cell_is_named_in_one_sentence(cohort, harness_here, column, value, sentence):
    path = cohort / "MIMICtable.csv"
    lines = [line.split(",") for line in path.read_text().splitlines()]
    lines[3][lines[0].index(column)] = value
    path.write_text("\n".join(map(",".join, lines)) + "\n")
    done = harness_here(*BUILD, "--states", "15", "--out", "mine")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "line 4" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_who_died_must_be_said_in_all_rows_and_states_need_patients(cohort, harness_here):
    done = harness_here(*BUILD, "--states", "1000", "--out", "mine")
    assert (done.returncode, "ask for fewer states" in done.stderr) == (2, True)
    path = cohort / "MIMICtable.csv"
    lines = [line.split(",") for line in path.read_text().splitlines()]
    which = lines[0].index("mortality_90d")
    lines[3][which] = "1" if lines[3][which] == "0" else "0"
    path.write_text("\n".join(map(",".join, lines)) + "\n")
    done = harness_here(*BUILD, "--states", "15", "--out", "mine")
    assert done.returncode == 2
    assert "changes within patient 1" in done.stderr
