"""Linear systems solved by iteration are as good as factorised ones, also where iterating is slow or fails."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg, sparse

from harness.mdp.linear import DIRECT_STATES, LinearSystem


def chain(rng, n, leak, successors=6):
    """Transitions among n states that end with probability `leak` a step."""
    columns = rng.integers(0, n, size=(n, successors))
    weights = rng.dirichlet(np.ones(successors), size=n) * (1 - leak)
    rows = np.repeat(np.arange(n), successors)
    return sparse.csr_array(sparse.coo_array((weights.ravel(), (rows, columns.ravel())), shape=(n, n)))


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(("leak", "discount"), [(0.1, 1.0), (1e-3, 1.0), (1e-7, 1.0), (0.0, 0.99)])
def test_the_residual_is_rounding(leak, discount, transposed):
    rng = np.random.default_rng(3)
    n = DIRECT_STATES + 300
    P = chain(rng, n, leak)
    b = rng.normal(size=n)
    x = LinearSystem(P, discount).solve(b, transposed=transposed)
    A = np.eye(n) - discount * (P.T if transposed else P).toarray()
    direct = np.linalg.solve(A, b)
    assert np.abs(b - A @ x).max() <= 4 * max(np.abs(b - A @ direct).max(), 1e-13 * np.abs(x).max())
    condition = 2 / max(leak, 1 - discount)  # of two solutions as good as rounding allows
    assert np.abs(x - direct).max() <= 1e-15 * 10 * condition * np.abs(direct).max()


def test_a_singular_system_is_an_error_and_no_number():
    P = sparse.csr_array(sparse.eye_array(DIRECT_STATES + 1))
    with pytest.raises(linalg.LinAlgError):
        LinearSystem(P, 1.0).solve(np.ones(DIRECT_STATES + 1))
