"""A trained policy as an agent: in every state the likeliest action."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.agents.rl.tasks import views_of
from harness.agents.rl.views import Views
from harness.core.agent import Decision, Situation
from harness.core.environment import Environment
from harness.core.extras import require_deep


class LearnedAgent:
    """Takes the likeliest action of a network.

    Parameters
    ----------
    name : str
    views : Views
    weights : dict of Tensor
    identity : dict
        Which training it comes from, for manifests.
    """

    memoryless = True

    def __init__(self, name: str, views: Views, weights: dict[str, Any], identity: dict[str, Any]) -> None:
        self.id = name
        self.identity = identity
        self._views = views
        self._weights = weights

    async def act(self, observation: Any, situation: Situation) -> Decision:
        """Decide."""
        import torch

        from harness.agents.rl.network import batch_of, scores

        view = self._views.view(observation)
        with torch.no_grad():
            found = scores(self._weights, batch_of([view])).log_probabilities
        return Decision(action=view.action(int(found.argmax())))

    async def close(self) -> None:
        """Nothing is held."""


def reinforce(folder: Path, env: Environment[Any, Any]) -> LearnedAgent:
    """The agent that `harness train reinforce` left in a folder.

    Raises
    ------
    UsageError
        If the extra `deep` is not installed, or nothing can be trained in the environment.
    RunError
        If the folder holds no training in this environment, or a damaged one.
    """
    views = views_of(env)
    require_deep(f"The agent in {folder}")
    import torch

    from harness.agents.rl.checkpoint import ALGORITHM, restore
    from harness.agents.rl.stored import identity

    torch.set_num_threads(1)  # one state is too little work to share
    training = restore(folder, env.spec, views)
    comes_from = identity(folder, ALGORITHM, updates=training.updates)
    return LearnedAgent(ALGORITHM, views, training.weights, comes_from)
