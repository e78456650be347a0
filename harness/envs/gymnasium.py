"""Every tabular environment as a Gymnasium environment: `gymnasium.make("harness/icu-sepsis-v2")`.

Import this module to register them. Observations and actions are indices, an observation that of what is seen where
something is hidden; `info` holds the regret of the step and whether the action was admissible.
"""

from __future__ import annotations

from typing import Any

import gymnasium
from gymnasium import spaces

from harness.core.errors import UsageError
from harness.core.seeds import TRAINING_SEEDS
from harness.envs import registry
from harness.mdp.environment import TabularEnvironment, TabularObservation


class TabularGymnasium(gymnasium.Env[Any, Any]):
    """A `TabularEnvironment` behind Gymnasium's interface.

    A seed given to `reset` is the harness's seed of the episode; without one, a training
    seed is drawn, so that nothing is trained on what it will be evaluated on.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 - Gymnasium's own declaration

    def __init__(self, env_id: str, **options: str) -> None:
        made = registry.make(env_id, **options)
        if not isinstance(made, TabularEnvironment):
            raise UsageError(f"{env_id} is not tabular; its observations have no index.")
        self._env = made
        self.observation_space = spaces.Discrete(int(made.seen.max()) + 1)
        self.action_space = spaces.Discrete(made.mdp.n_actions)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Start an episode."""
        super().reset(seed=seed)
        episode = seed if seed is not None else int(self.np_random.choice(TRAINING_SEEDS))
        return self._seen(self._env.reset(episode)), {"seed": episode}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        """Take the action of an index."""
        order = self._env.actions[int(action)]
        reference = self._env.reference
        regret = max(reference.value() - reference.action_value(order), 0.0)
        t = self._env.step(order)
        return self._seen(t.observation), t.reward, t.terminated, t.truncated, {**t.info, "regret": regret}

    def _seen(self, observation: TabularObservation) -> int:
        return int(self._env.seen[self._env.state(observation)])


for _env_id, _version in (("icu-sepsis", 2), ("sepsis-os", 1), ("sepsis-os-hidden", 1)):
    gymnasium.register(
        f"harness/{_env_id}-v{_version}",
        entry_point="harness.envs.gymnasium:TabularGymnasium",
        kwargs={"env_id": _env_id},
    )
