"""The 4Ts by hand-computed cases, the rules that are often missed among them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UsageError
from harness.envs.anticoagulation.four_ts import (
    OtherCause,
    Probability,
    Sequelae,
    deepest_fall,
    four_ts,
    probability,
)


@pytest.mark.parametrize(
    ("fall", "nadir", "surgery", "points"),
    [
        (0.51, 20, False, 2),
        (0.50, 60, False, 1),  # 30 to 50 % is one point, the half itself among it
        (0.30, 100, False, 1),
        (0.29, 100, False, 0),
        (0.80, 19, False, 1),  # deep, but the nadir is 10 to 19
        (0.80, 10, False, 1),
        (0.95, 9, False, 0),
        (0.60, 60, True, 1),  # within three days of surgery
        (0.40, 60, True, 1),
    ],
)
def test_thrombocytopenia(fall, nadir, surgery, points):
    assert four_ts(fall=fall, nadir=nadir, onset=7, surgery=surgery).thrombocytopenia == points


@pytest.mark.parametrize(
    ("onset", "clear", "exposure", "points"),
    [
        (5, True, np.inf, 2),
        (10, True, np.inf, 2),
        (7, False, np.inf, 1),  # missing counts
        (11, True, np.inf, 1),  # after day 10 is one point, however late
        (15, True, np.inf, 1),
        (30, True, np.inf, 1),
        (4, True, np.inf, 0),
        (0, True, np.inf, 0),
        (1, True, 30, 2),  # rapid, heparin in the last 30 days
        (0, True, 12, 2),
        (1, True, 31, 1),
        (1, True, 100, 1),
        (1, True, 101, 0),
        (3, True, 12, 0),  # neither rapid nor typical
        (4.5, True, np.inf, 1),  # hours after day 4, consistent with day 5, not clear
        (np.nan, True, np.inf, 1),  # not known
    ],
)
def test_timing(onset, clear, exposure, points):
    assert four_ts(fall=0.6, nadir=60, onset=onset, clear=clear, last_exposure=exposure).timing == points


def test_thrombosis_and_other_causes_have_the_points_of_their_class():
    found = four_ts(fall=0.6, nadir=60, onset=7, sequelae=list(Sequelae), other=list(OtherCause))
    assert found.thrombosis.tolist() == [0, 1, 2]
    assert found.other.tolist() == [0, 1, 2]
    assert found.total.tolist() == [4, 6, 8]


def test_scores_are_low_up_to_3_and_high_from_6():
    classes = [probability(score) for score in range(9)]
    assert classes == [Probability.LOW] * 4 + [Probability.MIDDLE] * 2 + [Probability.HIGH] * 3


@given(
    st.floats(0, 1), st.floats(0, 600), st.floats(0, 40), st.sampled_from(Sequelae), st.sampled_from(OtherCause),
    st.booleans(), st.floats(0, 200), st.booleans(),
)  # fmt: skip
def test_every_patient_has_a_score_from_0_to_8(fall, nadir, onset, sequelae, other, clear, exposure, surgery):
    found = four_ts(
        fall=fall, nadir=nadir, onset=onset, sequelae=sequelae, other=other, clear=clear, last_exposure=exposure,
        surgery=surgery,
    )  # fmt: skip
    assert 0 <= found.total <= 8
    after = four_ts(fall=fall, nadir=nadir, onset=onset, sequelae=sequelae, other=other, surgery=True)
    assert after.thrombocytopenia <= found.thrombocytopenia


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"fall": 60}, "expected 0 to 1"),
        ({"nadir": -1}, "A nadir is negative"),
        ({"onset": -2}, "A day of onset is negative"),
        ({"sequelae": 3}, "The points of sequelae are not 0, 1 or 2"),
    ],
)
def test_what_cannot_be_is_refused(changes, sentence):
    with pytest.raises(UsageError, match=sentence):
        four_ts(**{"fall": 0.5, "nadir": 50, "onset": 5} | changes)


# --------------------------------------------------------------------------- falls


def test_a_fall_is_from_the_highest_count_before_it_not_from_the_first():
    found = deepest_fall([150, 200, 300, 290, 280, 140])
    assert found.fall[0] == pytest.approx(1 - 140 / 300)
    assert found.nadir[0] == 140
    assert found.onset[0] == 5
    assert found.clear[0]


def test_a_low_count_before_the_highest_is_no_nadir():
    found = deepest_fall([15, 90, 250, 240, 245, 110, 130])
    assert found.nadir[0] == 110
    assert four_ts(fall=found.fall, nadir=found.nadir, onset=5).thrombocytopenia[0] == 2
    assert deepest_fall([np.nan, 200, 210]).nadir[0] == 200


def test_the_onset_is_the_first_day_of_the_run_that_ends_in_the_nadir():
    dip = deepest_fall([300, 200, 310, 300, 230, 150, 90, 120])
    assert dip.onset[0] == 4  # the dip of day 1 came back
    assert dip.fall[0] == pytest.approx(1 - 90 / 310)


def test_a_missing_count_before_the_fall_makes_its_onset_unclear():
    found = deepest_fall(np.array([[300.0, 300], [290, 310], [np.nan, 305], [140, 140]]))
    assert found.onset.tolist() == [3, 3]
    assert found.clear.tolist() == [False, True]


def test_platelets_that_do_not_fall_have_no_onset():
    found = deepest_fall([200, 210, 205, 220])
    assert np.isnan(found.onset[0])
    assert not found.clear[0]
    assert found.fall[0] == pytest.approx(5 / 210)
    with pytest.raises(UsageError, match="no platelet count at all"):
        deepest_fall([np.nan, np.nan])
