"""What a human is told while playing: the reward, on request what was best, and the grade at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.core.environment import Environment
from harness.core.text import harmless
from harness.core.trace import End, Start, Step
from harness.mdp.environment import TabularEnvironment
from harness.reports.text import number


class Narrator:
    """Puts the events of episodes, one after the other, into words.

    Parameters
    ----------
    env : Environment
    teach : bool
        Whether the regret of each decision is told, and which would have been best.
    """

    def __init__(self, env: Environment[Any, Any], teach: bool) -> None:
        self._env = env
        self._tabular = env if isinstance(env, TabularEnvironment) else None
        self._teach = teach
        self._seen: dict[str, Any] = {}

    def words(self, event: Start | Step | End) -> Iterator[str]:
        """What is said of an event."""
        if isinstance(event, Step):
            yield f"reward {event.reward:g}"
            if self._teach and event.regret is not None:
                yield f"regret {number(event.regret)} ({event.regret_kind}){self._best()}"
        if isinstance(event, End):
            last = f" ({harmless(self._tabular.describe(int(self._seen['state'])))})" if self._tabular else ""
            yield f"{event.status} after {event.steps} decisions{last}: return {event.episode_return:g}, score " + (
                f"{event.grade.score:.3f}"
            )
        else:
            self._follow(event)

    def _follow(self, event: Start | Step) -> None:
        """Keep up with the episode; without a table by playing it along."""
        self._seen = event.observation
        if self._tabular is None and self._teach:
            if isinstance(event, Start):
                self._env.reset(event.seed)
            else:
                self._env.step(self._env.action_type.model_validate(event.action))

    def _best(self) -> str:
        if (env := self._tabular) is not None:
            return f"; best: {harmless(env.action_labels[env.optimum.actions[int(self._seen['state'])]])}"
        return f"; best: {harmless(str(reference.best_action()))}" if (reference := self._env.reference) else ""
