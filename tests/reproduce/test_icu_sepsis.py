"""The paper's figures are reached without sampling, and a wrong one would be noticed."""

from __future__ import annotations

import numpy as np
import pytest

from harness.core.errors import InvalidMDP
from harness.mdp.build import from_arrays, with_rewards
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import uniform
from harness.mdp.simulate import simulate
from harness.reproduce import icu_sepsis
from harness.reproduce.icu_sepsis import admissible, counting, strategies, table_2


@pytest.mark.parametrize("ends", [0.1, 0.5, 1.0])
def test_the_length_of_a_geometric_episode_has_its_mean_and_variance(ends):
    mdp = from_arrays([[[1 - ends, ends]], [[0, 1]]], np.zeros((2, 1)), [1, 0], terminal=[False, True])
    found = evaluate(counting(mdp), np.ones((2, 1)))
    assert pytest.approx(1 / ends) == found.J
    assert found.variance == pytest.approx((1 - ends) / ends**2, abs=1e-10)


def test_the_variance_of_lengths_is_that_of_simulated_patients(sepsis):
    policy = uniform(sepsis.mdp.legal)
    exact = evaluate(counting(sepsis.mdp), policy)
    lengths = simulate(sepsis.mdp, policy, 40_000, seed=100_000).lengths
    assert pytest.approx(evaluate(sepsis.mdp, policy).length) == exact.J
    assert lengths.mean() == pytest.approx(exact.J, abs=5 * np.sqrt(exact.variance / len(lengths)))
    assert lengths.var() == pytest.approx(exact.variance, rel=0.05)


def test_rewards_of_the_wrong_shape_or_kind_are_refused(sepsis):
    with pytest.raises(InvalidMDP, match=r"shape \(3,\); expected \(716, 25\)"):
        with_rewards(sepsis.mdp, np.ones(3))
    rewards = np.ones((716, 25))
    rewards[7, 3] = np.nan
    with pytest.raises(InvalidMDP, match="state 7, action 3 is not a finite number"):
        with_rewards(sepsis.mdp, rewards)


def test_every_figure_of_table_2_agrees_and_the_dataset_is_published_only():
    figures = table_2()
    assert [f.agrees for f in figures] == [True] * 6 + [None] * 2
    exact = {(f.policy, f.quantity): f.exact for f in figures}
    assert exact["optimal", "survival"] == pytest.approx(0.8751, abs=5e-5)
    assert exact["random", "length"] == pytest.approx(9.46, abs=5e-3)


def test_a_standard_error_is_that_of_50_000_coin_tosses():
    for figure in table_2():
        if figure.quantity == "survival" and figure.exact is not None:
            coin = np.sqrt(figure.exact * (1 - figure.exact) / 50_000)
            assert figure.standard_error == pytest.approx(coin, rel=1e-9)


def test_a_figure_that_is_off_by_two_units_of_the_last_digit_would_not_agree(monkeypatch):
    monkeypatch.setattr(icu_sepsis, "TABLE_2", {**icu_sepsis.TABLE_2, "random": (0.80, 9.45)})
    assert {f.policy for f in table_2() if f.agrees is False} == {"random"}


def test_admissible_actions_are_those_of_the_package(sepsis):
    found = admissible()
    assert sum(found.states) == 713
    assert (found.fewest, found.most) == (1, 13)
    assert found.mean == pytest.approx(3.14, abs=0.005)
    assert sum(a * n for a, n in zip(found.actions, found.states, strict=True)) == sepsis.mdp.admissible[:713].sum()


def test_strategies_share_the_optimum_and_differ_for_who_does_not_look():
    found = strategies()
    assert list(found) == ["mean", "terminate", "raise"]
    assert np.ptp([values["optimal"].value for values in found.values()]) < 1e-9
    assert found["raise"]["random"].value == pytest.approx(found["mean"]["random"].value, abs=1e-9)
    assert found["terminate"]["random"].value < 0.01
    assert found["terminate"]["worst"].value == 0
    assert all(v["worst"].value <= v["random"].value <= v["optimal"].value for v in found.values())
