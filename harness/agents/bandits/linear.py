"""Ridge regression of an outcome on a context, a model for each action, kept as sums."""

from __future__ import annotations

import numpy as np

from harness.mdp.tabular import FloatArray, IntArray


class LinearModels:
    """`A(a) = λ I + Σ x xᵀ` and `b(a) = Σ x y` over what was seen of each action; estimates are `A⁻¹ b`.

    Parameters
    ----------
    contexts : float array, shape (S, d)
    n_actions : int
    ridge : float
        λ.
    """

    def __init__(self, contexts: FloatArray, n_actions: int, ridge: float) -> None:
        self._X = contexts
        d = contexts.shape[1]
        self._A = np.tile(ridge * np.eye(d), (n_actions, 1, 1))
        self._b = np.zeros((n_actions, d))
        self._inverse = np.tile(np.eye(d) / ridge, (n_actions, 1, 1))

    def update(self, state: IntArray, action: IntArray, outcome: FloatArray) -> None:
        """Take in n decisions, arrays of shape (n,)."""
        for a in np.unique(action):
            seen = action == a
            X = self._X[state[seen]]
            self._A[a] += X.T @ X
            self._b[a] += X.T @ outcome[seen]
            self._inverse[a] = np.linalg.inv(self._A[a])

    @property
    def theta(self) -> FloatArray:
        """Estimated coefficients, shape (A, d)."""
        found: FloatArray = np.einsum("ade,ae->ad", self._inverse, self._b)
        return found

    def mean(self) -> FloatArray:
        """Estimated outcome of every action in every state, shape (S, A)."""
        found: FloatArray = self._X @ self.theta.T
        return found

    def width(self) -> FloatArray:
        """`sqrt(xᵀ A⁻¹ x)`, shape (S, A): the standard error of the mean for errors of variance 1."""
        return np.stack([np.sqrt(((self._X @ inverse) * self._X).sum(axis=1)) for inverse in self._inverse], axis=1)

    def drawn(self, scale: float, n: int, random: np.random.Generator) -> FloatArray:
        """Outcomes under coefficients drawn n times from N(θ, scale² A⁻¹), shape (n, S, A)."""
        noise = random.standard_normal((n, *self._b.shape))
        lower = np.linalg.cholesky(self._inverse)
        theta = self.theta + scale * np.einsum("ade,nae->nad", lower, noise)
        found: FloatArray = np.einsum("sd,nad->nsa", self._X, theta)
        return found
