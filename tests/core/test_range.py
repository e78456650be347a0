"""Figures with a range keep their order, whatever is done to them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.core.range import Range, around, known, spanning

figures = st.lists(st.floats(0, 1e6), min_size=3, max_size=3).map(lambda f: Range(*sorted(f)))


@given(figures, figures, st.floats(0, 1e3))
def test_sums_products_and_spans_stay_in_order(a, b, k):
    for found in (a + b, a * b, a * k, around(k, a.high), spanning([b, a]), known(k)):
        assert 0 <= found.low <= found.usual <= found.high
    assert a * known(k) == a * k
    assert spanning([a, b]).usual == a.usual
