"""The task `doac` as it is played: what is seen, earned, regretted and graded; its prompts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.environment import ReferenceKind
from harness.core.errors import IllegalAction, UsageError
from harness.envs.anticoagulation.bleeding import Severity
from harness.envs.anticoagulation.doac import constants as c
from harness.envs.anticoagulation.doac import policies
from harness.envs.anticoagulation.doac.actions import DoacAction, action_of
from harness.envs.anticoagulation.doac.course import run
from harness.envs.anticoagulation.doac.optimum import state_of
from harness.envs.anticoagulation.doac.patients import draw
from harness.envs.anticoagulation.doac.shown import BLEEDING, OtherDrug, ShownBleeding, state_shown, status_of
from harness.envs.anticoagulation.doac.status import COMEDICATIONS
from harness.envs.registry import make
from harness.llm.registry import ReplyFormat
from harness.llm.structured import ReplyContract
from harness.prompts.lint import lint
from harness.prompts.loader import load, styles
from tests.envs.anticoagulation.played import finish

SEED = 100_000
APIXABAN = DoacAction(drug="apixaban_5", hold_days=0)


@pytest.fixture(scope="module")
def clinic():
    return make("doac")


def test_an_episode_is_a_patient_of_the_array_simulation(clinic):
    clinic.reset(SEED)
    course = run(draw([SEED]), policies.constant("apixaban_5"))
    rewards = [clinic.step(APIXABAN).reward for _ in range(c.QUARTERS)]
    assert rewards == course.rewards[0].tolist()
    grade = clinic.grade()
    assert grade.score == course.right[0].mean()
    assert grade.components["weighted_events_100_patient_years"] == pytest.approx(course.weighted[0].sum() / 3)


def test_the_same_seed_is_the_same_patient_and_another_seed_another(clinic):
    first, again, other = clinic.reset(SEED), clinic.reset(SEED), clinic.reset(SEED + 1)
    assert first == again != other
    assert (first.quarter, first.quarters_left, first.new_bleedings) == (0, c.QUARTERS, ())


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_any_orders_end_after_three_years_within_the_bounds_that_are_told(data):
    env = make("doac")
    first = seen = env.reset(data.draw(st.integers(0, 9_999)))
    for step in range(c.QUARTERS):
        assert state_shown(first, seen) == state_of(env._course)
        assert seen.crcl == pytest.approx(float(status_of(seen).crcl[0]))
        action = action_of(data.draw(st.integers(0, len(c.DRUGS) - 1)), data.draw(st.integers(0, 5)))
        assert env.why_illegal(action) is None
        transition = env.step(action)
        low, high = env.spec.reward_range
        assert low <= transition.reward <= high
        assert transition.terminated is (step == c.QUARTERS - 1)
        seen = transition.observation
        assert seen.drug == action.drug
        majors = [b for b in seen.new_bleedings if b.severity == Severity.MAJOR]
        assert (seen.bleeding == "active") is bool(majors)
        assert all(b.severity in (Severity.MAJOR, Severity.CLINICALLY_RELEVANT) for b in seen.new_bleedings)
    assert 0 <= env.grade().score <= 1
    with pytest.raises(IllegalAction, match="the episode is over"):
        env.step(action)


def test_words_of_observations_are_those_of_the_constants():
    assert OtherDrug.__args__ == COMEDICATIONS
    assert DoacAction.model_fields["drug"].annotation.__args__ == c.DRUGS
    assert BLEEDING == ("none", "earlier", "active")


def test_hiding_scores_hides_them_and_changes_nothing_else(clinic):
    hidden = make("doac", scores="hidden")
    for seed in range(SEED, SEED + 5):
        shown, bare = clinic.reset(seed), hidden.reset(seed)
        assert bare == shown.model_copy(update={"crcl": None, "cha2ds2_vasc": None, "has_bled": None})
        assert clinic.step(APIXABAN).reward == hidden.step(APIXABAN).reward


@pytest.mark.parametrize("options", [{"scores": "guessed"}, {"rules": "none"}])
def test_an_unknown_option_is_named(options):
    with pytest.raises(UsageError, match="is no option of .*; expected one of"):
        make("doac", **options)


# --------------------------------------------------------------------------- regret


def test_the_optimum_is_exact_and_regrets_nothing(clinic):
    assert clinic.reference.kind is ReferenceKind.EXACT
    for seed in range(SEED, SEED + 3):
        clinic.reset(seed)
        _, regrets, _ = finish(clinic, lambda env: env.reference.best_action())
        assert max(map(abs, regrets)) < 1e-9
    assert clinic.reference.value() == 0


def test_no_order_is_worth_more_than_the_state(clinic):
    clinic.reset(SEED + 2)
    best = clinic.reference.value()
    values = [clinic.reference.action_value(action_of(d, h)) for d in range(len(c.DRUGS)) for h in range(6)]
    assert max(values) == best
    assert min(values) < best


def test_what_a_value_is_says_whether_rules_are_priced(clinic):
    assert clinic.spec.value_name == "minus events and rule prices"
    assert make("doac", rules="free").spec.value_name == "minus events"


def test_what_speaks_against_an_order_is_told(clinic):
    seed = next(s for s in range(200) if clinic.reset(s).valve == "mechanical")
    clinic.reset(seed)
    info = clinic.step(APIXABAN).info
    assert "valve" in info["broken_rules"]
    assert info["admissible"] is False
    right = clinic.step(DoacAction(drug="warfarin", hold_days=0)).info
    assert right["admissible"] is True


# --------------------------------------------------------------------------- models and prompts


@pytest.mark.parametrize("style", ["direct", "reasoned"])
@pytest.mark.parametrize("scores", ["shown", "hidden"])
def test_prompts_have_no_faults(style, scores):
    env = make("doac", scores=scores)
    assert set(styles("doac")) == {"direct", "reasoned"}
    assert not lint(env, "doac", style, ReplyFormat.JSON).findings
    system = load("doac", style).system
    assert all(drug in system for drug in c.DRUGS)


def test_the_text_of_a_patient_tells_what_was_seen(clinic):
    seen = clinic.reset(SEED).model_copy(
        update={
            "age": 81, "sex": "female", "weight": 58.5, "losing_weight": True, "creatinine": 1.6, "crcl": 25.4,
            "chronic_kidney_disease": True, "acute_kidney_injury": False, "systolic": 142, "heart_failure": False,
            "hypertension": True, "diabetes": True, "vascular_disease": False, "stroke": False, "alcohol": False,
            "labile_inr": False, "liver_disease": "none", "valve": "none", "other_drug": "verapamil",
            "bleeding": "active", "procedure": "low", "cha2ds2_vasc": 5, "has_bled": 2, "drug": "dabigatran_75",
            "quarter": 4, "quarters_left": 8, "new_stroke": False,
            "new_bleedings": (
                ShownBleeding(site="gastrointestinal", haemoglobin_fall=31.0, units=2, severity="major"),
            ),
        }
    )  # fmt: skip
    prompt = load("doac", "direct")
    text = prompt.observation_message({"env": clinic.spec.model_dump(), "reply": ""}, seen.model_dump()).content
    assert text == (
        "Visit 5, 8 quarters left. Takes up to now: dabigatran_75. Other drug: verapamil.\n"
        "Female, 81 years, 58.5 kg, losing about 2 kg a year. Creatinine 1.60 mg/dL, clearance 25.4 mL/min, chronic "
        "kidney disease.\n"
        "Valve: none. Liver disease: none. Systolic pressure 142 mmHg. History of: hypertension, diabetes.\n"
        "CHA2DS2-VASc 5, HAS-BLED 2 (labile INRs left out).\n"
        "Major bleeding: active. Planned procedure: low risk of bleeding.\n"
        "Since the last visit: no stroke; gastrointestinal bleeding, haemoglobin fell by 31 g/L, 2 units given (major)."
    )


def test_a_model_can_write_every_drug_and_be_read():
    contract = ReplyContract(DoacAction, ReplyFormat.JSON)
    for drug in c.DRUGS:
        action = DoacAction(drug=drug, hold_days=2)
        assert contract.parse(contract.write(action)).action == action
    assert contract.parse('{"drug":"apixaban_7.5","hold_days":0}').action is None
