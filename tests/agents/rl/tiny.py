"""A task small enough to know its optimum: coloured balls, of which at most two may be taken."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from harness.agents.rl.views import View
from harness.core.environment import Transition

WORTH = (1.0, -1.0, 0.25)
"""Of a ball of each colour; that a red one is bad is only learned by taking it."""


class Balls:
    """Three to six balls; an action is the number of a ball, or None to stop."""

    spec = SimpleNamespace(id="balls", version=1)

    def reset(self, seed):
        rng = np.random.default_rng(seed)
        self.left = dict(enumerate(rng.integers(0, 3, rng.integers(3, 7)).tolist()))
        self.taken = 0
        return dict(self.left)

    def step(self, ball):
        if ball is None:
            return Transition({}, 0.0, True, False)
        reward = WORTH[self.left.pop(ball)]
        self.taken += 1
        return Transition(dict(self.left), reward, self.taken == 2 or not self.left, False)

    @staticmethod
    def optimum(seed):
        """The two best that are worth anything."""
        worths = sorted((WORTH[colour] for colour in Balls().reset(seed).values()), reverse=True)
        return sum(worth for worth in worths[:2] if worth > 0)


class BallViews:
    columns = (("balls",), ("blue", "red", "white"), ("stop",))

    def view(self, left):
        balls = list(left)
        return View(
            context=np.array([len(balls) / 6], dtype=np.float32),
            items=np.eye(3, dtype=np.float32)[[left[ball] for ball in balls]].reshape(len(balls), 3),
            present=len(balls),
            actions=np.array([[0.0]] * len(balls) + [[1.0]], dtype=np.float32),
            about=np.array([[n, -1] for n in range(len(balls))] + [[-1, -1]]),
            action=[*balls, None].__getitem__,
        )
