"""Neural Thompson sampling with one hidden layer and a diagonal U.

The network is `μ(x) = w₂ · relu(x W₁ + b₁) + b₂`. Its gradient is an outer product, so that with the hidden activation
a and its sign m (1 where a > 0), for 0/1 inputs (x² = x),

    Σ g² / U = Σ_j m_j w₂_j² (Σ_i x_i / U_ij + 1 / U_b₁j) + Σ_j a_j² / U_w₂j + 1 / U_b₂:

the variance of a whole population costs one matrix product more than its mean, and no gradient is ever made.

References
----------
Zhang, Zhou, Li, Gu: Neural Thompson sampling. ICLR 2021. Larouche et al. 2023 (arXiv 2212.05190).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

FloatArray = NDArray[np.float32]

HIDDEN = 128


class Layers(NamedTuple):
    """Parameters, or anything that there is one of for each parameter; views into one flat array."""

    W1: FloatArray
    b1: FloatArray
    w2: FloatArray
    b2: FloatArray


def size(drugs: int, hidden: int) -> int:
    """Number of parameters."""
    return drugs * hidden + 2 * hidden + 1


def layers(flat: FloatArray, drugs: int) -> Layers:
    """Views into a flat array, shapes (D, H), (H,), (H,) and (1,)."""
    hidden = (len(flat) - 1) // (drugs + 2)
    inner = drugs * hidden
    return Layers(
        flat[:inner].reshape(drugs, hidden), flat[inner : inner + hidden], flat[inner + hidden : -1], flat[-1:]
    )


def initial(rng: np.random.Generator, drugs: int, hidden: int = HIDDEN) -> FloatArray:
    """Parameters uniform within ± 1 / sqrt(inputs of the layer), as torch begins a linear layer."""
    parameters = rng.uniform(-1.0, 1.0, size(drugs, hidden)).astype(np.float32)
    parts = layers(parameters, drugs)
    for part, inputs in zip(parts, (drugs, drugs, hidden, hidden), strict=True):
        part /= np.float32(np.sqrt(inputs))
    return parameters


class Posterior:
    """Mean and standard deviation of what a combination is thought to be worth, for fixed parameters and U.

    Parameters
    ----------
    parameters, U : float array, shape (P,)
    drugs : int
    lam : float
        λ of the regularised problem; `σ² = λ Σ g² / U`.
    """

    def __init__(self, parameters: FloatArray, U: FloatArray, drugs: int, lam: float = 1.0) -> None:
        self._network = layers(parameters, drugs)
        inverse = layers(np.float32(lam) / U, drugs)
        self._inverse = inverse
        self._both = np.concatenate([self._network.W1, inverse.W1], axis=1)
        self._squared = self._network.w2**2

    def mean(self, X: FloatArray | sparse.csr_array) -> FloatArray:
        """μ, shape (n,), of 0/1 rows, shape (n, D)."""
        network = self._network
        found: FloatArray = np.maximum(X @ network.W1 + network.b1, 0.0) @ network.w2 + network.b2
        return found

    def mean_and_sigma(self, X: FloatArray | sparse.csr_array) -> tuple[FloatArray, FloatArray]:
        """μ and σ, shape (n,) each, of 0/1 rows, shape (n, D)."""
        network, inverse = self._network, self._inverse
        hidden = len(network.b1)
        product = X @ self._both
        a = np.maximum(product[:, :hidden] + network.b1, 0.0)
        inner = (product[:, hidden:] + inverse.b1) * (a > 0)
        variance = inner @ self._squared + (a * a) @ inverse.w2 + inverse.b2
        return a @ network.w2 + network.b2, np.sqrt(variance)


def add_squared_gradients(U: FloatArray, parameters: FloatArray, X: FloatArray) -> None:
    """Add `Σ g(x)²` over the 0/1 rows of X, shape (n, D), to U in place."""
    drugs = X.shape[1]
    network, parts = layers(parameters, drugs), layers(U, drugs)
    a = np.maximum(X @ network.W1 + network.b1, 0.0)
    through = (a > 0) * network.w2**2
    held = np.flatnonzero(X.any(axis=0))
    parts.W1[held] += X[:, held].T @ through
    parts.b1[:] += through.sum(axis=0)
    parts.w2[:] += (a * a).sum(axis=0)
    parts.b2[:] += len(X)
