"""The package hemosim's published baselines run again: what is reproduced, what is not, and what is said of it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from harness.evaluation.intervals import Estimate
from harness.reports import hemosim as report
from harness.reproduce import hemosim as reproduce

pytest.importorskip("hemosim", reason="needs the extra hemosim")


@pytest.fixture(scope="module")
def figures():
    return {(f.task, f.policy, f.quantity): f for f in reproduce.table(lambda progress: None)}


def test_the_paper_s_returns_are_the_package_s_to_the_last_digit(figures):
    returns = [f for f in figures.values() if f.quantity != "in range"]
    assert len(returns) == 16
    assert not [f for f in returns if f.differs_from(f.paper)]
    for f in returns:
        assert f.measured.lower < f.measured.value < f.measured.upper
        assert f.measured.n == 100


def test_where_the_figures_differ_is_said(figures):
    from_paper = {key for key, f in figures.items() if f.differs_from(f.paper)}
    assert from_paper == {("hemosim/warfarin", policy, "in range") for policy in reproduce.POLICIES}
    from_pinned = {key for key, f in figures.items() if f.differs_from(f.pinned)}
    assert {key[0] for key in from_pinned if key[2] == "return"} == {"hemosim/warfarin"}
    assert figures["hemosim/warfarin", "clinical", "return"].measured.value == pytest.approx(18.3156, abs=1e-4)
    (block,) = report.table(tuple(figures.values()))
    assert "22 of 24 figures are the paper's" in block.notes[0]
    assert any("warfarin, pinned: of an older model" in note for note in block.notes)
    row = next(row for row in block.rows if row[:3] == ("warfarin", "clinical", "return"))
    assert row[3:5] == ("18.32", "-85.20")
    assert row[6] == "pinned"


def test_a_figure_agrees_within_half_of_the_last_digit_alone():
    def differs(value):
        one = Estimate(value, float("nan"), float("nan"), 100, "none")
        return reproduce.Figure("hemosim/dic", "random", "return", 1.23, 1.23, one).differs_from(1.23)

    assert not differs(1.2349)
    assert differs(1.2351)


def test_always_the_same_is_paired_with_the_clinical_baseline_by_seed():
    arms = {(a.task, a.policy): a for a in reproduce.trivial(3, lambda progress: None)}
    assert len(arms) == 15
    for (task, _), arm in arms.items():
        clinical = arms[task, "clinical"]
        assert clinical.gain is None
        if arm is not clinical:
            assert arm.gain.value == pytest.approx(np.mean(arm.returns - clinical.returns))
    assert arms["hemosim/heparin", "clinical"].early.value == 1
    assert arms["hemosim/heparin", "trivial"].gain.lower > 0
    (block,) = report.trivial(tuple(arms.values()))
    assert "seeds 110000 to 110002" in block.caption
    assert len(block.rows) == 15


def test_the_command_prints_both_tables_and_json_without_nan(harness_command):
    done = harness_command("reproduce", "hemosim", "--part", "trivial", "--episodes", "10", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    found = json.loads(done.stdout, parse_constant=refuse)
    assert list(found) == ["trivial"]
    assert {arm["policy"] for arm in found["trivial"]} == {"clinical", "random", "trivial"}
    few = harness_command("reproduce", "hemosim", "--episodes", "3")
    assert few.returncode == 2
    assert "--episodes 3 measures nothing; expected at least 10" in few.stderr
