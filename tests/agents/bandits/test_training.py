"""Fitting: the gradient, Adam, and what the two schedules leave behind."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from harness.agents.bandits import training
from harness.agents.bandits.neural_ts import initial, layers, size
from harness.agents.bandits.training import Adam, fit, fit_long, loss_gradient, mean_squared_error

DRUGS, HIDDEN = 12, 8


def made(n: int = 300):
    rng = np.random.default_rng(1)
    X = sparse.csr_array((rng.random((n, DRUGS)) < 0.3).astype(np.float32))
    y = (1.0 + X.toarray()[:, 0] * X.toarray()[:, 1] + rng.normal(0, 0.02, n)).astype(np.float32)
    return initial(rng, DRUGS, HIDDEN), X, y


def test_the_gradient_is_that_of_the_mean_squared_error():
    parameters, X, y = made(40)
    found = np.empty(size(DRUGS, HIDDEN), dtype=np.float32)
    loss_gradient(found, parameters, X, y)
    wide, dense, targets = parameters.astype(np.float64), X.toarray().astype(np.float64), y.astype(np.float64)

    def loss(p):
        network = layers(p, DRUGS)
        return np.square(np.maximum(dense @ network.W1 + network.b1, 0) @ network.w2 + network.b2 - targets).mean()

    steps = np.eye(len(wide)) * 1e-6
    explicit = [(loss(wide + s) - loss(wide - s)) / 2e-6 for s in steps]
    assert found == pytest.approx(explicit, abs=1e-5)
    assert mean_squared_error(parameters, X, y) == pytest.approx(loss(wide), rel=1e-5)
    assert np.abs(found).max() > 0.1


def test_adam_does_what_its_paper_says():
    rng = np.random.default_rng(0)
    adam = Adam.fresh(np.array([1.0, -2.0, 0.5], dtype=np.float32))
    p, m, v = np.array([1.0, -2.0, 0.5]), np.zeros(3), np.zeros(3)
    for t in range(1, 20):
        g = rng.normal(size=3).astype(np.float32)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g.astype(np.float64) ** 2
        p = p - 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        adam.descend(g.copy(), 0.01)
    assert adam.parameters == pytest.approx(p, rel=1e-4)


def test_fitting_learns_and_takes_exactly_the_updates_asked_for():
    parameters, X, y = made()
    adam = Adam.fresh(parameters)
    before = mean_squared_error(parameters, X, y)
    fit(adam, X, y, np.random.default_rng(0), updates=403, decay=1e-5)
    assert adam.updates == 403
    assert mean_squared_error(parameters, X, y) < 0.1 * before


def test_the_published_fit_keeps_its_best_epoch(monkeypatch):
    parameters, X, y = made()
    seen = []

    def best_at_the_thirtieth(p, X, y):
        seen.append(p.copy())
        return 1.0 + abs(len(seen) - 30)

    monkeypatch.setattr(training, "mean_squared_error", best_at_the_thirtieth)
    fit_long(parameters, X, y, np.random.default_rng(0), decay=1e-5)
    assert len(seen) == 100
    assert (parameters == seen[29]).all()
    assert not (parameters == seen[99]).all()


def test_the_published_rate_falls_after_fifty_epochs_without_improvement(monkeypatch):
    parameters, X, y = made()
    rates = []
    monkeypatch.setattr(training, "fit", lambda *args, rate, **kwargs: rates.append(rate))
    monkeypatch.setattr(training, "mean_squared_error", lambda p, X, y: 1.0)
    fit_long(parameters, X, y, np.random.default_rng(0), decay=1e-5)
    assert rates == pytest.approx([0.01] * 52 + [0.001] * 48)
