"""Populations in arrays: the same episode whatever the batch, and the right distribution."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats

from harness.core.errors import InvalidPolicy, UsageError
from harness.mdp.dataset import checked, counts
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import deterministic, uniform
from harness.mdp.simulate import Choice, record, simulate
from tests.mdp.test_solve import random_mdp, random_policy


def same(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in a.__dataclass_fields__)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 200), st.integers(1, 300))
def test_an_episode_does_not_depend_on_the_batch(seed, batch, episodes):
    rng = np.random.default_rng(seed)
    mdp = random_mdp(rng)
    policy = random_policy(rng, mdp)
    whole = simulate(mdp, policy, episodes, seed=seed, table=mdp.reward())
    assert same(whole, simulate(mdp, policy, episodes, seed=seed, table=mdp.reward(), batch=batch))
    longer = simulate(mdp, policy, episodes + 50, seed=seed, table=mdp.reward())
    assert np.array_equal(longer.returns[:episodes], whole.returns)


def test_a_number_that_falls_on_an_edge_is_the_next_value_s():
    rows = sparse.csr_array(np.array([[0.25, 0.0, 0.75], [0.0, 1.0, 0.0], [0.5, 0.25, 0.25]]))
    u = np.array([0.0, 0.25, np.nextafter(0.25, 0), 0.0, np.nextafter(1, 0), 0.5, 0.75])
    values, position = Choice(rows).draw(np.array([0, 0, 0, 1, 1, 2, 2]), u)
    assert values.tolist() == [0, 2, 0, 1, 1, 1, 2]
    assert rows.indices[position].tolist() == values.tolist()


@pytest.mark.parametrize("name", ["random", "expert", "optimal"])
def test_populations_agree_with_the_exact_values(sepsis, name):
    mdp = sepsis.mdp
    policy = {
        "random": uniform(mdp.legal),
        "expert": sepsis.expert_policy,
        "optimal": deterministic(mdp, sepsis.optimum.actions),
    }[name]
    exact = evaluate(mdp, policy)
    n = 200_000
    seen = simulate(mdp, policy, n, seed=100_000, table=sepsis.regret)
    assert seen.terminated.all()
    assert seen.returns.mean() == pytest.approx(exact.J, abs=5 * np.sqrt(exact.variance / n))
    assert seen.lengths.mean() == pytest.approx(exact.length, abs=5 * seen.lengths.std() / np.sqrt(n))
    assert seen.returns.var() == pytest.approx(exact.variance, rel=0.02)
    estimate = sepsis.optimum.J - seen.losses
    assert estimate.mean() == pytest.approx(exact.J, abs=5 * estimate.std() / np.sqrt(n) + 1e-9)
    if name != "optimal":
        assert estimate.var() < seen.returns.var() / 9


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1.0, 0.9]))
def test_populations_of_any_mdp_agree_with_its_exact_value(seed, discount):
    rng = np.random.default_rng(seed)
    mdp = random_mdp(rng, discount=discount)
    policy = random_policy(rng, mdp)
    exact = evaluate(mdp, policy)
    seen = simulate(mdp, policy, 20_000, seed=seed)
    assert seen.returns.mean() == pytest.approx(exact.J, abs=5.5 * np.sqrt(exact.variance / 20_000) + 1e-9)


def test_lengths_and_returns_are_distributed_as_in_the_published_environment(sepsis):
    """The package's own Gymnasium environment, stepped in a loop, against our arrays."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import icu_sepsis.envs.sepsis as package

    theirs = package.ICUSepsisEnv()
    rng = np.random.default_rng(0)
    lengths, returns = [], []
    for seed in range(1_500):
        theirs.reset(seed=seed)
        ended, n, total = False, 0, 0.0
        while not ended:
            _, reward, ended, _, _ = theirs.step((int(rng.integers(5)), int(rng.integers(5))))
            n, total = n + 1, total + float(reward)
        lengths.append(n)
        returns.append(total)
    ours = simulate(sepsis.mdp, uniform(sepsis.mdp.legal), 20_000, seed=1)
    assert stats.ks_2samp(lengths, ours.lengths).pvalue > 1e-4
    assert stats.ttest_ind(returns, ours.returns).pvalue > 1e-4


def test_a_horizon_cuts_off(sepsis):
    seen = simulate(sepsis.mdp, uniform(sepsis.mdp.legal), 1_000, seed=0, horizon=3)
    assert seen.lengths.max() == 3
    assert 0 < (~seen.terminated).sum() < 1_000


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1.0, 0.9]), st.integers(1, 100), st.sampled_from([None, 2]))
def test_what_is_recorded_are_the_episodes_that_are_simulated(seed, discount, batch, horizon):
    rng = np.random.default_rng(seed)
    mdp = random_mdp(rng, discount=discount)
    policy = random_policy(rng, mdp)
    seen = simulate(mdp, policy, 150, seed=seed, horizon=horizon)
    data = record(mdp, policy, 150, seed=seed, horizon=horizon, batch=batch)
    last = np.append(data.first[1:], len(data)) - 1
    assert np.array_equal(data.state[data.first], seen.start)
    assert np.array_equal(data.next_state[last], seen.end)
    assert np.array_equal(data.step[last] + 1, seen.lengths)
    assert np.array_equal(data.terminated[last], seen.terminated)
    assert data.returns == pytest.approx(seen.returns, abs=1e-12)
    assert np.array_equal(data.propensity, policy[data.state, data.action])
    assert same(data, checked(**{name: getattr(data, name) for name in data.__dataclass_fields__}))


def test_recorded_transitions_follow_the_mdp(sepsis):
    mdp = sepsis.mdp
    data = record(mdp, sepsis.expert_policy, 20_000, seed=0)
    counted = counts(data)
    often = np.flatnonzero(counted.visits.ravel() >= 200)
    assert len(often) > 100
    share = counted.transitions[often].toarray() / counted.visits.ravel()[often, None]
    true = mdp.rows[mdp.row_of.ravel()[often]].toarray()
    deviation = np.sqrt(true * (1 - true) / counted.visits.ravel()[often, None])
    assert np.abs(share - true)[deviation == 0].max() == 0
    assert (np.abs(share - true) / np.maximum(deviation, 1e-3)).max() < 8
    assert counted.start.sum() == data.n_episodes == 20_000


def test_a_population_can_be_recorded_in_parts(sepsis):
    policy = sepsis.expert_policy
    whole = record(sepsis.mdp, policy, 30, seed=3)
    later = record(sepsis.mdp, policy, 18, seed=3, begin=12)
    assert np.array_equal(later.state, whole.state[whole.first[12] :])
    assert np.array_equal(later.episode, whole.episode[whole.first[12] :] - 12)
    with pytest.raises(UsageError, match="begin at episode 3; expected a multiple of 4"):
        record(sepsis.mdp, policy, 18, seed=3, begin=3)


def test_a_record_needs_a_decision(sepsis):
    with pytest.raises(UsageError, match="horizon of 0"):
        record(sepsis.mdp, uniform(sepsis.mdp.legal), 1, seed=0, horizon=0)
    with pytest.raises(UsageError, match="0 episodes"):
        record(sepsis.mdp, uniform(sepsis.mdp.legal), 0, seed=0)


def test_what_cannot_be_simulated_is_named(sepsis):
    with pytest.raises(UsageError, match="0 episodes"):
        simulate(sepsis.mdp, uniform(sepsis.mdp.legal), 0, seed=0)
    with pytest.raises(InvalidPolicy):
        simulate(sepsis.mdp, np.zeros((716, 25)), 1, seed=0)
