"""Recipes: the built-in ones hold, and a mistake is one sentence with its line and field."""

from __future__ import annotations

import pytest

from harness.construction.recipe import built_in, load, parse
from harness.construction.rewards import reward
from harness.core.errors import UsageError
from tests.construction.made import OWN, own


@pytest.mark.parametrize("name", built_in())
def test_a_built_in_recipe_names_columns_of_its_data_set_and_of_its_reward(name):
    recipe = load(name)
    assert recipe.schema_of_data().patient
    reward(recipe)


def test_a_recipe_for_ones_own_data_is_read():
    assert own().schema_of_data().column("x").unit == "mmHg"


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ('kind = "outcome"\n\n[ends]', 'kind = "surviving"\n\n[ends]', "ward.toml, line 20: reward.kind: Input should"),
        ("n = 2", "n = 1", "ward.toml, line 16: states.n: Input should be greater than or equal to 2 (found 1)"),
        ("n = 2", "clusters = 2", "ward.toml, line 16: there is no field 'states.clusters'"),
        ("n = 2", "n = = 2", "ward.toml is not valid TOML: Invalid value (at line 16"),
        ('"x"]', '"y"]', "ward.toml: features: There is no column 'y'"),
        ('column = "drug"', 'column = "x"', "the column 'x' is of kind float; expected category or flag"),
        ('["nothing", "the drug"]', '["nothing"]', "'drug' has 2 levels and 1 words"),
        ('column = "died"', "", "ends.column is the flag of who died"),
        ('id = "ward"', 'id = "ward"\ndata = "hiv"', "expected either data or data_set"),
        ('id = "ward"', 'id = "ward"\ncitations = ["\\u001b[2K"]', "citations.0: it holds control characters; remove"),
        ('one_hot = ["sex"]', 'one_hot = ["sex", "x"]', "the column 'x' is named twice"),
    ],
)
def test_a_mistake_is_named_by_line_and_field(before, after, sentence):
    assert before in OWN
    with pytest.raises(UsageError) as caught:
        parse(OWN.replace(before, after, 1), "ward.toml")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_recipe_names_the_known_ones():
    with pytest.raises(UsageError, match="Did you mean 'hypotension'"):
        load("hypotensoin")


def test_a_reward_needs_its_columns():
    with pytest.raises(UsageError, match="needs map, urine"):
        reward(parse(OWN.replace('kind = "outcome"\n\n[ends]', 'kind = "map-urine"\n\n[ends]'), "ward.toml"))


def test_time_steps_of_ones_own_data_may_be_missing():
    text = OWN.replace("hours_per_step = 24", 'hours_per_step = 24\ntime_step = "any"')
    assert own(text).schema_of_data().time_step is None
    assert own().schema_of_data().time_step == 1
