"""`harness plot`: bounds drawn from what a run recorded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from harness.evaluation.recorded import read_decisions
from harness.evaluation.tabular import bounds_from, history


def test_bounds_are_drawn_from_the_decisions(harness_here, sepsis, tmp_path):
    words = ["eval", "--agent", "expert", "--method", "certify", "--epsilon", "0.1", "--json", "--quiet"]
    run = tmp_path / json.loads(harness_here(*words).stdout)["run_dir"]
    done = harness_here("plot", str(run), "--out", "figure")
    assert done.returncode == 0, done.stderr
    assert Path(tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert Path(tmp_path / "figure.svg").read_text().startswith("<?xml")

    decisions = read_decisions(run)
    asked, lower, upper = history(sepsis, decisions, points=10)
    assert asked[0] == 0
    assert asked[-1] == len(decisions)
    assert (np.diff(lower) >= -1e-12).all()
    assert (np.diff(upper) <= 1e-12).all()
    known = bounds_from(sepsis, decisions)
    assert (lower[-1], upper[-1]) == pytest.approx((known.lower.J, known.upper.J), abs=1e-12)


def test_what_has_no_bounds_is_a_sentence(harness_here, tmp_path):
    words = ["eval", "--agent", "expert", "--method", "rollout", "--episodes", "5", "--json", "--quiet"]
    run = json.loads(harness_here(*words).stdout)["run_dir"]
    done = harness_here("plot", run)
    assert done.returncode == 1
    assert "asked no states; bounds belong to runs by exact or certify" in done.stderr
    assert "Traceback" not in done.stderr
