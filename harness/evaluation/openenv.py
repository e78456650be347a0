"""Episodes as the plain log lines that OpenEnv evaluators read."""

from __future__ import annotations

import json
from typing import TextIO

from harness.core.trace import End, Start, Step


class OpenEnvLog:
    """Writes `[START]`, `[STEP]` and `[END]` lines, whole episodes one after the other.

    Readers split the lines at spaces: those of an agent's name are written `_`. `success` is a score of at least 0.5;
    `error` is `null` or one line of text in quotes.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._rewards: list[float] = []

    def tell(self, event: Start | Step | End) -> None:
        """Write one event."""
        if isinstance(event, Start):
            self._rewards = []
            task = event.env.split("@")[0]
            line = f"[START] task={task} env=harness model={event.agent.replace(' ', '_')}"
        elif isinstance(event, Step):
            self._rewards.append(event.reward)
            action = json.dumps(event.action, separators=(",", ":"))
            error = json.dumps(event.decision.get("error"))
            line = (
                f"[STEP] step={event.step + 1} action={action} reward={event.reward:.2f} "
                f"done={str(event.done).lower()} error={error}"
            )
        else:
            rewards = ",".join(f"{reward:.2f}" for reward in self._rewards)
            success = str(event.grade.score >= 0.5).lower()
            line = f"[END] success={success} steps={event.steps} score={event.grade.score:.3f} rewards={rewards}"
        self._stream.write(line + "\n")
        self._stream.flush()
