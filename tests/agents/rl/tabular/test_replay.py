"""The ring of the last transitions."""

from __future__ import annotations

import numpy as np

from harness.agents.rl.tabular.lanes import Lanes
from harness.agents.rl.tabular.replay import Replay
from tests.agents.rl.tabular.test_learning import ladder


def test_a_batch_is_drawn_from_all_of_the_last_transitions_and_from_no_others():
    mdp = ladder()
    lanes = Lanes(mdp, [0, 1], 4)
    replay = Replay(3, 200, lanes)
    lanes.begin()
    replay.begin(1)
    for i, kept in enumerate(({10}, {10, 11}, {10, 11, 12}, {11, 12, 13})):
        lanes.step(i, mdp.row_of[lanes.state, 1].astype(float))
        replay.add(i, np.array([10 + i, 20 + i]))
        replay.draw(i)
        assert set(replay.entry[:200]) == kept
        assert set(replay.entry[200:]) == {10 + entry for entry in kept}
        paid = dict(zip(replay.entry.tolist(), replay.reward.tolist(), strict=True))
        assert [paid[10 + i], paid[20 + i]] == lanes.rewards[i].tolist()
