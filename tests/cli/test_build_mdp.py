"""`harness build-mdp`, as a user meets it."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("pyarrow", reason="needs the extra data")
pytest.importorskip("sklearn", reason="needs the extra data")


@pytest.fixture
def made(harness_here, tmp_path):
    done = harness_here("data", "synthesize", "hypotension", "--patients", "40", "--out", "made.csv")
    assert done.returncode == 0, done.stderr
    return tmp_path / "made.csv"


BUILD = ("build-mdp", "--recipe", "hypotension", "--data", "made.csv", "--states", "10")


def test_from_a_file_to_the_optimum(harness_here, made, tmp_path):
    done = harness_here(*BUILD, "--out", "mine")
    assert done.returncode == 0, done.stderr
    assert "40 patients, 1,920 rows" in done.stdout
    assert "stand-in" in done.stdout
    assert "k-means" in done.stderr
    plain = json.loads(harness_here(*BUILD, "--out", "again", "--json", "--quiet").stdout)
    assert (plain["states"], plain["actions"]) == (10, 16)
    assert plain["optimal_value"] > plain["behaviour_value"]
    optimum = json.loads(harness_here("optimum", "--mdp", "mine", "--json").stdout)
    assert optimum["optimal"]["value"] == pytest.approx(plain["optimal_value"])
    assert (tmp_path / "mine" / "mdp.npz").read_bytes() == (tmp_path / "again" / "mdp.npz").read_bytes()


def test_states_in_which_nothing_was_seen_often_enough_are_counted(harness_here, made):
    plain = json.loads(harness_here(*BUILD, "--out", "mine", "--visits", "100000", "--json", "--quiet").stdout)
    assert (plain["unsupported_states"], plain["admissible"]) == (10, 10)
    assert plain["optimal_value"] == pytest.approx(plain["behaviour_value"])


def test_an_mdp_that_replaces_another_says_so(harness_here, made):
    said = "Another MDP was in mine and is replaced"
    for words, other in ((("--seed", "1"), False), (("--seed", "1"), False), (("--visits", "9"), True)):
        done = harness_here(*BUILD, "--out", "mine", "--quiet", *words)
        assert done.returncode == 0, done.stderr
        assert (said in " ".join(done.stdout.split())) is other


def spoil(path, change):
    lines = [line.split(",") for line in path.read_text().splitlines()]
    change(lines)
    path.write_text("\n".join(",".join(line) for line in lines) + "\n")


def kilopascal(lines):
    column = lines[0].index("MAP")
    for line in lines[1:]:
        line[column] = str(float(line[column]) / 7.5)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda lines: lines.pop(20), "is missing"),
        (lambda lines: lines.insert(20, lines[20]), "was there"),
        (kilopascal, "MAP"),
    ],
)
def test_bad_data_are_refused_in_one_sentence_and_nothing_is_written(harness_here, made, tmp_path, change, sentence):
    spoil(made, change)
    done = harness_here(*BUILD, "--out", "mine", "--quiet")
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "mine").exists()


def test_the_wrong_file_for_a_recipe_is_named(harness_here, made):
    done = harness_here("build-mdp", "--recipe", "sepsis", "--data", "made.csv", "--out", "mine", "--quiet")
    assert done.returncode == 2
    assert "looks like 'hypotension'" in done.stderr
