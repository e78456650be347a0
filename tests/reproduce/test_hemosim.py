"""The package hemosim's published baselines run again: what is reproduced, what is not, and what is said of it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from harness.envs.hemosim import tasks
from harness.envs.registry import make
from harness.evaluation.intervals import Estimate
from harness.reports import hemosim as report
from harness.reproduce import hemosim as reproduce

pytest.importorskip("hemosim", reason="needs the extra hemosim")

from harness.envs.hemosim.package import load


def test_the_paper_s_figures_are_the_package_s_to_the_last_digit():
    """Of the two tasks that take a second; the command does all four."""
    figures = reproduce.table(lambda progress: None, (tasks.HEPARIN, tasks.DIC))
    assert len(figures) == 12
    for f in figures:
        assert not f.differs_from(f.paper)
        constant = f.measured.interval == "no interval: all are equal"
        assert constant or f.measured.lower - 1e-12 <= f.measured.value <= f.measured.upper
        assert f.measured.n == 100
    assert {(f.task, f.quantity) for f in figures if f.differs_from(f.pinned)} == {("hemosim/dic", "in range")}


def test_warfarin_as_it_ships_is_the_paper_s_and_not_the_pinned():
    policy = load("agents", "WarfarinClinicalBaseline")(seed=42)
    env = make("hemosim/warfarin").inner
    returns, within = zip(
        *(reproduce.alone(env, tasks.WARFARIN, policy.predict, seed) for seed in range(100_000, 100_010)), strict=True
    )
    mean, sd, in_range = reproduce.PAPER["hemosim/warfarin"]["clinical"]
    assert np.mean(returns) == pytest.approx(mean, abs=3 * sd / np.sqrt(10))
    assert max(within) < in_range  # the paper prints 0.950
    assert min(returns) > reproduce.PINNED["hemosim/warfarin"]["clinical"][0] + 80


def figure(task, policy, quantity, value):
    column = reproduce.QUANTITIES.index(quantity)
    paper, pinned = (published[task][policy][column] for published in (reproduce.PAPER, reproduce.PINNED))
    return reproduce.Figure(task, policy, quantity, paper, pinned, Estimate(value, value - 1, value + 1, 100, "t"))


def test_where_the_figures_differ_is_said():
    figures = (
        figure("hemosim/warfarin", "clinical", "return", 18.3156),
        figure("hemosim/warfarin", "clinical", "in range", 0.9443),
        figure("hemosim/doac", "random", "in range", 0.984),
        figure("hemosim/heparin", "clinical", "return", -23.8593),
    )
    (block,) = report.table(figures)
    assert [row[6] for row in block.rows] == ["pinned", "paper, pinned", "pinned", "neither"]
    assert block.rows[0][3:6] == ("18.32", "-85.20", "18.32 (17.31 – 19.32)")
    assert block.notes[0].startswith("3 of 4 figures are the paper's to its last digit, 1 those of")
    for part, note in zip(
        ("warfarin, pinned:", "in range, doac and dic:", "in range, paper:"), block.notes[1:], strict=True
    ):
        assert note.startswith(part)
    (quiet,) = report.table(figures[3:])
    assert len(quiet.notes) == 1


def test_a_figure_agrees_within_half_of_the_last_digit_alone():
    def differs(value):
        one = Estimate(value, float("nan"), float("nan"), 100, "none")
        return reproduce.Figure("hemosim/dic", "random", "return", 1.23, 1.23, one).differs_from(1.23)

    assert not differs(1.2349)
    assert differs(1.2351)


def test_always_the_same_is_paired_with_the_clinical_baseline_by_seed():
    arms = {(a.task, a.policy): a for a in reproduce.trivial(2, lambda progress: None)}
    assert len(arms) == 15
    for (task, _), arm in arms.items():
        clinical = arms[task, "clinical"]
        assert clinical.gain is None
        if arm is not clinical:
            assert arm.gain.value == pytest.approx(np.mean(arm.returns - clinical.returns))
    assert arms["hemosim/heparin", "clinical"].early.value == 1
    assert arms["hemosim/heparin", "trivial"].early.value == 0
    (block,) = report.trivial(tuple(arms.values()))
    assert "seeds 110000 to 110001" in block.caption
    assert len(block.rows) == 15


def test_the_command_prints_json_without_nan_and_refuses_too_few_episodes(harness_here, monkeypatch):
    """Of the two tasks that take a second."""
    monkeypatch.setattr(tasks, "TASKS", (tasks.HEPARIN, tasks.DIC))
    done = harness_here("reproduce", "hemosim", "--part", "trivial", "--episodes", "5", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    found = json.loads(done.stdout, parse_constant=refuse)
    assert list(found) == ["trivial"]
    assert {arm["policy"] for arm in found["trivial"]} == {"clinical", "random", "trivial"}
    assert {arm["task"] for arm in found["trivial"]} == {"hemosim/heparin", "hemosim/dic"}
    few = harness_here("reproduce", "hemosim", "--episodes", "3")
    assert few.returncode == 2
    assert "--episodes 3 measures nothing; expected at least 5" in few.stderr
