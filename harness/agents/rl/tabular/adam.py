"""Adam for tables (Kingma and Ba 2015), as PyTorch has it: every entry moves at every step, whether or not it was used.

The gradient of a table is zero nearly everywhere. Adam's running mean does not forget at once, so an entry goes on
moving after it was last used: for Adam, a table is not the same as its used entries one by one. `Adam` does it as it is
written, `LazyAdam` the same for tables of which one entry a lane is used at a time, without touching the others.

References
----------
Kingma, Ba: Adam: A Method for Stochastic Optimization. ICLR 2015, arXiv:1412.6980, algorithm 1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from harness.agents.rl.tabular.lanes import Memory
from harness.mdp.tabular import BoolArray, FloatArray, IntArray

BETA_1, BETA_2 = 0.9, 0.999
"""As published, and PyTorch's defaults."""

UNIT_1, UNIT_2 = 1 - BETA_1, math.sqrt(1 - BETA_2)
"""`Adam` keeps its mean in units of the one, and the root of its square in units of the other: two passes fewer."""

RATIO = BETA_1 / math.sqrt(BETA_2)
"""By which the step of an unused entry shrinks from one step to the next."""

AHEAD = 400
"""Steps after which what is left of a step, RATIO**400, is nothing."""

NOTHING = 1e-100
"""What is smaller is set to zero before it is so small that processors are slow with it."""


Table = NDArray[np.float64] | NDArray[np.float32]


class Adam:
    """The optimiser of one table.

    Parameters
    ----------
    table : float array, shape (K, n)
        Changed in place; may be part of a larger one.
    learning_rate, epsilon : float
    """

    def __init__(self, table: Table, learning_rate: float, epsilon: float) -> None:
        self._table = table
        self._rate, self._epsilon = learning_rate, epsilon
        self._mean, self._square = np.zeros_like(table), np.zeros_like(table)
        self._work = np.zeros_like(table)
        self._steps: IntArray = np.zeros(len(table), dtype=np.int64)

    def memory(self, name: str) -> Memory:
        """What a training must keep."""
        return {
            f"{name}/table": self._table,
            f"{name}/mean": self._mean,
            f"{name}/square": self._square,
            f"{name}/steps": self._steps,
        }

    def step(self, gradient: Table) -> None:
        """Every lane takes a step; `gradient` has the shape of the table and is used up."""
        self._steps += 1
        t = int(self._steps[0])  # lanes that all step together have stepped equally often
        rate, root = _corrected(self._rate, t)
        work, mean, square = self._work, self._mean, self._square
        np.multiply(mean, BETA_1, out=mean)
        np.add(mean, gradient, out=mean)
        np.multiply(square, BETA_2, out=square)
        np.multiply(gradient, gradient, out=gradient)
        np.add(square, gradient, out=square)
        np.sqrt(square, out=work)
        np.add(work, self._epsilon * root / UNIT_2, out=work)
        np.divide(mean, work, out=work)
        np.multiply(work, rate * UNIT_1 / UNIT_2, out=work)
        np.subtract(self._table, work, out=self._table)

    def step_some(self, gradient: FloatArray, lanes: BoolArray) -> None:
        """Only `lanes` (K,) take a step, and count it."""
        self._steps[lanes] += 1
        rates, roots = np.array([_corrected(self._rate, max(int(t), 1)) for t in self._steps[lanes]]).T
        shape = (-1, *[1] * (self._table.ndim - 1))
        g = gradient[lanes]
        mean = BETA_1 * self._mean[lanes] + g
        square = BETA_2 * self._square[lanes] + g * g
        work = np.sqrt(square) + self._epsilon / UNIT_2 * roots.reshape(shape)
        step = mean / work * (UNIT_1 / UNIT_2 * rates.reshape(shape))
        self._mean[lanes], self._square[lanes] = mean, square
        self._table[lanes] -= step


def _corrected(rate: float, t: int) -> tuple[float, float]:
    """The learning rate with both corrections of the bias, and the root of the second, at step t."""
    root = math.sqrt(1 - BETA_2**t)
    return rate * root / (1 - BETA_1**t), root


class LazyAdam:
    """The optimiser of a table of which one entry a lane has a gradient at every step.

    Between two uses an entry's mean and root of the square shrink by β1 and √β2 a step, and its movement by their
    ratio. All that is still to come of it is therefore its step times a sum that is the same for every entry: kept are
    where an entry is going, and that step, and its value now is read off them. ε is added when an entry is used and
    shrinks with the root afterwards, which is all in which this is not `Adam` (and less than 1e-6 of a step wherever
    a gradient of more than 1e-3 was seen; with ε of 1e-8).

    Parameters
    ----------
    lanes, size : int
        Table of `lanes` times `size` zeros, addressed by slots `lane * size + entry`.
    learning_rate, epsilon : float
    block : int
        Steps that are prepared at a time: `begin`, then `step(i, …)` for i = 0, 1, … block - 1, then `end`.
    """

    def __init__(self, lanes: int, size: int, learning_rate: float, epsilon: float, block: int) -> None:
        self._rate, self._epsilon, self._block = learning_rate, epsilon, block
        self._goal: FloatArray = np.zeros((lanes * size, 2))
        self._moments: FloatArray = np.zeros((lanes * size, 2))
        self._shape = (lanes, size)
        self._steps: IntArray = np.zeros(1, dtype=np.int64)
        self._pair, self._moment, self._new = (np.zeros((lanes, 2)) for _ in range(3))
        self._work: FloatArray = np.zeros(lanes)

    def memory(self, name: str) -> Memory:
        """What a training must keep."""
        return {f"{name}/goal": self._goal, f"{name}/moments": self._moments, f"{name}/steps": self._steps}

    def set(self, slots: IntArray, value: float) -> None:
        """Give entries that are never used a value."""
        self._goal[slots, 0] = value

    def begin(self) -> None:
        """Prepare what a block's steps have in common: moments are kept in units of the block's first step."""
        first, i = int(self._steps[0]), np.arange(1, self._block + 1)
        self._grow_1 = ((1 - BETA_1) * BETA_1 ** -i.astype(float)).tolist()
        self._grow_2 = ((1 - BETA_2) * BETA_2 ** -i.astype(float)).tolist()
        n = np.arange(1, self._block + AHEAD + 1)
        root = np.sqrt(1 - BETA_2 ** (first + n.astype(float)))
        moved = self._rate * root / (1 - BETA_1 ** (first + n.astype(float))) * RATIO ** n.astype(float)
        self._ahead = np.append(np.cumsum(moved[::-1])[::-1], 0.0)[: self._block + 1].tolist()
        self._small = (self._epsilon * root[: self._block] * BETA_2 ** (-i / 2)).tolist()

    def end(self) -> None:
        """Into the units of the next block."""
        self._steps += self._block
        self._goal[:, 1] *= RATIO**self._block
        self._moments *= (BETA_1**self._block, BETA_2**self._block)
        for column in (self._goal[:, 1], self._moments[:, 0], self._moments[:, 1]):
            column[np.abs(column) < NOTHING] = 0.0

    def read(self, i: int, slots: IntArray, pairs: FloatArray, out: FloatArray) -> None:
        """Values after `i` steps of the block, of slots of any shape; `pairs` is work space, (…, 2)."""
        self._goal.take(slots, axis=0, out=pairs, mode="clip")
        np.multiply(pairs[..., 1], self._ahead[i], out=out)
        np.add(out, pairs[..., 0], out=out)

    def step(self, i: int, slots: IntArray, value: FloatArray, gradient: FloatArray) -> None:
        """Step `i`: `slots` (K,), one a lane, have now `value` (K,) and this gradient (K,)."""
        moment, new, pair, work = self._moment, self._new, self._pair, self._work
        self._moments.take(slots, axis=0, out=moment, mode="clip")
        np.multiply(gradient, self._grow_1[i], out=new[:, 0])
        np.multiply(gradient, gradient, out=work)
        np.multiply(work, self._grow_2[i], out=new[:, 1])
        np.add(moment, new, out=moment)
        self._moments[slots] = moment
        np.sqrt(moment[:, 1], out=work)
        np.add(work, self._small[i], out=work)
        np.divide(moment[:, 0], work, out=work)
        pair[:, 1] = work
        np.multiply(work, self._ahead[i], out=work)
        np.subtract(value, work, out=pair[:, 0])
        self._goal[slots] = pair

    def table(self) -> FloatArray:
        """All values between two blocks, shape (lanes, size)."""
        self.begin()
        now: FloatArray = self._goal[:, 0] + self._goal[:, 1] * self._ahead[0]
        return now.reshape(self._shape)
