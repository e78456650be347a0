"""A trained Q-network as an agent: in every state the action of the greatest value."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.agents.rl.dqn_tasks import Task, task_of
from harness.core.agent import Decision, Situation
from harness.core.environment import Environment
from harness.core.extras import require_deep


class QNetworkAgent:
    """Takes the action of the greatest value.

    Parameters
    ----------
    name : str
    task : Task
    weights : dict of Tensor
    lags : sequence of int
        Steps back at which was seen what the network is shown.
    identity : dict
        Which training it comes from, for manifests.
    """

    memoryless = False

    def __init__(
        self, name: str, task: Task, weights: dict[str, Any], lags: Sequence[int], identity: dict[str, Any]
    ) -> None:
        self.id = name
        self.identity = identity
        self._task, self._weights, self._lags = task, weights, lags

    async def act(self, observation: Any, situation: Situation) -> Decision:
        """Decide."""
        import torch

        from harness.agents.rl.dqn_network import q_values

        observations = [*(before for before, _ in situation.history), observation]
        last = len(situation.history)
        steps = [max(last - lag, 0) for lag in self._lags]
        seen = {step: self._task.seen(observations[step], situation.history[:step]) for step in set(steps)}
        shown = np.concatenate([seen[step] for step in steps]).astype(np.float32)
        with torch.no_grad():
            best = int(q_values(self._weights, torch.from_numpy(shown[None])).argmax())
        return Decision(action=self._task.action(best, observation, situation.history))

    async def close(self) -> None:
        """Nothing is held."""


def dqn(folder: Path, env: Environment[Any, Any]) -> QNetworkAgent:
    """The agent that `harness train dqn` left in a folder.

    Raises
    ------
    UsageError
        If the extra `deep` is not installed, or nothing can be trained in the environment.
    RunError
        If the folder holds no training in this environment, or a damaged one.
    """
    task = task_of(env)
    require_deep(f"The agent in {folder}")
    import torch

    from harness.agents.rl.dqn_checkpoint import ALGORITHM, restore
    from harness.agents.rl.stored import identity

    torch.set_num_threads(1)  # one state is too little work to share
    training = restore(folder, env.spec, task)
    comes_from = identity(folder, ALGORITHM, rounds=training.rounds)
    return QNetworkAgent(ALGORITHM, task, training.target, training.settings.lags, comes_from)
