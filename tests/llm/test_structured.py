"""Replies of every sort, read in the documented order."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.envs.icu_sepsis.environment import ACTIONS, SepsisAction
from harness.llm.registry import ReplyFormat
from harness.llm.structured import ReplyContract

CONTRACT = ReplyContract(SepsisAction, ReplyFormat.JSON)


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_is_read_in_every_form(action):
    iv, vp = action.iv_fluid_level, action.vasopressor_level
    full = json.dumps({"iv_fluid_level": iv, "vasopressor_level": vp})
    for reply in (
        full,
        f'{{"iv":{iv},"vp":{vp}}}',
        f"```json\n{full}\n```",
        f"```\n{full}\n```",
        f"The patient is in shock {{so}} I choose: {full}. That is all.",
        f'First thought {{"iv": 4, "vp": 4}}, but no: {full}',
        f'<think>maybe {{"iv":0,"vp":0}}</think>{full}',
        f"iv_fluid_level: {iv}\nvasopressor_level: {vp}",
        f"**IV fluid level** = {iv}, vasopressor level is {vp}.",
        json.dumps({"rationale": "hypotensive", "iv_fluid_level": iv, "vasopressor_level": vp, "confidence": 0.9}),
        json.dumps({"iv_fluid_level": str(iv), "vasopressor_level": float(vp)}),
    ):
        assert CONTRACT.parse(reply).action == action, reply


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ("", "the reply is empty"),
        ("   \n", "the reply is empty"),
        ("I cannot give medical advice.", "holds no values for iv_fluid_level, vasopressor_level"),
        ('{"iv_fluid_level": 5, "vasopressor_level": 0}', "iv_fluid_level: Input should be less than or equal to 4"),
        ('{"iv_fluid_level": -1, "vasopressor_level": 0}', "iv_fluid_level: Input should be greater than"),
        ('{"iv_fluid_level": 1.5, "vasopressor_level": 0}', "iv_fluid_level: Input should be a valid integer"),
        ('{"iv_fluid_level": true, "vasopressor_level": 0}', "iv_fluid_level: true is not a level"),
        ('{"iv_fluid_level": null, "vasopressor_level": 0}', "iv_fluid_level: Input should be a valid integer"),
        ('{"iv_fluid_level": 2}', "vasopressor_level: Field required"),
        ('{"iv_fluid_level": 2, "vasopr', "holds no values for"),
        ('["iv_fluid_level", 2]', "holds no values for"),
        ("<think>the patient is sick and I", "ended inside its thoughts"),
        ('<think>{"iv_fluid_level": 2, "vasopressor_level": 1}', "ended inside its thoughts"),
        ("[" * 100_000, "holds no values for"),
        ("iv_fluid_level: lots, vasopressor_level: 1", "iv_fluid_level: Input should be a valid integer"),
    ],
)
def test_what_holds_no_legal_action_says_why(reply, error):
    parsed = CONTRACT.parse(reply)
    assert parsed.action is None
    assert error in (parsed.error or "")


def test_a_cut_off_reply_says_so():
    about_to_say_the_opposite = 'One could give {"iv": 4, "vp": 4}, but that would drown him, so'
    for reply in ("Let me think", about_to_say_the_opposite, '{"iv": 4, "vp'):
        parsed = CONTRACT.parse(reply, truncated=True)
        assert parsed.action is None
        assert "cut off" in parsed.error
    assert CONTRACT.parse('{"iv": 4, "vp": 4}', truncated=True).action == SepsisAction(iv=4, vp=4)


@given(st.text(max_size=300))
def test_no_text_breaks_the_parser(reply):
    parsed = CONTRACT.parse(reply)
    assert (parsed.action is None) == (parsed.error is not None)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
NAMES = st.sampled_from(["iv_fluid_level", "vasopressor_level", "iv", "x"])


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner)))
def test_no_json_breaks_the_parser(value):
    parsed = CONTRACT.parse(json.dumps(value))
    assert parsed.action is None or parsed.action in ACTIONS


def test_the_rationale_is_kept_apart():
    contract = ReplyContract(SepsisAction, ReplyFormat.JSON, rationale=True)
    parsed = contract.parse('{"rationale": "low pressure", "iv_fluid_level": 1, "vasopressor_level": 3}')
    assert (parsed.rationale, parsed.action) == ("low pressure", SepsisAction(iv=1, vp=3))
    assert next(iter(contract.schema["properties"])) == "rationale"


def test_the_schema_gives_names_meanings_and_bounds():
    schema = CONTRACT.schema
    assert schema["required"] == ["iv_fluid_level", "vasopressor_level"]
    assert schema["additionalProperties"] is False
    for field in schema["properties"].values():
        assert (field["minimum"], field["maximum"]) == (0, 4)
        assert "0 none" in field["description"]


def test_the_instruction_shows_no_value_that_could_be_copied():
    for reply_format in (ReplyFormat.JSON, ReplyFormat.SHORT):
        instruction = ReplyContract(SepsisAction, reply_format).instruction()
        assert CONTRACT.parse(instruction).action is None
