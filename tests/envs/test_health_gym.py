"""Health Gym's tasks on a stand-in, and on an MDP that a user built; who may be shown what was made of data."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("sklearn", reason="needs the extra data")

from harness.agents.registry import make as agent
from harness.construction.build import build
from harness.construction.write import write
from harness.core.errors import UsageError
from harness.envs.health_gym import stand_in
from harness.envs.registry import make
from harness.evaluation.cast import check
from harness.evaluation.config import Method, RunConfig
from harness.mdp.evaluate import evaluate
from harness.prompts.loader import load, styles
from tests.construction.made import small
from tests.construction.made import stand_in as table

TASKS = {"hypotension": "hypotension", "sepsis-hg": "sepsis", "art-hiv": "art-hiv"}


@pytest.fixture(autouse=True)
def few_patients(monkeypatch, tmp_path):
    monkeypatch.setattr(stand_in, "PATIENTS", dict.fromkeys(stand_in.PATIENTS, 30))
    monkeypatch.setattr(stand_in, "load", small)


@pytest.mark.parametrize(("task", "recipe"), TASKS.items())
def test_a_task_plays_on_a_stand_in_that_is_made_once_and_marked(task, recipe, tmp_path):
    env = make(task)
    assert env.spec.id == task
    assert "stand-in" in env.spec.title
    assert env.spec.assumption_based
    assert env.spec.provenance["kind"] == "stand-in"
    (made,) = (p for p in (tmp_path / "cache").rglob("mdp.npz"))
    written = made.stat().st_mtime_ns
    assert make(task).optimum.J == env.optimum.J > evaluate(env.mdp, env.expert_policy).J
    assert made.stat().st_mtime_ns == written
    observation = env.reset(100_000)
    assert observation.features
    for _ in range(3):
        moved = env.step(env.actions[0])
        if moved.terminated:
            break
    assert agent("optimal", env).memoryless


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("style", ["direct", "reasoned"])
def test_prompts_tell_the_patient_in_units_and_the_actions_by_name(task, style):
    env = make(task)
    assert style in styles(task)
    prompt = load(task, style)
    given = {"env": env.spec.model_dump(), "examples": [], "reply": "REPLY"}
    system = prompt.system_message(given).content
    assert all(label in system for label in env.action_labels)
    assert system.endswith("REPLY")
    patient = prompt.observation_message(given, env.observe(0).model_dump()).content
    unit = {"hypotension": "(mmHg): ", "sepsis-hg": "(mmol/L): ", "art-hiv": "(copies/mL): "}[task]
    assert unit in patient


def test_a_task_plays_on_the_mdp_that_a_user_built_and_on_no_other(tmp_path):
    write(build(table("hypotension", 40), small("hypotension")), tmp_path / "mine")
    assert make("hypotension", path=str(tmp_path / "mine")).mdp.n_states == 13
    with pytest.raises(UsageError, match="No MDP of the data set 'sepsis' was built at"):
        make("sepsis-hg", path=str(tmp_path / "mine"))
    with pytest.raises(UsageError, match="No MDP was built at .* harness build-mdp --recipe hypotension"):
        make("hypotension", path=str(tmp_path / "nowhere"))


def restricted(tmp_path):
    """An MDP that counts as made of the real file."""
    folder = tmp_path / "real"
    write(build(table("hypotension", 40), small("hypotension")), folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["provenance"]["kind"] = "unknown"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def asked(folder, **fields):
    server = {"base_url": "http://127.0.0.1:9/v1", "model_id": "theirs"}
    return RunConfig(env=f"mdp:{folder}", method=Method.EXACT, episodes=0, **(server | fields))


def test_credentialed_data_are_shown_to_a_hosted_model_only_with_the_users_word(tmp_path):
    folder = restricted(tmp_path)
    with pytest.raises(UsageError, match="--i-may-share-this-data"):
        check(asked(folder))
    assert check(asked(folder, i_may_share_this_data=True)).spec.provenance["kind"] == "unknown"
    assert not check(asked(folder, base_url=None, model_id=None, model="smollm2")).spec.assumption_based


def test_a_stand_in_may_be_shown_to_anyone(tmp_path):
    write(build(table("hypotension", 40), small("hypotension")), tmp_path / "made")
    assert check(asked(tmp_path / "made")).spec.assumption_based
