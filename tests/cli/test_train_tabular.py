"""`harness train` of tabular agents, and table 3 of the paper, as a user meets them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.cli.test_reproduce import strict
from tests.mdp.folders import write

QUICK = {
    "sarsa": (),
    "q-learning": (),
    "dqn": ("--set", "learning_starts=100"),
    "sac": ("--set", "learning_starts=100"),
    "ppo": ("--set", "rollout=100"),
}


@pytest.mark.parametrize("name", QUICK)
def test_an_agent_is_trained_shown_and_evaluated_exactly(harness_here, tmp_path, name):
    words = ("--env", "icu-sepsis", "--seeds", "3,5", "--episodes", "60", *QUICK[name])
    done = harness_here("train", name, *words, "--json", "--quiet")
    assert done.returncode == 0, done.stderr
    found = strict(done.stdout)
    assert (found["seeds"], found["curve"]["episodes"][-1]) == ([3, 5], 60)
    assert found["value"]["n"] == 2
    for seed, values in zip((3, 5), found["curve"]["value"], strict=True):
        evaluated = harness_here(
            "eval", "--env", "icu-sepsis", "--agent", f"{found['run_dir']}/seed-{seed}", "--method", "exact", "--json"
        )
        assert evaluated.returncode == 0, evaluated.stderr
        summary = json.loads(evaluated.stdout)
        assert summary["value"] == pytest.approx(values[-1], abs=1e-9)

    again = harness_here("train", name, "--resume", found["run_dir"], "--quiet")
    assert again.returncode == 0, again.stderr
    for text in (
        "exact value",
        "optimal",
        "expert",
        "random",
        "0.8751",
        "n = 2 seeds",
        "policy of seed 3 alone",
        "not medical advice",
    ):
        assert text in again.stdout


@pytest.mark.parametrize(
    ("name", "few"),
    [("q-learning", ("--episodes", "60", "--seeds", "0-0")), ("linucb", ("--episodes", "100"))],
)
def test_the_command_that_evaluates_names_the_options_it_was_trained_under(harness_here, name, few):
    done = harness_here("train", name, *few, "--option", "inadmissible=terminate", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "in icu-sepsis · inadmissible terminate" in done.stdout
    line = " ".join(done.stdout.split()).partition("evaluate with: harness ")[2].partition(" A benchmark")[0]
    evaluated = harness_here(*line.split(), "--method", "exact", "--json")
    assert evaluated.returncode == 0, evaluated.stderr
    assert json.loads(evaluated.stdout)["env_options"] == {"inadmissible": "terminate"}


def test_a_task_of_ones_own_is_learned_under_its_discount(harness_here, tmp_path):
    write(tmp_path / "ward")
    few = ("--episodes", "50", "--seeds", "0-0", "--quiet")
    done = harness_here("train", "sarsa", "--mdp", "ward", "--option", "discount=0.5", *few)
    assert done.returncode == 0, done.stderr
    assert f"sarsa in mdp:{tmp_path / 'ward'} · discount 0.5" in "".join(done.stdout.splitlines())


def test_a_mistake_is_one_sentence(harness_here, tmp_path):
    mistakes = [
        (("q-learning", "--env", "warfarin"), "is not tabular"),
        (("q-learning", "--env", "icu-sepsi"), "Did you mean 'icu-sepsis'"),
        (("q-learning", "--seeds", "x"), "are no seeds; expected how many"),
        (("q-learning", "--seeds", "0"), "--seeds 0 trains nothing"),
        (("q-learning", "--seeds", "100000"), "training seeds are 0 to 9999"),
        (("q-learning", "--set", "alpha=1"), "no setting of q-learning 'alpha'"),
        (("sac", "--set", "alpha"), "expected NAME=VALUE"),
        (("dqn", "--env", "icu-sepsis", "--patients", "3"), "--patients is of networks"),
        (("q-learning", "--option", "inadmissible=x"), "expected one of: mean, terminate, raise"),
        (("dqn", "--env", "heparin", "--option", "days=3"), "--option is of tables"),
        (("dqn", "--env", "heparin", "--set", "batch=3"), "--set is of tables"),
        (("ppo", "--resume", "x", "--seeds", "3"), "--seeds does not go with --resume"),
    ]
    for words, sentence in mistakes:
        done = harness_here("train", *words)
        assert done.returncode == 2, words
        assert sentence in " ".join(done.stderr.split()), words
        assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("runs/*"))


def test_table_3_is_printed_beside_the_papers_and_gone_on_with(harness_here, tmp_path):
    other = ("--option", "inadmissible=terminate", "--seeds", "2", "--episodes", "40", "--quiet", "--out", "others")
    assert harness_here("train", "q-learning", *other).returncode == 0
    words = ("reproduce", "icu-sepsis", "--table", "3", "--seeds", "2", "--episodes", "40", "--processes", "1")
    done = harness_here(*words)
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    for name in ("sarsa, as published", "q-learning", "dqn", "sac", "ppo", "285,800", "Mean of 2 seeds", "not medical"):
        assert name in text
    runs = set(tmp_path.glob("runs/*"))
    assert len(runs) == 6

    (elsewhere,) = (tmp_path / "others").iterdir()
    elsewhere.rename(tmp_path / "runs" / f"9999-{elsewhere.name}")
    runs = set(tmp_path.glob("runs/*"))
    again = harness_here(*words, "--resume", "--json")
    assert again.returncode == 0, again.stderr
    rows = strict(again.stdout)
    assert set(tmp_path.glob("runs/*")) == runs
    assert not any(row["run_dir"].startswith("runs/9999") for row in rows)
    assert all("at least 100,000 episodes" in row["convergence"]["untold"] for row in rows)
    assert [row["agent"] for row in rows] == ["sac", "ppo", "dqn", "q-learning", "sarsa, as published", "sarsa"]
    assert rows[3]["published"] == {"return": 0.84, "episodes_to_converge": 285_800.0}
    with np.load(tmp_path / rows[3]["run_dir"] / "curves.npz") as curves:
        assert rows[3]["value"]["value"] == pytest.approx(curves["value"][:, -1].mean())


def test_what_goes_with_table_3_alone_is_refused_elsewhere(harness_here):
    for words, sentence in (
        (("--seeds", "3"), "--seeds goes with --table 3 alone"),
        (("--table", "4"), "expected --table 2 or --table 3"),
        (("--table", "3", "--repeats", "2"), "--repeats does not go with --table 3"),
    ):
        done = harness_here("reproduce", "icu-sepsis", *words)
        assert done.returncode == 2
        assert sentence in done.stderr


def test_learning_curves_are_drawn(harness_here, tmp_path):
    pytest.importorskip("matplotlib")
    runs = []
    for name in ("q-learning", "sarsa"):
        done = harness_here("train", name, "--seeds", "2", "--episodes", "50", "--json", "--quiet")
        runs.append(json.loads(done.stdout)["run_dir"])
    drawn = harness_here("plot", *runs, "--out", "curves")
    assert drawn.returncode == 0, drawn.stderr
    text = (tmp_path / "curves.svg").read_text()
    assert (tmp_path / "curves.png").stat().st_size > 10_000
    assert "<svg" in text
    (tmp_path / runs[0] / "curves.npz").write_bytes(b"half")
    damaged = harness_here("plot", *runs)
    assert damaged.returncode == 1
    assert "cannot be read" in damaged.stderr
