"""A user's MDP as an environment: by every method, from labels to the hash of its files."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from harness.core.environment import ReferenceKind
from harness.core.errors import RunError, UsageError
from harness.core.run import SUMMARY
from harness.envs.gymnasium import TabularGymnasium
from harness.envs.ids import absolute
from harness.envs.registry import make
from harness.evaluation import evaluate as evaluation
from harness.evaluation.compare import contributions, differences, load_runs
from harness.evaluation.config import Method, RunConfig
from harness.llm.registry import ReplyFormat
from harness.llm.structured import ReplyContract
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import deterministic
from harness.prompts.loader import load, styles
from harness.reports import trace
from tests.mdp.folders import WARD, write


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "ward")


@pytest.fixture
def ward(folder):
    return make(f"mdp:{folder}")


def own(folder, discount=None, **changes):
    """The environment of a ward with some files changed."""
    return make(f"mdp:{write(folder, **changes)}", **({"discount": discount} if discount else {}))


def config(folder, **changes):
    base = {"env": f"mdp:{folder}", "method": Method.EXACT, "episodes": 3, "concurrency": 4}
    return RunConfig(**(base | changes))


def value_of(ward, actions):
    return evaluate(ward.mdp, deterministic(ward.mdp, actions)).J


# --------------------------------------------------------------------------- what it is


def test_actions_are_called_by_their_labels(ward):
    assert [a.model_dump() for a in ward.actions] == [{"action": "wait"}, {"action": "fluids"}]
    assert ward.action_labels == ("wait", "fluids")
    assert ward.spec.actions == ("wait: observe for 4 hours", "fluids: 500 mL crystalloid over 30 minutes")


def test_actions_without_names_are_indices(tmp_path):
    env = own(tmp_path / "bare", actions=None, states=None)
    assert [a.model_dump() for a in env.actions] == [{"action": 0}, {"action": 1}]
    assert env.action_labels == ("action 0", "action 1")
    assert env.describe(1) == "state 1"


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("form", [ReplyFormat.JSON, ReplyFormat.SHORT])
def test_a_model_can_answer_in_either_form(tmp_path, named, form):
    env = own(tmp_path / "ward", **({} if named else {"actions": None}))
    contract = ReplyContract(env.action_type, form)
    answer = "fluids" if named else 1
    for reply in (json.dumps({"action": answer}), f'{{"action":{json.dumps(answer)}}}', f"action: {answer}"):
        assert env.action_index(contract.parse(reply).action) == 1
    assert contract.parse('{"action":"dance"}').action is None
    assert ("<wait|fluids>" if named else "<0-1>") in contract.instruction()
    assert json.dumps(json.dumps(answer)).strip('"') in contract.grammar


def test_a_long_label_fits_in_a_reply_and_one_action_is_a_choice(tmp_path):
    label = "noradrenaline to a mean arterial pressure of 65 mmHg, then reassess every ten minutes"
    long = own(tmp_path / "long", actions=f'label\nwait\n"{label}"\n')
    assert ReplyContract(long.action_type, ReplyFormat.JSON).max_tokens() > len(label)
    rows = "\n".join(WARD["transitionFunction.csv"].splitlines()[::2]) + "\n"
    single = own(tmp_path / "single", transitionFunction=rows, actions="label\nwait\n")
    assert ReplyContract(single.action_type, ReplyFormat.JSON).parse('{"action":"wait"}').action == single.actions[0]


def test_an_observation_is_what_the_files_say(ward):
    seen = ward.observe(2)
    assert seen.description == "In shock, barely arousable"
    assert seen.features == {"map_mmhg": 46, "lactate_mmol_per_l": 6.9}
    assert not seen.ended
    assert ward.observe(3).ended
    assert ward.describe(2) == "In shock, barely arousable"


def test_the_spec_says_what_the_files_say_and_what_was_assumed(tmp_path):
    toml = 'title = "Ward 3"\nhorizon = 20\nlimits = ["Made up."]\n'
    R = "0,0\n0,0\n1,2\n0,0\n0,0\n"
    spec = own(tmp_path / "ward", mdp=toml, rewardFunction=R).spec
    assert (spec.title, spec.horizon, spec.discount) == ("Ward 3", 20, 1.0)
    assert spec.reward_range == (0.0, 40.0)  # twenty decisions of at most 2
    said = " ".join(spec.limits_of_use)
    assert "Made up." in said
    assert "cut off after 20 decisions" in said
    assert "Terminal states were found, not listed: 3, 4." in said


def test_rewards_for_ending_alone_make_the_score_exact(ward):
    assert ward.spec.reward_range == (0.0, 1.0)
    ward.reset(100_000)
    while not ward.step(ward.actions[1]).terminated:
        pass
    assert ward.grade().score in (0.0, 1.0)


def test_a_rewarded_state_that_is_never_left_is_mentioned(tmp_path):
    env = own(tmp_path / "ward", discount="0.9", mdp=None, states=None)
    assert any("State 4 is never left and rewarded" in limit for limit in env.spec.limits_of_use)


def test_states_that_look_alike_make_the_optimum_an_informed_one(tmp_path, ward):
    assert ward.reference.kind is ReferenceKind.EXACT
    alike = own(tmp_path / "alike", states="state,map_mmhg\n0,60\n1,60\n2,40\n")
    assert alike.reference.kind is ReferenceKind.INFORMED
    assert any(limit.startswith("2 states look like another") for limit in alike.spec.limits_of_use)


def test_the_fallback_is_the_one_named(tmp_path, ward):
    assert (ward.fallback_actions == 0).all()
    named = own(tmp_path / "named", mdp=WARD["mdp.toml"] + "fallback = 1")
    assert (named.fallback_actions[named.mdp.decision_states] == 1).all()
    assert named.spec.fallback == "fluids"


@pytest.mark.parametrize(
    ("discount", "sentence"), [("0", "discount is '0'"), ("x", "discount is 'x'; expected"), ("nan", "is 'nan'")]
)
def test_a_discount_that_is_none_is_refused(folder, discount, sentence):
    with pytest.raises(UsageError, match=sentence):
        make(f"mdp:{folder}", discount=discount)


def test_what_gymnasium_does_not_have_is_refused():
    with pytest.raises(UsageError, match="Gymnasium cannot make 'FrozenLak-v1'"):
        make("mdp:gymnasium:FrozenLak-v1")


def test_toy_text_is_an_environment_with_an_honest_discount():
    lake = make("mdp:gymnasium:FrozenLake-v1")
    assert (lake.spec.horizon, lake.spec.discount) == (100, 0.99)
    assert any("0.99 is the harness's" in limit for limit in lake.spec.limits_of_use)
    undiscounted = make("mdp:gymnasium:FrozenLake-v1", discount="1")
    assert not any("harness's" in limit for limit in undiscounted.spec.limits_of_use)
    assert pytest.approx(14 / 17) == undiscounted.optimum.J


def test_an_id_means_the_same_in_another_folder(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    assert absolute("mdp:ward") == f"mdp:{folder}"
    assert make("mdp:ward").spec.id == f"mdp:{folder}"
    assert absolute("mdp:gymnasium:Taxi-v4") == "mdp:gymnasium:Taxi-v4"
    assert absolute("icu-sepsis") == "icu-sepsis"


def test_it_is_a_gymnasium_environment(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_env(TabularGymnasium(f"mdp:{folder}"), skip_render_check=True)
        check_env(TabularGymnasium("mdp:gymnasium:Taxi-v4"), skip_render_check=True)


# --------------------------------------------------------------------------- prompts


def rendered(env, prompt):
    static = {
        "env": env.spec.model_dump(),
        "reply": ReplyContract(env.action_type, ReplyFormat.JSON).instruction(),
    }
    state = prompt.observation_message(static, env.observe(1).model_dump())
    return prompt.system_message(static).content, state.content


def test_the_default_prompt_shows_all_that_the_files_say(ward):
    assert "direct" in styles(ward.spec.id)
    system, state = rendered(ward, load(ward.spec.id, "direct"))
    for words in ("Small ward", "- fluids: 500 mL crystalloid", '{"action":<wait|fluids>}', "highest survival"):
        assert words in system
    assert state == "Falling pressure\nmap_mmhg: 58"


def test_a_state_without_words_is_shown_by_its_number(tmp_path):
    bare = own(tmp_path / "bare", actions=None, states=None)
    system, state = rendered(bare, load(bare.spec.id, "direct"))
    assert "Actions" not in system
    assert state == "State 1."


# --------------------------------------------------------------------------- runs


async def test_a_served_model_is_measured_exactly(folder, ward, server, tmp_path):
    best = {ward.observe(s).description: ward.action_labels[ward.optimum.actions[s]] for s in range(3)}
    server.answer = lambda question: json.dumps(
        {"action": "wait" if "shock" in question else best[question.split("\n")[0]]}
    )
    own = tmp_path / "prompt"
    shutil.copytree(load(ward.spec.id, "direct").folder, own)
    (own / "observation.md.j2").write_text("{{ description }}\nMAP {{ features.map_mmhg }} mmHg")
    summary = await evaluation.run(
        config(folder, base_url=server.base_url, model_id="fake", prompt=str(own)), tmp_path / "runs"
    )
    actions = np.array(ward.optimum.actions)
    actions[2] = 0
    assert summary.exact
    assert summary.value == pytest.approx(value_of(ward, actions), abs=1e-12)
    assert "Pressure holds\nMAP 72 mmHg" in server.asked()
    assert Path(summary.run_dir).name.endswith("-ward-fake")


async def test_rollouts_and_bounds_agree_with_the_exact_value(folder, ward, tmp_path):
    exact = await evaluation.run(config(folder, agent="random"), tmp_path)
    certified = await evaluation.run(config(folder, agent="random", method=Method.CERTIFY), tmp_path)
    played = await evaluation.run(config(folder, agent="random", method=Method.ROLLOUT, episodes=400), tmp_path)
    assert certified.lower - 1e-12 <= exact.value <= certified.upper + 1e-12
    assert abs(played.value - exact.value) < 2 * (played.upper - played.value)
    assert exact.optimal_value == pytest.approx(ward.optimum.J)


async def test_an_expert_policy_is_an_agent(tmp_path):
    folder = write(tmp_path / "ward", expertPolicy="1,0\n0.5,0.5\n0,1\n0,0\n0,0\n")
    summary = await evaluation.run(config(folder, agent="expert"), tmp_path / "runs")
    assert summary.exact
    assert summary.expert_value == pytest.approx(summary.value)


async def test_files_that_changed_end_what_rests_on_them(folder, tmp_path):
    """Resuming, comparing and reading a run need the MDP that it was made on."""
    first = await evaluation.run(config(folder, agent="random"), tmp_path / "runs")
    second = await evaluation.run(config(folder, agent="optimal"), tmp_path / "runs")
    runs = load_runs([Path(first.run_dir), Path(second.run_dir)])
    (difference,) = differences(runs)
    assert sum(c.worth for c in contributions(*runs)) == pytest.approx(difference.value)
    states = folder / "states.csv"
    states.write_text(states.read_text().replace("72", "73"))
    third = await evaluation.run(config(folder, agent="optimal"), tmp_path / "runs")
    with pytest.raises(RunError, match="was made with other files than"):
        load_runs([Path(first.run_dir), Path(third.run_dir)])
    with pytest.raises(RunError, match="was made with other files than"):
        contributions(*runs)
    with pytest.raises(RunError, match="was made with other files than"):
        list(trace.worst(Path(first.run_dir), 1))
    (Path(first.run_dir) / SUMMARY).unlink()
    with pytest.raises(RunError, match="cannot be resumed"):
        await evaluation.resume(Path(first.run_dir))
    states.write_text(states.read_text().replace("73", "72"))
    resumed = await evaluation.resume(Path(first.run_dir))
    assert resumed.value == first.value
