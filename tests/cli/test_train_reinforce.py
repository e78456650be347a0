"""`harness train reinforce`, and the agent that it leaves, as a user meets them."""

from __future__ import annotations

import json

import pytest

NEEDS = "needs the extra 'deep': make test-all, or pip install 'harness[deep]'"
pytest.importorskip("torch", reason=NEEDS)
pytest.importorskip("safetensors", reason=NEEDS)

EASY = ("--env", "polypharmacy/easy-screening")


def test_a_policy_is_trained_shown_and_evaluated(harness_here, tmp_path):
    done = harness_here("train", "reinforce", *EASY, "--episodes", "8", "--batch", "4", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    run = tmp_path / found["run_dir"]
    assert [row["episodes"] for row in found["curve"]] == [4, 8]
    assert json.loads((run / "curve.json").read_text())["updates"] == found["curve"]
    assert json.loads((run / "manifest.json").read_text())["algorithm"] == "reinforce"

    again = harness_here("train", "reinforce", "--resume", str(run))
    assert again.returncode == 0, again.stderr
    for words in ("held-out return", "95 % intervals", "harness eval --env polypharmacy/easy-screening", "not medical"):
        assert words in again.stdout

    rollout = ("--method", "rollout", "--episodes", "4", "--json")
    evaluated = harness_here("eval", *EASY, "--agent", found["run_dir"], *rollout)
    assert evaluated.returncode == 0, evaluated.stderr
    summary = json.loads(evaluated.stdout)
    assert (summary["agent"], summary["episodes"], summary["invalid_actions"]) == ("reinforce", 4, 0)
    manifest = json.loads((tmp_path / summary["run_dir"] / "manifest.json").read_text())
    assert manifest["trained"]["updates"] == 2

    compared = harness_here("compare", found["run_dir"], summary["run_dir"])
    assert compared.returncode == 1
    assert "is of kind 'training'" in compared.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--env", "icu-sepsis"], "Nothing is trained in icu-sepsis"),
        (["--seed", "100000"], "training seeds are 0 to 9999"),
        (["--resume", "x", "--seed", "5"], "--seed does not go with --resume"),
    ],
)
def test_a_mistake_is_one_sentence(harness_here, tmp_path, words, sentence):
    done = harness_here("train", "reinforce", *words)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("runs/*"))
