"""`--mdp PATH` as a user meets it."""

from __future__ import annotations

import json

import pytest

from tests.mdp.folders import write


def test_a_user_s_mdp_from_its_optimum_to_a_resumed_run(harness_command, tmp_path):
    write(tmp_path / "my" / "ward")
    assert "Small ward v1" in harness_command("optimum", "--mdp", "my/ward").stdout
    half = json.loads(harness_command("optimum", "--mdp", "my/ward", "--discount", "0.5", "--json").stdout)
    full = json.loads(harness_command("optimum", "--env", "mdp:my/ward", "--json").stdout)
    assert half["optimal"]["value"] < full["optimal"]["value"]
    done = harness_command("eval", "--mdp", "my/ward", "--agent", "random", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "Where the regret is: survival lost" in done.stdout
    (run,) = (tmp_path / "runs").iterdir()
    assert run.name.endswith("-ward-random")
    (run / "summary.json").unlink()
    again = harness_command("eval", "--resume", str(run), "--json")
    assert json.loads(again.stdout)["env"] == f"mdp:{tmp_path / 'my' / 'ward'}"


def test_it_is_explained_like_any_other(harness_command, tmp_path):
    write(tmp_path / "ward")
    shown = harness_command("envs", "show", "mdp:ward").stdout
    for words in ("Small ward", "discount", "500 mL crystalloid", "An MDP of a user"):
        assert words in shown
    for name in ("mdp:ward", "mdp:ward/direct"):
        assert "map_mmhg" in harness_command("prompts", "show", name).stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["eval", "--mdp", "nowhere", "--agent", "random"], "There is no folder or archive"),
        (["optimum", "--mdp", "ward", "--env", "icu-sepsis"], "--env and --mdp both name a task"),
        (["optimum", "--mdp", "broken"], "row 1 (state 0, action 0) sums to 0.5; expected 1"),
        (["optimum", "--env", "icu-sepsis", "--discount", "0.9"], "no option 'discount'; it knows: inadmissible"),
        (["optimum", "--mdp", "bell"], r"There is no key '\x07'"),
    ],
)
def test_a_mistake_is_one_sentence(harness_command, tmp_path, words, sentence):
    write(tmp_path / "ward")
    write(tmp_path / "bell", mdp=r'"\u0007" = 1')
    write(tmp_path / "broken", transitionFunction="0.5,0,0,0,0\n" * 10)
    done = harness_command(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
