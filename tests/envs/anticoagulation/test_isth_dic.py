"""The ISTH score of overt DIC, by cases computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UsageError
from harness.envs.anticoagulation.isth_dic import fibrin_points, isth_score, overt


@pytest.mark.parametrize(
    ("platelets", "marker", "prolongation", "fibrinogen", "points"),
    [
        (250, 0, 0.0, 3.0, 0),
        (100, 0, 0.0, 3.0, 0),
        (99, 0, 0.0, 3.0, 1),
        (50, 0, 0.0, 3.0, 1),
        (49, 0, 0.0, 3.0, 2),
        (250, 2, 0.0, 3.0, 2),
        (250, 3, 0.0, 3.0, 3),
        (250, 0, 2.9, 3.0, 0),
        (250, 0, 3.0, 3.0, 1),  # 3 s are prolonged, not only more than 3
        (250, 0, 5.9, 3.0, 1),
        (250, 0, 6.0, 3.0, 2),
        (250, 0, -1.0, 3.0, 0),
        (250, 0, 0.0, 1.0, 0),
        (250, 0, 0.0, 0.9, 1),
        (62, 2, 4.0, 1.4, 4),
        (62, 3, 4.0, 1.4, 5),
        (20, 3, 9.0, 0.5, 8),
    ],
)
def test_the_score_is_that_of_the_paper(platelets, marker, prolongation, fibrinogen, points):
    assert isth_score(platelets, marker, prolongation, fibrinogen) == points


def test_patients_are_scored_as_arrays():
    assert isth_score([250, 40], [0, 3], [0.0, 7.0], [3.0, 0.8]).tolist() == [0, 8]


def test_five_points_are_overt_only_with_a_disorder_that_causes_it():
    assert overt([4, 5, 8, 8], [True, True, True, False]).tolist() == [False, True, True, False]
    assert overt(5)


def test_a_d_dimer_is_moderate_above_its_limit_and_strong_above_ten_times_that():
    assert fibrin_points([0.0, 0.5, 0.51, 5.0, 5.1], 0.5).tolist() == [0, 0, 2, 2, 3]
    assert fibrin_points([400, 2_000], 500, strong=3.0).tolist() == [0, 3]


@given(
    st.floats(0, 500),
    st.sampled_from([0, 2, 3]),
    st.floats(-2, 40),
    st.floats(0, 8),
    st.floats(0, 100),
    st.floats(0, 5),
)
def test_worse_values_never_lower_the_score(platelets, marker, prolongation, fibrinogen, fewer, longer):
    before = isth_score(platelets, marker, prolongation, fibrinogen)
    after = isth_score(max(platelets - fewer, 0), marker, prolongation + longer, max(fibrinogen - longer, 0))
    assert 0 <= before <= after <= 8


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ((-1, 0, 0, 3), "A platelet count is negative or not known"),
        ((100, 1, 0, 3), "A fibrin marker has points other than 0"),
        ((100, 0, np.nan, 3), "prolongation of the prothrombin time is not known"),
        ((100, 0, 0, np.nan), "A fibrinogen is negative or not known"),
    ],
)
def test_what_is_missing_or_impossible_is_a_sentence(values, sentence):
    with pytest.raises(UsageError, match=sentence):
        isth_score(*values)


def test_limits_that_do_not_ascend_are_a_sentence():
    with pytest.raises(UsageError, match="D-dimer limits of 0.5 and 1 times that"):
        fibrin_points(1.0, 0.5, strong=1.0)
