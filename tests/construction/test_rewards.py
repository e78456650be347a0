"""Rewards and SOFA at the published points."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.construction.rewards import hiv, map_urine, sofa_lactate
from harness.construction.sofa import sofa


@pytest.mark.parametrize(
    ("pressure", "urine", "expected"),
    [(80, 0, 0), (65, 0, 0), (62.5, 0, -0.025), (60, 0, -0.05), (55, 0, -0.15), (47.5, 0, -0.575), (40, 0, -1),
     (20, 0, -1), (56, 31, 0), (55, 31, -0.15), (56, 30, -0.13), (50, 200, -0.15 - 0.85 / 3)],
)  # fmt: skip
def test_pressure_is_paid_as_published(pressure, urine, expected):
    then = {"map": np.array([float(pressure)]), "urine": np.array([float(urine)])}
    assert map_urine({}, then)[0] == pytest.approx(expected)


def test_viral_load_and_cd4_are_paid_as_published():
    then = {"vl": np.array([1000.0, 49.9, 0.0]), "cd4": np.array([500.0, 500.0, 0.0])}
    known = 0.6 * math.log(500)
    assert hiv({}, then) == pytest.approx([-0.7 * math.log(1000) + known, 5 + known, 5])


WELL = {"pao2": 95.0, "fio2": 0.21, "ventilated": 0, "platelets": 250.0, "bilirubin": 0.6, "map": 85.0, "gcs": 15.0,
        "creatinine": 0.9, "lactate": 1.0}  # fmt: skip


def patient(**changes):
    return {name: np.array([value]) for name, value in (WELL | changes).items()}


@pytest.mark.parametrize(
    ("changes", "points"),
    [({}, 0), ({"map": 69.9}, 1), ({"pao2": 40.0, "fio2": 0.5}, 2),
     ({"pao2": 80.0, "fio2": 0.1}, 1), ({"pao2": 40.0, "fio2": 0.5, "ventilated": 1}, 4),
     ({"gcs": 14.0}, 1), ({"gcs": 5.0}, 4), ({"platelets": 49.0}, 3), ({"bilirubin": 2.0}, 2), ({"creatinine": 5.0}, 4),
     ({"bilirubin": 12.0, "creatinine": 1.2}, 5)],
)  # fmt: skip
def test_sofa_gives_the_points_of_its_table(changes, points):
    assert sofa(patient(**changes)).tolist() == [points]


def test_a_falling_lactate_and_sofa_are_paid():
    worse, better = patient(creatinine=2.0, lactate=4.0), patient(creatinine=1.2, lactate=3.0)
    expected = 0.125 + 2 * math.tanh(1)
    assert sofa_lactate(worse, better) == pytest.approx([expected])
    assert sofa_lactate(better, worse) == pytest.approx([-expected])
    assert sofa_lactate(worse, worse) == pytest.approx([-0.025])
    assert sofa_lactate(patient(), patient()) == pytest.approx([0])
