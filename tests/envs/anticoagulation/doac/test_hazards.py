"""What is to be expected: by hand for one patient, and in the right direction for all."""

from __future__ import annotations

import numpy as np
import pytest

from harness.envs.anticoagulation.doac import constants as c
from harness.envs.anticoagulation.doac import hazards
from harness.envs.anticoagulation.doac.hazards import expected, exposure, rates
from harness.envs.anticoagulation.doac.patients import draw
from harness.envs.anticoagulation.doac.populations import REFERENCE
from tests.envs.anticoagulation.doac.people import person, place

A5, A2_5, A10, D150, R20 = map(place, ("apixaban_5", "apixaban_2.5", "apixaban_10", "dabigatran_150", "rivaroxaban_20"))
NONE, WARFARIN = place("none"), place("warfarin")


def test_rates_of_one_patient_by_hand():
    """CHA2DS2-VASc 2, HAS-BLED 1, a clearance of 75: the table's rates times published ratios, exposure 1."""
    strokes, bleedings = rates(person(crcl=75.0))
    assert strokes[0, NONE] == pytest.approx(0.022)
    assert strokes[0, WARFARIN] == pytest.approx(0.022 * 0.36)
    assert strokes[0, A5] == pytest.approx(0.022 * 0.36 * 0.79)
    usual = c.BLEEDING_SCALE * (0.6 * 0.0102 + 0.4 * 0.0188)
    assert bleedings[0, WARFARIN] == pytest.approx(c.BLEEDING_SCALE * 0.0102)
    assert bleedings[0, A5] == pytest.approx(usual * 0.69)
    assert bleedings[0, A2_5] == pytest.approx(usual * 0.69 * 0.5**0.65)
    assert strokes[0, A2_5] == pytest.approx(0.022 * 0.36 * 0.79 * 0.5**-0.6)


def test_labile_inrs_count_on_warfarin_only():
    before, labile = rates(person())[1], rates(person(labile_inr=True))[1]
    assert labile[0, WARFARIN] == pytest.approx(before[0, WARFARIN] * 1.88 / 1.02)
    assert np.delete(labile[0], WARFARIN) == pytest.approx(np.delete(before[0], WARFARIN))


def test_dabigatran_doubles_and_more_where_kidneys_fail():
    assert exposure(person(crcl=20.0))[0, D150] >= 2.2
    ratio = rates(person(crcl=20.0, creatinine=2.0))[1][0] / rates(person(crcl=75.0))[1][0]
    assert ratio[D150] / ratio[WARFARIN] >= 1.6


def test_a_higher_dose_bleeds_more_and_one_far_too_high_does_nothing_but_harm():
    status = draw(range(300), REFERENCE).entry
    strokes, bleedings = rates(status)
    for low, high in (("apixaban_2.5", "apixaban_5"), ("apixaban_5", "apixaban_10"), ("edoxaban_30", "edoxaban_60"),
                      ("dabigatran_75", "dabigatran_110"), ("dabigatran_110", "dabigatran_150")):  # fmt: skip
        assert (bleedings[:, place(high)] > bleedings[:, place(low)]).all()
        assert (strokes[:, place(high)] <= strokes[:, place(low)]).all()
    weighted = expected(status).weighted[..., 0]
    assert weighted[:, A10].mean() > 1.2 * weighted[:, A5].mean()


@pytest.mark.parametrize(
    ("beside", "drug", "more"), [("ketoconazole", R20, True), ("rifampicin", A5, False), ("dronedarone", D150, True)]
)
def test_other_drugs_raise_bleeding_or_strokes(beside, drug, more):
    usual, changed = rates(person()), rates(person(beside=beside))
    assert (changed[1][0, drug] > 1.3 * usual[1][0, drug]) == more
    assert (changed[0][0, drug] > 1.2 * usual[0][0, drug]) != more


def test_nobody_without_a_valve_fares_worse_on_warfarin_with_one():
    strokes, _ = rates(person(valve=2))
    doacs = strokes[0, hazards.IS_DOAC]
    assert (doacs > 2.5 * strokes[0, WARFARIN]).all()


def test_days_left_out_count_before_a_procedure_only():
    without, planned = expected(person()), expected(person(procedure=2))
    assert (np.ptp(without.strokes, axis=-1) == 0).all()
    assert (np.ptp(without.bleedings, axis=-1) == 0).all()
    assert (np.diff(planned.strokes[0, A5]) > 0).all()
    assert (np.diff(planned.bleedings[0, A5]) < 0).all()
    assert planned.weighted[0, A5].argmin() == 2
    assert planned.strokes[0, NONE] == pytest.approx(without.strokes[0, NONE])


def test_while_it_bleeds_nothing_is_better_than_anything():
    bleeding = expected(person(bleeding=2, stroke=True)).weighted[0, :, 0]
    assert bleeding.argmin() == NONE
    assert expected(person(bleeding=1, stroke=True)).weighted[0, :, 0].argmin() != NONE
