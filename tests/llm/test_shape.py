"""Actions of several kinds: told to a model, held by schema or grammar, and read back."""

from __future__ import annotations

import json
import re
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from harness.core.agent import Failure
from harness.core.environment import Action
from harness.core.errors import UsageError
from harness.envs.icu_sepsis.environment import SepsisAction
from harness.envs.polypharmacy.options import Intervention
from harness.envs.polypharmacy.review import FINISH, LONGEST_NAME, ReviewAction, ask, change
from harness.llm.registry import ReplyFormat
from harness.llm.shape import Text, fields_of, strict_schema, union_of
from harness.llm.structured import ReplyContract
from harness.prompts.variants import Variant
from harness.prompts.variants import contract as contract_of

WRITTEN = (ReplyFormat.JSON, ReplyFormat.SHORT)
ACTIONS = (
    FINISH,
    ask("warfarin", "ibuprofen"),
    change("warfarin", Intervention.SUBSTITUTE, "apixaban"),
    change("carbidopa/levodopa", Intervention.STOP),
    change("a" * LONGEST_NAME, Intervention.ADD_MONITORING),
)


@pytest.mark.parametrize("form", WRITTEN)
@pytest.mark.parametrize("rationale", [False, True])
@pytest.mark.parametrize("action", ACTIONS)
def test_every_kind_is_read_as_it_was_written(form, rationale, action):
    contract = ReplyContract(ReviewAction, form, rationale)
    written = contract.write(action)
    for reply in (written, f"```json\n{written}\n```", f"I think {written} is best.", f"<think>?</think>{written}"):
        parsed = contract.parse(reply)
        assert parsed.action == action, reply
    inner = json.dumps(next(iter(json.loads(written).values())))
    assert contract.parse(inner).action == action  # the object around it was forgotten
    with_reason = json.dumps({"rationale": "bleeding", **json.loads(written), "confidence": 1})
    assert (contract.parse(with_reason).action, contract.parse(with_reason).rationale) == (action, "bleeding")


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ('{"action":{"action_type":"zap"}}', "'zap'"),
        ('{"action":{}}', "Unable to extract tag"),
        ('{"action":null}', "action: Input should be"),
        ('{"action":["finish_review"]}', "action: Input should be"),
        ('{"action":{"action_type":"query_ddi","drug_id_1":"a"}}', "action.query_ddi.drug_id_2: Field required"),
        ('{"do":{"t":"query_ddi","a":"a"}}', "action.query_ddi.drug_id_2: Field required"),
        ('{"action":{"action_type":"query_ddi","drug_id_1":"","drug_id_2":"b"}}', "drug_id_1"),
        ('{"action":{"action_type":"propose_intervention","target_drug_id":"a","intervention_type":"cut"}}', "'stop'"),
        ("action_type: finish_review", "holds no values for action, action_type"),
        ("", "the reply is empty"),
    ],
)
def test_what_holds_no_action_says_why(reply, error):
    parsed = ReplyContract(ReviewAction, ReplyFormat.JSON).parse(reply)
    assert parsed.action is None
    assert parsed.failure is Failure.UNPARSABLE
    assert error in parsed.error


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
KEYS = st.sampled_from(["action", "do", "action_type", "t", "drug_id_1", "a", "b", "how", "new", "x"])
OBJECTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@given(OBJECTS)
def test_no_object_breaks_the_parser(value):
    parsed = ReplyContract(ReviewAction, ReplyFormat.JSON).parse(json.dumps(value))
    assert (parsed.action is None) == (parsed.error is not None)


def test_the_schema_is_one_that_strict_servers_take():
    """An object at the top; everywhere all fields required and none else allowed; no keyword that they do not know."""
    schema = ReplyContract(ReviewAction, ReplyFormat.JSON, rationale=True).schema
    assert list(schema["properties"]) == ["rationale", "action"]
    text = json.dumps(schema)
    for unknown in ("oneOf", "discriminator", '"default"', "minLength"):
        assert unknown not in text
    kinds = schema["properties"]["action"]["anyOf"]
    for model in (schema, *(schema["$defs"][kind["$ref"].rsplit("/", 1)[1]] for kind in kinds)):
        assert model["required"] == list(model["properties"])
        assert model["additionalProperties"] is False
    assert len(kinds) == 3


def test_replies_that_fit_the_schema_are_actions():
    """A checker of its own: the three shapes that the schema allows, by hand."""
    pattern = re.compile(strict_schema(ReviewAction)["$defs"]["QueryDDI"]["properties"]["drug_id_1"]["pattern"])
    for name in ("warfarin", "carbidopa/levodopa", "insulin glargine", "a"):
        assert pattern.search(name)
        assert ReplyContract(ReviewAction, ReplyFormat.JSON).parse(
            json.dumps({"action": {"action_type": "query_ddi", "drug_id_1": name, "drug_id_2": "b"}})
        ).action == ask(name, "b")
    assert not pattern.search("Robert'); DROP")


@pytest.mark.parametrize("form", WRITTEN)
def test_the_grammar_allows_every_kind_and_its_names(form):
    grammar = ReplyContract(ReviewAction, form, rationale=True).grammar
    assert grammar.startswith('root ::= "{" "\\"rationale\\":" ')
    assert grammar.count('"}"') == 4
    for tag in ("query_ddi", "propose_intervention", "finish_review", "add_monitoring", "null"):
        assert tag in grammar
    assert ('"\\"drug_id_1\\":"' in grammar) == (form is ReplyFormat.JSON)


def test_a_model_is_told_the_shape_of_every_kind():
    told = ReplyContract(ReviewAction, ReplyFormat.JSON).instruction()
    assert told.splitlines()[0] == "Reply with one JSON object and nothing else, one of:"
    assert told.splitlines()[1] == '{"action":{"action_type":"query_ddi","drug_id_1":"<text>","drug_id_2":"<text>"}}'
    short = ReplyContract(ReviewAction, ReplyFormat.SHORT, rationale=True).instruction()
    assert "t = action_type" in short
    assert '{"rationale":"<that sentence>","do":{"t":"finish_review"}}' in short


def test_the_longest_reply_fits_the_limit():
    contract = ReplyContract(ReviewAction, ReplyFormat.JSON)
    longest = max((contract.write(action) for action in ACTIONS), key=len)
    assert contract.max_tokens() > len(longest) / 2  # two characters a token are few


def test_labels_have_no_list_to_stand_for():
    with pytest.raises(
        UsageError, match="Labels of one token need a list of 1 to 52 actions; this environment has none"
    ):
        ReplyContract(ReviewAction, ReplyFormat.LABEL)


def test_a_flat_action_is_no_union_and_has_the_schema_that_it_had():
    assert union_of(SepsisAction) is None
    schema = strict_schema(SepsisAction)
    assert list(schema) == ["type", "properties", "required", "additionalProperties", "description"]
    assert set(schema["properties"]["iv_fluid_level"]) == {"description", "maximum", "minimum", "type"}


def test_the_shape_of_a_field():
    class Kind(BaseModel):
        how: Literal["a", "b"]
        level: int = Field(ge=0, le=2)
        name: str = Field(max_length=9)
        more: str | None = Field(None, max_length=4)

    assert fields_of(Kind) == {"how": ("a", "b"), "level": (0, 1, 2), "name": Text(9, False), "more": Text(4, True)}

    class Endless(Action):
        text: str

    with pytest.raises(TypeError, match="the field 'text' of Endless is neither a finite choice nor text with a limit"):
        fields_of(Endless)


def test_turned_options_change_nothing_of_a_union():
    plain = contract_of(None, ReviewAction, ReplyFormat.JSON, False, ())
    turned = contract_of(Variant.OPTIONS_REVERSED, ReviewAction, ReplyFormat.JSON, False, ())
    assert turned.instruction() == plain.instruction()
    assert turned.parse(plain.write(ACTIONS[2])).action == ACTIONS[2]
