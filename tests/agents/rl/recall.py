"""A task small enough to know its optimum, and only to be done by who remembers."""

from __future__ import annotations

import numpy as np

from harness.agents.rl.dqn_tasks import Task

STEPS, COLOURS = 3, 3


class Recall:
    """A colour is shown at first. Naming the next one then is worth 1, but only at the end; naming it at the end, 1.

    Nothing is earned in between. Features: the colour while it is shown (3), the step, whether the first answer was
    right.
    """

    def reset(self, seeds):
        self.colour = np.array([np.random.default_rng(seed).integers(COLOURS) for seed in seeds])
        self.right = np.zeros(len(self.colour))
        self.at = 0
        return self._features()

    def step(self, actions):
        rewards = np.zeros(len(self.colour))
        if self.at == 0:
            self.right = (actions == (self.colour + 1) % COLOURS).astype(float)
        if self.at == STEPS - 1:
            rewards = self.right + (actions == self.colour)
        self.at += 1
        return self._features(), rewards, self.at == STEPS

    def _features(self):
        shown = np.eye(COLOURS)[self.colour] * (self.at == 0)
        return np.column_stack([shown, np.full(len(self.colour), self.at / STEPS), self.right])


OPTIMUM = 2.0
FORGETFUL = 1.0 + 1.0 / COLOURS
"""What is earned at best by who sees no more than the present."""


def recall():
    def refuse(*_):
        raise AssertionError("no agent plays this")

    features = ("red", "green", "blue", "step", "right")
    return Task(Recall(), features, ("red", "green", "blue"), STEPS, 1.0, refuse, refuse)
