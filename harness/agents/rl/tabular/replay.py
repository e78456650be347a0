"""The last transitions of every lane, and batches drawn from them."""

from __future__ import annotations

import numpy as np

from harness.agents.rl.tabular.lanes import Lanes, Memory
from harness.mdp.tabular import FloatArray, IntArray


class Replay:
    """A ring of `size` transitions a lane; all lanes stand at the same place of it.

    Batches are drawn with replacement. The paper's code draws without, from 10,000: of 64 draws 0.2 pairs meet.
    """

    def __init__(self, size: int, batch: int, lanes: Lanes) -> None:
        k = len(lanes.seeds)
        self._size, self._batch, self._lanes = size, batch, lanes
        self._entry: IntArray = np.zeros((size, k), dtype=np.int64)
        self._following: IntArray = np.zeros((size, k), dtype=np.int64)
        self._reward: FloatArray = np.zeros((size, k))
        self._lane = np.repeat(np.arange(k), batch)
        self.entry, self.following = (np.zeros(k * batch, dtype=np.int64) for _ in range(2))
        self.reward: FloatArray = np.zeros(k * batch)

    @property
    def memory(self) -> Memory:
        """What a training must keep."""
        return {
            "replay/entry": self._entry,
            "replay/following": self._following,
            "replay/reward": self._reward,
        }

    def begin(self, every: int) -> None:
        """Draw for a block in which every so-manieth decision is followed by a batch."""
        batches = -(-self._lanes.block // every)
        lucky = [self._lanes.alone(k, "replay", batches, self._batch) for k in range(len(self._lanes.seeds))]
        self._luck = np.stack(lucky, axis=1).reshape(batches, -1)
        self._every = every

    def add(self, i: int, entry: IntArray) -> None:
        """The transition that the lanes have just gone through, as decision `i` of the block."""
        place = (int(self._lanes.blocks[0]) * self._lanes.block + i) % self._size
        self._entry[place], self._following[place] = entry, self._lanes.following
        self._reward[place] = self._lanes.rewards[i]

    def draw(self, i: int) -> None:
        """A batch after decision `i`: sets `entry`, `following` and `reward`, each (K * batch,), lane after lane."""
        held = min(int(self._lanes.blocks[0]) * self._lanes.block + i + 1, self._size)
        place = (self._luck[i // self._every] * held).astype(np.int64)
        place *= self._entry.shape[1]
        place += self._lane
        self._entry.take(place, out=self.entry, mode="clip")
        self._following.take(place, out=self.following, mode="clip")
        self._reward.take(place, out=self.reward, mode="clip")
