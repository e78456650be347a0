"""Adam on tables: that of the paper, and the lazy form of it that touches one entry at a time."""

from __future__ import annotations

import numpy as np
import pytest

from harness.agents.rl.tabular.adam import Adam, LazyAdam

RATE = 0.0025


def written_out(gradients, shape, epsilon):
    """Kingma and Ba's algorithm 1, as it is written."""
    x, m, v = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for t, g in enumerate(gradients, 1):
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        x = x - RATE * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + epsilon)
    return x


@pytest.mark.parametrize("epsilon", [1e-8, 1e-4])
def test_adam_is_the_published_algorithm(epsilon):
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(300, 2, 5)) * (rng.random((300, 2, 5)) < 0.2)
    table = np.zeros((2, 5))
    adam = Adam(table, RATE, epsilon)
    for gradient in gradients:
        adam.step(gradient.copy())
    assert table == pytest.approx(written_out(gradients, (2, 5), epsilon), abs=1e-12)


def test_some_lanes_can_step_alone():
    rng = np.random.default_rng(1)
    gradients = rng.normal(size=(40, 2, 5))
    table = np.zeros((2, 5))
    adam = Adam(table, RATE, 1e-5)
    for i, gradient in enumerate(gradients):
        adam.step_some(gradient, np.array([True, i % 2 == 0]))
    assert table[0] == pytest.approx(written_out(gradients[:, 0], 5, 1e-5), abs=1e-12)
    assert table[1] == pytest.approx(written_out(gradients[::2, 1], 5, 1e-5), abs=1e-12)


@pytest.mark.parametrize("size", [3, 400])
def test_the_lazy_form_moves_every_entry_as_the_dense_one_does(size):
    """Over blocks, with gradients of the size of temporal differences, entries used often and seldom."""
    rng = np.random.default_rng(2)
    lanes, block, blocks = 2, 50, 40
    lazy = LazyAdam(lanes, size, RATE, 1e-8, block)
    table = np.zeros((lanes, size))
    dense = Adam(table, RATE, 1e-8)
    pairs, now = np.empty((lanes, 2)), np.empty(lanes)
    lane = np.arange(lanes)
    far = 0.0
    for _ in range(blocks):
        lazy.begin()
        for i in range(block):
            entry = rng.integers(size, size=lanes)
            slots = lane * size + entry
            lazy.read(i, slots, pairs, now)
            far = max(far, float(np.abs(now - table[lane, entry]).max()))
            g = 2 * (now - (rng.random(lanes) < 0.8))
            gradient = np.zeros((lanes, size))
            gradient[lane, entry] = g
            lazy.step(i, slots, now, g)
            dense.step(gradient)
        lazy.end()
    assert np.abs(table).max() > 0.05
    assert far < 1e-6
    assert np.abs(lazy.table() - table).max() < 1e-6


def test_an_entry_goes_on_moving_after_it_was_used():
    lazy = LazyAdam(1, 2, RATE, 1e-8, 100)
    lazy.begin()
    slots, pairs, now = np.array([0]), np.empty((1, 2)), np.zeros(1)
    lazy.step(0, slots, now, np.array([-1.0]))
    seen = []
    for i in (1, 2, 10, 100):
        lazy.read(i, slots, pairs, now)
        seen.append(float(now[0]))
    assert seen[0] == pytest.approx(RATE, rel=1e-6)
    assert seen == sorted(seen)
    assert seen[-1] > 3 * RATE
