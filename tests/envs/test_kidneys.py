"""Creatinine clearance by hand."""

from __future__ import annotations

import numpy as np
import pytest

from harness.envs.kidneys import cockcroft_gault


def test_clearance_is_that_of_cockcroft_and_gault():
    assert cockcroft_gault(40, False, 72, 1.0) == pytest.approx(100)
    assert cockcroft_gault(40, True, 72, 1.0) == pytest.approx(85)
    assert cockcroft_gault(85, True, 55, 1.6) == pytest.approx(55 * 55 / (72 * 1.6) * 0.85)


def test_patients_and_creatinines_make_one_array_together():
    found = cockcroft_gault(np.array([[70.0], [80.0]]), np.array([[False], [True]]), 72, np.array([1.0, 2.0]))
    assert found == pytest.approx(np.array([[70, 35], [51, 25.5]]))
