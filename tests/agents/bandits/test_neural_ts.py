"""Means and variances without gradients, against gradients made one parameter at a time."""

from __future__ import annotations

import numpy as np
import pytest

from harness.agents.bandits.neural_ts import Posterior, add_squared_gradients, initial, layers, size

DRUGS, HIDDEN = 7, 5


def made(seed: int = 0):
    rng = np.random.default_rng(seed)
    parameters = initial(rng, DRUGS, HIDDEN) * np.float32(3)
    X = (rng.random((6, DRUGS)) < 0.5).astype(np.float32)
    U = rng.uniform(1, 4, size(DRUGS, HIDDEN)).astype(np.float32)
    return parameters, X, U


def network(parameters, x):
    """The network in double precision, from its definition."""
    p = layers(np.asarray(parameters, dtype=np.float64), DRUGS)
    return float(np.maximum(x.astype(np.float64) @ p.W1 + p.b1, 0) @ p.w2 + p.b2[0])


def gradient(parameters, x, h=1e-6):
    """Central differences, shape (P,)."""
    p = parameters.astype(np.float64)
    steps = np.eye(len(p)) * h
    return np.array([(network(p + s, x) - network(p - s, x)) / (2 * h) for s in steps])


@pytest.mark.parametrize("seed", range(5))
def test_the_factorised_variance_is_that_of_the_explicit_gradient(seed):
    parameters, X, U = made(seed)
    mean, sigma = Posterior(parameters, U, DRUGS, lam=2.0).mean_and_sigma(X)
    explicit = [np.sqrt(2.0 * np.sum(gradient(parameters, x) ** 2 / U)) for x in X]
    assert sigma == pytest.approx(explicit, rel=1e-4)
    assert mean == pytest.approx([network(parameters, x) for x in X], rel=1e-4, abs=1e-5)
    assert Posterior(parameters, U, DRUGS).mean(X) == pytest.approx(mean, rel=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_u_grows_by_the_explicit_squared_gradients(seed):
    parameters, X, U = made(seed)
    grown = U.copy()
    add_squared_gradients(grown, parameters, X)
    explicit = sum(gradient(parameters, x) ** 2 for x in X)
    assert grown - U == pytest.approx(explicit, rel=1e-3, abs=1e-4)


def test_an_observation_makes_one_surer_there():
    parameters, X, U = made()
    before = Posterior(parameters, U, DRUGS).mean_and_sigma(X)[1]
    add_squared_gradients(U, parameters, X[:1])
    after = Posterior(parameters, U, DRUGS).mean_and_sigma(X)[1]
    assert after[0] < before[0]
    assert (after <= before).all()


def test_initial_parameters_are_within_one_over_the_root_of_the_inputs():
    found = layers(initial(np.random.default_rng(0), 400, 100), 400)
    assert [p.shape for p in found] == [(400, 100), (100,), (100,), (1,)]
    assert np.abs(found.W1).max() == pytest.approx(0.05, rel=1e-2)
    assert np.abs(found.w2).max() == pytest.approx(0.1, rel=0.05)
    assert found.W1.std() == pytest.approx(0.05 / np.sqrt(3), rel=0.02)
