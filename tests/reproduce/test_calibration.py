"""Targets beside measurements: estimates with their intervals, what counts as met, and how it is written."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import numpy as np
import pytest

from harness.core import strict_json
from harness.evaluation.intervals import Estimate
from harness.reports import calibration as report
from harness.reproduce.calibration import (
    CALIBRATIONS,
    Basis,
    Calibration,
    Row,
    Treated,
    difference,
    exact,
    explained,
    mean,
    share,
    spread,
)


def row(value, target=(1.0, 2.0), **changes):
    found = Estimate(value, value - 0.25, value + 0.25, 40, "test")
    given = {"what": "x", "target": target, "found": found, "unit": "%", "published": "A 1.5", "basis": Basis.SEEN}
    return Row(**given | changes)


def test_a_target_is_met_within_its_ends():
    assert [row(value).met for value in (0.99, 1.0, 1.5, 2.0, 2.01)] == [False, True, True, True, False]
    assert row(9e9, (1.0, math.inf)).met
    assert row(5.0, None).met is None


def test_intervals_cover_what_they_estimate():
    """Of 200 samples each, about 95 %; fewer than 90 % would be a wrong formula."""
    rng = np.random.default_rng(0)
    covered = dict.fromkeys(("mean", "share", "difference", "explained", "spread"), 0)
    for _ in range(200):
        x, y = rng.normal(3, 2, 60), rng.normal(1, 1, 40)
        z = 0.6 * (x - 3) / 2 + 0.8 * rng.normal(size=60)
        found = {
            "mean": (mean(x), 3.0),
            "share": (share(rng.random(80) < 0.3), 30.0),
            "difference": (difference(x, y), 2.0),
            "explained": (explained(x, z), 0.36),
            "spread": (spread(x), 2.0),
        }
        for name, (estimate, truth) in found.items():
            assert estimate.lower <= estimate.value <= estimate.upper
            covered[name] += estimate.lower <= truth <= estimate.upper
    assert all(180 <= count <= 199 for count in covered.values()), covered


def test_unknown_values_are_left_out_and_counted_out():
    assert mean([1.0, np.nan, 3.0]).n == 2
    assert mean([1.0, np.nan, 3.0]).value == 2.0


def test_every_patient_is_in_one_chunk_joined_in_order_and_counted():
    @dataclass
    class Numbers:
        alone: np.ndarray
        below: np.ndarray

    said = []
    treated = Treated(lambda p: said.append((p.done, p.total)), 9)
    treated.add(2)
    found = treated.in_chunks(7, 3, lambda some: Numbers(some, np.stack([some, -some])))
    assert found.alone.tolist() == list(range(7))
    assert found.below.tolist() == [list(range(7)), [-i for i in range(7)]]
    assert said == [(2, 9), (5, 9), (8, 9), (9, 9)]


def test_tables_say_how_many_targets_are_met_and_print_no_target_where_there_is_none():
    rows = (row(1.5), row(3.0), row(5.0, None, basis=None), row(1.0, (0, 3), found=exact(1.75, 18), basis=Basis.EXACT))
    found = Calibration("title", (("first", rows[:2]), ("second", rows[2:])), ("note",))
    first, second = report.blocks(found)
    assert first.rows[0] == ("x", "1 – 2", "1.5 (1.2 – 1.8) %", "40", "yes", "seen", "A 1.5")
    assert first.rows[1][4] == "no"
    assert second.rows[0][1:6] == ("–", "5.0 (4.7 – 5.3) %", "40", "–", "–")
    assert second.rows[1][2] == "1.8 %"  # exact: no interval
    assert first.notes == ()
    assert second.notes == ("2 of 3 targets are met.", "note")
    plain = report.plain(found)
    assert json.loads(strict_json.dumps(plain))["rows"][3]["lower"] is None
    assert plain["rows"][0]["target"] == [1.0, 2.0]


def test_calibrations_are_of_environments():
    from harness.envs.registry import ENVIRONMENTS

    assert set(CALIBRATIONS.entries()) <= set(ENVIRONMENTS.entries())
    for name in CALIBRATIONS.entries():
        assert callable(CALIBRATIONS.load(name))


@pytest.mark.parametrize(("low", "high", "written"), [(0, math.inf, "> 0"), (-math.inf, 40, "< 40")])
def test_targets_with_one_end_are_written_so(low, high, written):
    found = Calibration("t", (("s", (row(1.0, (low, high)),)),), ())
    assert next(report.blocks(found)).rows[0][1] == written
