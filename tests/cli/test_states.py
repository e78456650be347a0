"""`harness data states`, as a user meets it."""

from __future__ import annotations

import csv
import json

import pytest

pytest.importorskip("sklearn", reason="needs the extra data")
pytest.importorskip("pyarrow", reason="needs the extra data")

from harness.construction.build import build
from harness.construction.write import write
from tests.construction.made import small, stand_in


@pytest.fixture
def ward(tmp_path, harness_here):
    write(build(stand_in("hypotension"), small("hypotension")), tmp_path / "ward")
    assert harness_here("data", "synthesize", "hypotension", "--patients", "2", "--out", "new.csv").returncode == 0
    return ("data", "states", "new.csv", "--mdp", "ward")


def test_every_patient_has_a_state_and_the_optimum_its_action_in_words(ward, harness_here, tmp_path):
    done = harness_here(*ward)
    assert done.returncode == 0, done.stderr
    assert "not data of patients" in done.stdout
    assert "mean arterial pressure (mmHg)" in done.stdout
    rows = json.loads(harness_here(*ward, "--json").stdout)
    assert [row["patient"] for row in rows] == [900000000, 900000001]
    assert all(row["optimal"] in done.stdout and row["admissible"] for row in rows)
    written = harness_here(*ward, "--every", "--out", "states.csv")
    assert "76 more rows" in written.stdout
    with (tmp_path / "states.csv").open(encoding="utf-8") as file:
        every = list(csv.DictReader(file))
    assert len(every) == 96
    assert [int(row["state"]) for row in every if row["time"] == "47"] == [row["state"] for row in rows]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("data", "states", "sepsis.csv", "--mdp", "ward"), "it looks like 'sepsis'"),
        (("data", "states", "nowhere.csv", "--mdp", "ward"), "is not there"),
        (("data", "states", "new.csv", "--mdp", "new.csv"), "is no built MDP"),
        (("data", "states", "new.csv", "--mdp", "ward", "--out", "no/where.csv"), "give another file with --out"),
    ],
)
def test_a_wrong_word_is_one_sentence(ward, harness_here, words, sentence):
    assert harness_here("data", "synthesize", "sepsis", "--patients", "2", "--out", "sepsis.csv").returncode == 0
    done = harness_here(*words)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
