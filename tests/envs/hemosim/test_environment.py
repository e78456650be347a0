"""The package's environments behind the project's contracts: nothing changed, everything in clinical units."""

from __future__ import annotations

import importlib
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.agents.heuristics import hemosim as agents
from harness.core.errors import IllegalAction, UsageError
from harness.envs.hemosim import scaling, tasks
from harness.envs.hemosim.actions import DicTreatment, DoacChoice, HeparinLabOrder, HeparinOrder, WarfarinDose
from harness.envs.hemosim.scaling import in_units, normalised
from harness.envs.registry import make
from harness.llm.registry import ReplyFormat
from harness.llm.structured import ReplyContract
from harness.prompts.lint import lint
from harness.prompts.loader import load, styles

pytest.importorskip("hemosim", reason="needs the extra hemosim")

SEED = 100_000
IDS = [task.spec.id for task in tasks.TASKS]
FLOAT32 = 2e-7


def alone(task, **options):
    """The package's own environment."""
    module = importlib.import_module(f"hemosim.{task.module}")
    return getattr(module, task.name)(**options)


def drawn(env, task, rng):
    """An action that the adapter has, and the same as the package takes it."""
    space = env.inner.action_space
    space.seed(int(rng.integers(1000)))
    return task.nearest(np.asarray(space.sample()), env._seen)


# --------------------------------------------------------------------------- nothing is changed


@pytest.mark.parametrize("task", tasks.TASKS, ids=IDS)
@pytest.mark.parametrize("difficulty", ["easy", "medium", "hard"])
def test_an_episode_is_the_package_s_own(task, difficulty):
    env, package = make(task.spec.id, difficulty=difficulty), alone(task, difficulty=difficulty)
    rng = np.random.default_rng(1)
    for seed in (SEED, SEED + 1):
        seen = env.reset(seed)
        vector, _ = package.reset(seed=seed)
        for _ in range(task.spec.horizon):
            assert np.array_equal(normalised(task.entries, seen), vector)
            action = drawn(env, task, rng)
            transition = env.step(action)
            vector, reward, terminated, truncated, _ = package.step(task.vector(action, seen))
            seen = transition.observation
            assert transition.reward == reward
            assert transition.terminated == (terminated or truncated)
            low, high = task.spec.reward_range
            assert low <= reward <= high
            if transition.terminated:
                break


def test_observations_are_the_internal_state_in_clinical_units():
    def close(shown, true):
        return shown == pytest.approx(true, rel=FLOAT32, abs=1e-4)

    env = make("hemosim/warfarin")
    env.reset(SEED)
    for _ in range(10):
        seen = env.step(WarfarinDose(dose_mg="7.5")).observation
    inner, patient = env.inner._model, env.inner._patient
    assert close(seen.inr, inner.get_inr())
    assert close(seen.s_warfarin, inner.get_concentration()["s_warfarin"])
    assert close(seen.r_warfarin, inner.get_concentration()["r_warfarin"])
    assert close(seen.age, patient["age"])
    assert close(seen.weight, patient["weight"])
    assert (seen.cyp2c9, seen.vkorc1, seen.day) == (patient["cyp2c9"], patient["vkorc1"], 10)

    env = make("hemosim/heparin")
    env.reset(SEED + 2)
    seen = env.step(HeparinOrder(rate="1.5", bolus="no")).observation
    inner, patient = env.inner._model, env.inner._patient
    assert close(seen.aptt, inner.get_aptt())
    assert close(seen.heparin, inner.get_concentration())
    assert close(seen.platelets, inner.get_platelet_count())
    assert close(seen.weight, patient["weight"])
    assert close(seen.renal_function, patient["renal_function"])
    assert seen.hours == pytest.approx(6)

    env = make("hemosim/doac")
    env.reset(SEED)
    seen = env.step(DoacChoice(drug="dabigatran", dose="low")).observation
    patient = env.inner._patient
    assert close(seen.crcl, env.inner._current_crcl)
    assert close(seen.concentration, env.inner._model.get_concentration())
    assert close(seen.age, patient["age"])
    assert (seen.cha2ds2_vasc, seen.has_bled) == (patient["cha2ds2_vasc"], patient["has_bled"])
    assert (seen.drug, seen.day) == ("dabigatran", 30)

    env = make("hemosim/dic")
    env.reset(SEED)
    seen = env.step(DicTreatment(platelets="1_unit", ffp="none", cryoprecipitate="none", heparin="none")).observation
    state = env.inner
    assert close(seen.platelets, state._platelet_count)
    assert close(seen.fibrinogen, state._fibrinogen)
    assert close(seen.pt, state._pt)
    assert close(seen.d_dimer, state._d_dimer)
    assert close(seen.organ_function, state._organ_function)
    assert close(seen.hemorrhage, state._hemorrhage_severity)
    assert seen.isth_score == state._prev_dic_score


def test_orders_arrive_in_the_package_as_they_were_meant():
    env = make("hemosim/warfarin")
    env.reset(SEED)
    assert env.step(WarfarinDose(dose_mg="12.5")).info["dose_mg"] == 12.5
    env = make("hemosim/heparin")
    weight = env.reset(SEED).weight
    assert env.step(HeparinOrder(rate="18", bolus="yes")).info["infusion_rate"] == pytest.approx(18 * weight, rel=1e-6)
    heavy = next(seed for seed in range(200) if env.reset(seed).weight > 100)
    env.reset(heavy)
    assert env.step(HeparinOrder(rate="30", bolus="no")).info["infusion_rate"] == 2500


def test_a_laboratory_value_comes_back_one_decision_later_and_none_is_none():
    env = make("hemosim/heparin-pomdp")
    first = env.reset(SEED)
    assert (first.aptt, first.anti_xa, first.platelets, first.aptt_pending) == (None, None, None, True)
    orders = HeparinLabOrder(rate="1", bolus="no", order_aptt="no", order_anti_xa="yes", order_platelets="no")
    second = env.step(orders).observation
    assert second.aptt == pytest.approx(env.inner._lab_queue.latest("aptt").value, rel=FLOAT32, abs=1e-4)
    assert second.anti_xa is None
    third = env.step(orders).observation
    assert third.anti_xa == pytest.approx(env.inner._lab_queue.latest("anti_xa").value, rel=FLOAT32, abs=1e-4)
    assert third.aptt_hours == pytest.approx(6)


def every_entry():
    return [entry for task in tasks.TASKS for entry in task.entries]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(every_entry()), st.floats(0, 1, width=32))
def test_units_and_back_is_the_same_entry(entry, x):
    if entry.names or entry.whole:
        x = round(x * entry.span) / entry.span
    vector = np.array([x], dtype=np.float32)
    again = normalised([entry], in_units([entry], vector))
    # a value next to the zero of a shifted scale loses what doubles cannot hold beside the shift
    assert again == pytest.approx(vector, rel=FLOAT32, abs=1e-14 * (1 + abs(entry.low) / entry.span))


def test_every_action_survives_the_package_s_space():
    rng = np.random.default_rng(0)
    for task in tasks.TASKS:
        env = make(task.spec.id)
        seen = env.reset(SEED)
        for _ in range(50):
            action = drawn(env, task, rng)
            vector = task.vector(action, seen)
            assert env.inner.action_space.contains(vector)
            if not (task in (tasks.HEPARIN, tasks.HEPARIN_POMDP) and vector[0] == 1):
                assert task.nearest(vector, seen) == action


def test_numbers_are_taken_for_the_words_that_they_are():
    assert WarfarinDose.model_validate({"mg": 7.5}) == WarfarinDose(dose_mg="7.5")
    assert WarfarinDose.model_validate({"dose_mg": 5}).dose_mg == "5"
    with pytest.raises(ValueError, match="dose_mg|mg"):
        WarfarinDose.model_validate({"dose_mg": 7.3})


# --------------------------------------------------------------------------- contracts


def test_an_episode_that_ended_early_counts_the_rest_as_out_of_range():
    env = make("hemosim/heparin")
    env.reset(SEED)
    transition = env.step(HeparinOrder(rate="18", bolus="yes"))
    assert transition.terminated
    assert transition.info["ended_early"]
    assert env.grade().score == 0
    env.reset(SEED)
    rewards = [env.step(HeparinOrder(rate="1.5", bolus="no")) for _ in range(20)]
    assert rewards[-1].terminated
    grade = env.grade()
    assert grade.components["ended_early"] == 0
    assert grade.score == grade.components["well_of_played"] > 0
    with pytest.raises(IllegalAction, match="the episode is over; call reset"):
        env.step(HeparinOrder(rate="1.5", bolus="no"))


@pytest.mark.parametrize("env_id", IDS)
def test_a_seed_is_a_patient_and_nothing_is_said_of_an_optimum(env_id):
    env, other = make(env_id), make(env_id)
    assert env.reset(SEED) == other.reset(SEED) != env.reset(SEED + 1)
    assert env.reference is None
    env.reset(SEED)
    assert env.step(env.fallback()).observation == other.step(other.fallback()).observation
    assert any(limit.startswith("Audit:") for limit in env.spec.limits_of_use)


@pytest.mark.parametrize("env_id", IDS)
def test_prompts_say_all_that_is_shown_and_replies_are_read_back(env_id):
    env = make(env_id)
    assert styles(env_id) == ["direct", "reasoned"]
    for style in styles(env_id):
        report = lint(env, env_id, style, ReplyFormat.JSON)
        assert report.errors == 0
        assert not [f for f in report.findings if "is not used" in f.text]
        contract = ReplyContract(env.action_type, ReplyFormat.JSON, load(env_id, style).meta.rationale)
        action = env.fallback()
        assert contract.parse(contract.write(action)).action == action
        assert contract.grammar


def test_no_warning_reaches_the_user(capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for env_id in IDS:
            env = make(env_id, difficulty="hard")
            env.reset(SEED)
            while not env.step(env.fallback()).terminated:
                pass
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"difficulty": "harder"}, "'harder' is no difficulty; expected one of: easy, medium, hard"),
        ({"cascade": "yes"}, "'yes' is no option of cascade; expected one of: off, on"),
        ({"seed": "1"}, "has no option 'seed'; it knows: difficulty, cascade"),
    ],
)
def test_a_wrong_option_is_a_sentence(options, sentence):
    with pytest.raises(UsageError, match=sentence):
        make("hemosim/dic", **options)


def test_the_cascade_is_the_package_s():
    env, off = make("hemosim/dic", cascade="on"), make("hemosim/dic")
    env.reset(SEED)
    off.reset(SEED)
    assert env.inner._cascade is not None
    assert off.inner._cascade is None
    assert env.step(env.fallback()).observation.fibrinogen != off.step(off.fallback()).observation.fibrinogen


# --------------------------------------------------------------------------- what the audit says is so


def test_inr_cannot_pass_its_ceiling_at_the_largest_dose():
    env = make("hemosim/warfarin")
    for seed in range(SEED, SEED + 5):
        env.reset(seed)
        inrs = [env.step(WarfarinDose(dose_mg="15")).info["inr"] for _ in range(90)]
        assert 2.5 < max(inrs) < 2.64


def test_the_clinical_dose_of_heparin_ends_every_episode_at_once():
    env = make("hemosim/heparin")
    for seed in range(SEED, SEED + 20):
        env.reset(seed)
        assert env.step(HeparinOrder(rate="18", bolus="yes")).info["ended_early"]


def test_the_high_dose_of_a_doac_is_the_standard_dose():
    drugs = importlib.import_module("hemosim.models.doac_pkpd").DRUG_PARAMS
    assert all(drug["high_dose"] == drug["standard_dose"] for drug in drugs.values())


def test_trivial_is_an_action_of_every_task():
    assert set(agents.TRIVIAL) == set(agents.CLINICAL) == set(IDS)
    assert scaling.NONE_YET == -1
