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
        self._state: IntArray = np.zeros((size, k), dtype=np.int64)
        self._following: IntArray = np.zeros((size, k), dtype=np.int64)
        self._reward: FloatArray = np.zeros((size, k))
        self._lane = np.arange(k)
        self.entry, self.state, self.following = (np.zeros((batch, k), dtype=np.int64) for _ in range(3))
        self.reward: FloatArray = np.zeros((batch, k))

    @property
    def memory(self) -> Memory:
        """What a training must keep."""
        return {
            "replay/entry": self._entry,
            "replay/state": self._state,
            "replay/following": self._following,
            "replay/reward": self._reward,
        }

    def begin(self, every: int) -> None:
        """Draw for a block in which every so-manieth decision is followed by a batch."""
        u = self._lanes.uniforms("replay", -(-self._lanes.block // every), self._batch)
        self._luck, self._every = u, every

    def add(self, i: int, entry: IntArray, state: IntArray) -> None:
        """The transition that the lanes have just gone through, as decision `i` of the block."""
        place = (int(self._lanes.blocks[0]) * self._lanes.block + i) % self._size
        self._entry[place], self._state[place] = entry, state
        self._following[place], self._reward[place] = self._lanes.following, self._lanes.rewards[i]

    def draw(self, i: int) -> None:
        """A batch after decision `i`: sets `entry`, `state`, `following` and `reward`, each (batch, K)."""
        held = min(int(self._lanes.blocks[0]) * self._lanes.block + i + 1, self._size)
        place = (self._luck[i // self._every] * held).astype(np.int64)
        place *= len(self._lane)
        place += self._lane
        self._entry.take(place, out=self.entry, mode="clip")
        self._state.take(place, out=self.state, mode="clip")
        self._following.take(place, out=self.following, mode="clip")
        self._reward.take(place, out=self.reward, mode="clip")
