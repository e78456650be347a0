"""`harness train dqn`, and the agent that it leaves, as a user meets them."""

from __future__ import annotations

import json

import pytest

NEEDS = "needs the extra 'deep': make test-all, or pip install 'harness[deep]'"
pytest.importorskip("torch", reason=NEEDS)
pytest.importorskip("safetensors", reason=NEEDS)


def test_a_network_is_trained_shown_and_evaluated(harness_here, tmp_path):
    words = ("--env", "heparin", "--episodes", "8", "--patients", "4", "--updates", "2", "--lag", "0", "--lag", "1")
    done = harness_here("train", "dqn", *words, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    run = tmp_path / found["run_dir"]
    assert [row["episodes"] for row in found["curve"]] == [4, 8]
    assert (found["settings"]["lags"], found["settings"]["updates"]) == ([0, 1], 2)
    assert json.loads((run / "curve.json").read_text())["rounds"] == found["curve"]
    assert json.loads((run / "manifest.json").read_text())["algorithm"] == "dqn"

    again = harness_here("train", "dqn", "--resume", str(run))
    assert again.returncode == 0, again.stderr
    for words in ("held-out return", "95 % intervals", "harness eval --env heparin --agent", "not medical"):
        assert words in again.stdout

    evaluated = harness_here("eval", "--env", "heparin", "--agent", found["run_dir"], "--episodes", "3", "--json")
    assert evaluated.returncode == 0, evaluated.stderr
    summary = json.loads(evaluated.stdout)
    assert (summary["agent"], summary["episodes"], summary["invalid_actions"]) == ("dqn", 3, 0)
    manifest = json.loads((tmp_path / summary["run_dir"] / "manifest.json").read_text())
    assert manifest["trained"]["rounds"] == 2

    wrong = harness_here("train", "reinforce", "--resume", str(run))
    assert wrong.returncode != 0
    assert "is no run of `harness train reinforce`" in wrong.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--env", "warfarin"], "Nothing is trained in warfarin by 'dqn'"),
        (["--seed", "100000"], "training seeds are 0 to 9999"),
        (["--resume", "x", "--seed", "5"], "--seed does not go with --resume"),
    ],
)
def test_a_mistake_is_one_sentence(harness_here, tmp_path, words, sentence):
    done = harness_here("train", "dqn", *words)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("runs/*"))
