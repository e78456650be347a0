"""`harness train optim-neural-ts` and `harness screen` as a user meets them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

SMALL = ["--drugs", "30", "--combinations", "500", "--patterns", "3", "--mean-size", "3", "--data-seed", "4"]
SHORT = [*SMALL, "--steps", "300", "--warm-up", "150"]


@pytest.fixture
def trained(harness_command, tmp_path):
    done = harness_command("train", "optim-neural-ts", *SHORT, "--seeds", "0-1", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), tmp_path


def test_a_run_is_a_table_by_seed_with_means_and_can_be_screened(harness_command, trained):
    found, folder = trained
    assert [row["seed"] for row in found["seeds"]] == [0, 1]
    assert found["means"]["recall"]["n"] == 2
    assert found["means"]["recall"]["value"] == pytest.approx(sum(row["recall"] for row in found["seeds"]) / 2)
    run = folder / found["run_dir"]
    assert json.loads((run / "summary.json").read_text()) == found
    assert json.loads((run / "manifest.json").read_text())["settings"]["steps"] == 300

    printed = harness_command("train", "optim-neural-ts", "--resume", str(run))
    assert printed.returncode == 0, printed.stderr
    for words in ("precision", "of 3", "mean", "Student-t 95 %", "not medical advice"):
        assert words in printed.stdout

    no_evaluation = "is of kind 'training'; expected one of kind 'evaluation'"
    for command, sentence in (
        (["trace"], no_evaluation),
        (["compare", str(run)], no_evaluation),
        (["eval", "--resume"], no_evaluation),
        (["plot"], "is of optim-neural-ts, which has no curve of exact values"),
    ):
        refused = harness_command(*command, str(run))
        assert refused.returncode == 1
        assert sentence in refused.stderr

    several = harness_command("screen", "--checkpoint", str(run), "--combination", "d1")
    assert several.returncode == 1
    assert "has 2 seeds; name the folder of one" in several.stderr

    (folder / "sets.txt").write_text("# a comment\nd1, d2\n\nd3,d17,d21  # another\n")
    screened = harness_command("screen", "--checkpoint", str(run / "seed-1"), "--file", "sets.txt", "--json")
    scores = json.loads(screened.stdout)["combinations"]
    assert [s["drugs"] for s in scores] == [["d1", "d2"], ["d3", "d17", "d21"]]
    assert all(s["lower"] == pytest.approx(s["mean"] - 3 * s["sigma"], abs=1e-5) for s in scores)
    assert all(s["flagged"] == (s["lower"] > 1.1) for s in scores)
    typed = harness_command("screen", "--checkpoint", str(run / "seed-1"), "--combination", "d3,d17,d21")
    assert f"{scores[1]['mean']:.3f}" in typed.stdout
    assert "not medical advice" in typed.stdout


def test_a_lost_seed_is_trained_again_to_the_same_result(harness_command, trained):
    found, folder = trained
    run = folder / found["run_dir"]
    shutil.rmtree(run / "seed-1")
    (run / "summary.json").unlink()
    done = harness_command("train", "optim-neural-ts", "--resume", str(run), "--json")
    again = json.loads(done.stdout)
    for row in (*found["seeds"], *again["seeds"]):
        del row["cpu_seconds"]
    assert again["seeds"] == found["seeds"]


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["train", "optim-neural-ts", "--seeds", "1,x"], 2, "--seeds '1,x' are no seeds"),
        (["train", "optim-neural-ts", "--seeds", "²"], 2, "--seeds '²' are no seeds"),
        (["train", "optim-neural-ts", "--seeds", "3-1"], 2, "--seeds '3-1' are no seeds"),
        (["train", "optim-neural-ts", "--seeds", "0-999999999"], 2, "training seeds are 0 to 9999"),
        (["train", "optim-neural-ts", "--seeds", "100000"], 2, "training seeds are 0 to 9999"),
        (["train", "optim-neural-ts", "--seeds", "1,1"], 2, "not distinct"),
        (["train", "optim-neural-ts", "--drugs", "5"], 2, "--mean-size 8.7 is no size"),
        (["train", "optim-neural-ts", "--env", "icu-sepsis"], 2, "icu-sepsis has no drug lists"),
        (["train", "optim-neural-ts", "--env", "x", "--drugs", "9"], 2, "--drugs is of simulated data"),
        (["train", "optim-neural-ts", "--resume", "nothing"], 1, "is not a run folder"),
        (["train", "optim-neural-ts", "--resume", "x", "--steps", "5"], 2, "--steps does not go with --resume"),
        (["screen", "--checkpoint", "nothing", "--combination", "d1"], 1, "holds no trained search"),
        (["screen", "--checkpoint", "nothing"], 2, "--combination d3,d17 or --file FILE"),
        (["screen", "--checkpoint", "x", "--file", "absent.txt"], 2, "Cannot read absent.txt"),
    ],
)
def test_a_mistake_is_one_sentence(harness_command, tmp_path, words, status, sentence):
    done = harness_command(*words)
    assert done.returncode == status
    assert sentence in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert not list(Path(tmp_path).glob("runs/*"))


@pytest.mark.parametrize("words", [["train"], ["train", "optim-neural-ts"], ["screen"]])
def test_help_shows_an_example(harness_command, words):
    done = harness_command(*words, "--help")
    assert done.returncode == 0
    assert "Example" in done.stdout
    assert "harness" in done.stdout
