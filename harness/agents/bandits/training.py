"""Fitting the network to what was observed: Adam on the mean squared error, with weight decay λ / n.

Two schedules. `published` is that of Larouche et al. 2023 as their code runs it (github.com/Quoding/optimneuralbandits,
`testing/run.sh`): at every retraining 100 epochs in batches of 64 by a fresh Adam from a rate of 0.01, a tenth of it
after 50 epochs without improvement, and of the epochs the best is kept. `warm` does the first training so and then
goes on from there, Adam keeping its moments: at every retraining 200 batches at the same rate and 100 at a tenth of it,
which stand for the falling rate and the choice of the best epoch. Without them the network is as noisy as its last
batches, and little is flagged.

The rate matters more than the number of epochs. At 0.01 Adam's weight decay silences most hidden units, at 0.001 it
does not, and it is the number of units that are active that makes σ large.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from harness.agents.bandits.neural_ts import FloatArray, layers

BATCH = 64
EPOCHS = 100
RATE = 0.01
PATIENCE, REDUCTION = 50, 0.1
"""Epochs without a lower loss after which the rate falls, and to which share."""

WARM = ((200, RATE), (100, REDUCTION * RATE))
"""Batches, and the rate at which they are learned from. In 3,000 steps after 1,000 uniform draws this found as much as
the published schedule (docs/medication-review.md) in an eighth of its time; 1,000 batches found no more."""

WARM_UPDATES = sum(updates for updates, _ in WARM)

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
"""Of Adam (Kingma and Ba, ICLR 2015)."""


class Schedule(StrEnum):
    """How long and how the network is fitted at every retraining."""

    WARM = "warm"
    PUBLISHED = "published"


@dataclass
class Adam:
    """Parameters and their moments, all flat and changed in place."""

    parameters: FloatArray
    first: FloatArray
    second: FloatArray
    updates: int = 0

    @classmethod
    def fresh(cls, parameters: FloatArray) -> Adam:
        """Without memory."""
        return cls(parameters, np.zeros_like(parameters), np.zeros_like(parameters))

    def descend(self, gradient: FloatArray, rate: float) -> None:
        """One update; `gradient` is used as scratch space."""
        self.updates += 1
        g, scratch = gradient, np.empty_like(gradient)
        self.first *= np.float32(BETA1)
        self.first += np.multiply(g, np.float32(1 - BETA1), out=scratch)
        self.second *= np.float32(BETA2)
        np.multiply(g, g, out=g)
        self.second += np.multiply(g, np.float32(1 - BETA2), out=g)
        np.sqrt(self.second, out=scratch)
        scratch *= np.float32(1 / np.sqrt(1 - BETA2**self.updates))
        scratch += np.float32(EPSILON)
        np.divide(self.first, scratch, out=scratch)
        scratch *= np.float32(rate / (1 - BETA1**self.updates))
        self.parameters -= scratch


def fit(
    adam: Adam,
    X: sparse.csr_array,
    y: FloatArray,
    rng: np.random.Generator,
    *,
    updates: int,
    decay: float,
    rate: float = RATE,
) -> None:
    """So many updates, each with a batch of the shuffled observations, shuffled anew when all have been used."""
    gradient = np.empty_like(adam.parameters)
    left = updates
    while left > 0:
        order = rng.permutation(len(y))[: left * BATCH]
        shuffled, targets = X[order], y[order]
        for start in range(0, len(order), BATCH):
            batch = slice(start, start + BATCH)
            loss_gradient(gradient, adam.parameters, shuffled[batch], targets[batch])
            gradient += np.float32(decay) * adam.parameters
            adam.descend(gradient, rate)
        left -= batches(len(order))


def batches(n: int) -> int:
    """Updates in one epoch of n observations."""
    return -(-n // BATCH)


def fit_long(
    parameters: FloatArray, X: sparse.csr_array, y: FloatArray, rng: np.random.Generator, *, decay: float
) -> Adam:
    """The published training; the epoch of the lowest loss on all observations is what remains in `parameters`."""
    adam = Adam.fresh(parameters)
    best, best_loss = parameters.copy(), np.inf
    lowest, waited, rate = np.inf, 0, RATE
    for _ in range(EPOCHS):
        fit(adam, X, y, rng, updates=batches(len(y)), decay=decay, rate=rate)
        loss = mean_squared_error(parameters, X, y)
        if loss < best_loss:
            best[:], best_loss = parameters, loss
        waited = 0 if loss < lowest else waited + 1
        lowest = min(loss, lowest)
        if waited > PATIENCE:
            rate, waited = rate * REDUCTION, 0
    parameters[:] = best
    return adam


def loss_gradient(out: FloatArray, parameters: FloatArray, X: sparse.csr_array, y: NDArray[np.floating]) -> None:
    """Write the gradient of the mean squared error over 0/1 rows X, shape (n, D), into `out`, shape (P,)."""
    drugs = X.shape[1]
    network, g = layers(parameters, drugs), layers(out, drugs)
    a = X @ network.W1
    a += network.b1
    np.maximum(a, 0.0, out=a)
    error = (a @ network.w2 + network.b2 - y) * np.float32(2 / len(y))
    np.dot(error, a, out=g.w2)
    g.b2[:] = error.sum()
    back = np.multiply.outer(error, network.w2)
    back *= a > 0
    g.W1[:] = X.T @ back
    np.sum(back, axis=0, out=g.b1)


def mean_squared_error(parameters: FloatArray, X: sparse.csr_array, y: FloatArray) -> float:
    """Over all rows, in pieces that stay in the cache."""
    network = layers(parameters, X.shape[1])
    total = 0.0
    for start in range(0, len(y), 1_024):
        a = np.maximum(X[start : start + 1_024] @ network.W1 + network.b1, 0.0)
        total += float(np.square(a @ network.w2 + network.b2 - y[start : start + 1_024]).sum())
    return total / len(y)
