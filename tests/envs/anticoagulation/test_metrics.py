"""Rosendaal's time in range: hand-computed cases, and what must hold for any INRs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UsageError
from harness.envs.anticoagulation.metrics import LONGEST_GAP, rosendaal

inrs = st.floats(0.8, 8.0)


@pytest.mark.parametrize(
    ("days", "values", "within"),
    [
        ([0, 10], [1.5, 3.5], 1 / 2),
        ([0, 10], [2.5, 2.5], 1.0),
        ([0, 10], [1.0, 4.0], 1 / 3),
        ([0, 7, 14], [2.5, 1.5, 2.5], 1 / 2),
        ([0, 7], [2.0, 3.0], 1.0),  # both limits belong to the range
        ([0, 7], [2.0, 2.0], 1.0),
        ([0, 7], [3.0, 3.0], 1.0),
        ([0, 7], [1.9, 1.9], 0.0),
        ([0, 2, 12], [2.5, 2.5, 3.5], (2 + 5) / 12),  # intervals count by their length
    ],
)
def test_hand_computed_cases(days, values, within):
    assert rosendaal(days, values).within == pytest.approx([within])


def test_the_other_shares_are_those_below_above_and_above_4():
    found = rosendaal([0, 8], [[1.0, 5.0]])
    assert found.below == pytest.approx([1 / 4])
    assert found.within == pytest.approx([1 / 4])
    assert found.above == pytest.approx([1 / 2])
    assert found.far_above == pytest.approx([1 / 4])
    assert rosendaal([0, 1, 2], [[2.0, 3.0, 3.1]]).measured_within == pytest.approx([2 / 3])


def test_days_without_an_inr_are_interpolated_over_and_patients_stay_apart():
    nan = np.nan
    found = rosendaal(
        [0, 1, 2, 3, 4], [[1.5, nan, nan, nan, 3.5], [nan, 2.5, nan, 2.5, nan], [nan, 2.5, nan, nan, nan]]
    )
    assert found.within[:2] == pytest.approx([0.5, 1.0])
    assert found.days == pytest.approx([4, 2, 0])  # nothing before the first INR nor after the last
    assert np.isnan(found.within[2])
    assert found.measured_within[2] == 1.0


def test_nothing_is_interpolated_over_a_long_gap():
    days = [0, 10, 10 + LONGEST_GAP, 10 + 2 * LONGEST_GAP + 1]
    found = rosendaal(days, [[2.5, 2.5, 3.5, 2.5]])
    assert found.days == pytest.approx([10 + LONGEST_GAP])
    assert found.within == pytest.approx([(10 + LONGEST_GAP / 2) / (10 + LONGEST_GAP)])


def test_a_window_counts_only_what_lies_in_it():
    found = rosendaal([0, 5, 10], [[1.0, np.nan, 3.0]], start=5)
    assert found.days == pytest.approx([5])
    assert found.within == pytest.approx([1.0])  # the INR before the window still says that it is 2.0 on day 5


@given(st.lists(st.tuples(st.integers(1, 20), inrs), min_size=2, max_size=12))
def test_shares_add_up_and_no_unit_of_time_matters(visits):
    days = np.cumsum([gap for gap, _ in visits])
    values = [inr for _, inr in visits]
    found = rosendaal(days, values)
    assert found.within + found.below + found.above == pytest.approx([1.0])
    assert 0 <= found.within[0] + 1e-12 <= 1 + 2e-12
    assert found.far_above[0] <= found.above[0] + 1e-12
    weeks = rosendaal(days / 7, values, longest_gap=LONGEST_GAP / 7)
    assert weeks.within == pytest.approx(found.within)


@given(st.lists(inrs, min_size=3, max_size=15), st.integers(1, 13))
def test_windows_that_meet_add_up_to_the_whole(values, cut):
    days, cut = np.arange(len(values)), min(cut, len(values) - 2)
    whole, first, second = (
        rosendaal(days, values, start=start, end=end) for start, end in ((0, 99), (0, cut), (cut, 99))
    )
    together = first.days * first.within + second.days * second.within
    assert together == pytest.approx(whole.days * whole.within, abs=1e-9)


@given(st.lists(inrs, min_size=2, max_size=8), st.integers(2, 5))
def test_it_is_what_sampling_the_straight_lines_finely_gives(values, gap):
    days = gap * np.arange(len(values))
    fine = np.linspace(days[0], days[-1], 20_001)
    between = np.interp(fine, days, values)
    sampled = ((between >= 2) & (between <= 3)).mean()
    assert rosendaal(days, values).within == pytest.approx([sampled], abs=2e-3)


@pytest.mark.parametrize(
    ("days", "values", "options", "sentence"),
    [
        ([0, 1], [[2.0]], {}, r"INRs have the shape \(1, 1\); expected \(n, 2\)"),
        ([1, 0], [2.0, 2.0], {}, "The days do not ascend"),
        ([0, 1], [2.0, 2.0], {"low": 3, "high": 2}, "The range from 3 to 2 is empty"),
    ],
)
def test_what_cannot_be_measured_is_said(days, values, options, sentence):
    with pytest.raises(UsageError, match=sentence):
        rosendaal(days, values, **options)
