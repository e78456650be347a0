"""The calibration of `doac` on few patients: every row is there, and what cannot miss by chance does not."""

from __future__ import annotations

import pytest

from harness.envs.anticoagulation.doac import constants as c
from harness.reproduce import doac as module
from harness.reproduce.calibration import Basis


@pytest.fixture(scope="module")
def found():
    told = []
    before, module.SOLVED = module.SOLVED, 4
    try:
        calibration = module.doac(range(100_000, 100_300), told.append)
    finally:
        module.SOLVED = before
    assert told[-1].done == told[-1].total
    return calibration


def test_every_arm_of_the_four_trials_stands_beside_its_published_rates(found):
    titles = [title for title, _ in found.sections]
    assert len(found.sections[0][1]) == len(found.sections[1][1]) == 10
    assert titles[0].startswith("Stroke")
    for _, rows in found.sections[:2]:
        for row in rows:
            low, high = row.target
            assert (low + high) / 2 == pytest.approx(float(row.published), abs=0.01)
            assert row.found.lower < row.found.value < row.found.upper
            assert row.basis in (Basis.FITTED, Basis.SEEN)
            assert row.found.value == pytest.approx(float(row.published), rel=0.3)


def test_what_sets_good_from_bad_holds_for_few_patients_too(found):
    rows = {row.what.strip(): row for row in found.rows}
    for what in ("label less chance", "label less hemosim's baseline", "exposure, dabigatran 150 at 20 mL/min"):
        assert rows[what].met
    right, earned = ({row.what: row.found.value for row in rows} for _, rows in found.sections[-2:])
    assert right["label"] == 100
    assert earned["optimum less label"] > 0 > earned["label"]
    assert {f"always {name}" for name in c.DRUGS} < right.keys()
    assert sum(row.met is False for row in found.rows) <= 8
