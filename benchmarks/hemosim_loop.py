"""The Gymnasium loop of an environment of the package hemosim, timed by an interpreter that has the package."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any


def seconds(env_id: str, action: Any, steps: int, clock: Callable[[], float], **options: Any) -> float:
    """So many steps with the same action; who dies is followed by the next patient."""
    import gymnasium
    import hemosim.envs  # noqa: F401 - registers the environments

    env = gymnasium.make(env_id, **options)
    seed = 100_000
    env.reset(seed=seed)
    started = clock()
    for _ in range(steps):
        _, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            seed += 1
            env.reset(seed=seed)
    return clock() - started


def rate_by(interpreter: str | None, script: str) -> float | None:
    """What `script hemosim` prints in another interpreter; None if there is none."""
    if interpreter is None:
        print("no interpreter with hemosim was given; nothing to compare with")
        return None
    words = [interpreter, script, "hemosim"]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.split()[-1])
