"""JSON that every reader takes."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.strict_json import dumps

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def refused(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def same(value, read) -> bool:
    if isinstance(value, float) and not math.isfinite(value):
        return read is None
    if isinstance(value, list):
        return len(value) == len(read) and all(map(same, value, read))
    if isinstance(value, dict):
        return value.keys() == read.keys() and all(same(value[key], read[key]) for key in value)
    return type(value) is type(read) and value == read


@given(VALUES)
def test_what_is_not_finite_becomes_null_and_all_else_is_read_back_as_it_was(value):
    assert same(value, json.loads(dumps(value), parse_constant=refused))


def test_what_is_no_plain_data_is_an_error():
    with pytest.raises(TypeError):
        dumps({"value": object()})
