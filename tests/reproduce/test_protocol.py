"""What is said of the published comparison rests on values that other code reaches too."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.mdp.build import with_rewards
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import deterministic, uniform
from harness.mdp.simulate import simulate
from harness.reproduce.protocol import ARMS, BEST_SELECTED, SELECTED, SINGLE, examine, selections


@pytest.fixture(scope="module")
def found():
    return examine()


def test_the_arms_are_the_published_ones():
    """Notebook 02_comprehensive_evaluation of CQL-sepsis, summary table; means there have four digits."""
    published = [0.8167, 0.84, 0.82, 0.82, 0.8567, 0.86, 0.8467, 0.8367, 0.8467, 0.8367]
    assert [arm.published for arm in ARMS] == pytest.approx(published, abs=5e-5)


def test_the_variance_of_regret_is_that_of_simulated_patients(sepsis):
    lost = with_rewards(sepsis.mdp, sepsis.regret)
    policy = uniform(sepsis.mdp.legal)
    exact = evaluate(lost, policy)
    assert pytest.approx(evaluate(sepsis.mdp, policy).J, abs=1e-12) == sepsis.optimum.J - exact.J
    losses = simulate(sepsis.mdp, policy, 40_000, seed=100_000, table=sepsis.regret).losses
    assert losses.var() == pytest.approx(exact.variance, rel=0.05)
    assert evaluate(lost, deterministic(sepsis.mdp, sepsis.optimum.actions)).variance < 1e-12


def test_positions_are_binomial_tails(found):
    random, cloning, *others = found.positions
    assert random.true_value == found.random_value == pytest.approx(0.7801, abs=5e-5)
    assert random.reached == pytest.approx(stats.binom.sf(244, 300, found.random_value))
    assert cloning.reached == pytest.approx(stats.binom.sf(251, 300, 0.786))
    assert random.known
    assert cloning.known
    assert not any(p.known for p in others)
    assert random.reached_selected is None  # nothing was selected
    assert all(p.reached_selected > p.reached for p in (cloning, *others))


def test_the_more_is_selected_the_higher_the_figure():
    shares = selections(0.78)
    single, selected, best = (shares[name].mean for name in (SINGLE, SELECTED, BEST_SELECTED))
    assert single == pytest.approx(0.78)
    assert single < selected < best
    drawn = np.random.default_rng(0).binomial(100, 0.78, size=(10_000, 3, 20)).max(axis=2).mean(axis=1) / 100
    assert drawn.mean() == pytest.approx(selected, abs=0.001)


def test_fewer_episodes_are_needed_where_regret_is_summed(found):
    close, far = found.needed
    for need in found.needed:
        assert need.raw_sd == pytest.approx([np.sqrt(v * (1 - v)) for v in (need.low, need.high)], abs=1e-6)
        assert need.advantage_sum < need.raw / 5
    assert far.raw < close.raw / 100
    assert found.shared_seeds == 19  # 42 to 141 and 123 to 222
