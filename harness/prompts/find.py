"""Which prompt, and which patient, the words of a command name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.core.environment import Environment, Observation
from harness.core.errors import UsageError
from harness.envs.ids import PREFIX, absolute
from harness.envs.registry import ENVIRONMENTS
from harness.mdp.environment import TabularEnvironment
from harness.prompts.loader import styles

USUAL_ENV, USUAL_STYLE = "icu-sepsis", "direct"


def find(prompt: str, env_id: str | None = None) -> tuple[str, str]:
    """The environment and the prompt, by style or path, that `prompt` names: ENV/STYLE, a style, or a folder.

    Without `env_id`, and where `prompt` names none, it is `icu-sepsis`, as elsewhere.

    Raises
    ------
    UsageError
        If `prompt` is of another environment than `env_id`.
    """
    if prompt.startswith(PREFIX):
        before, _, style = prompt.rpartition("/")
        named = (before, style) if style in styles(PREFIX) else (prompt, USUAL_STYLE)
    else:
        before, _, style = prompt.rpartition("/")
        known = before in ENVIRONMENTS.entries() and bool(style)
        known = known and (style in styles(before) or not Path(prompt).is_dir())
        named = (before, style) if known else (env_id or USUAL_ENV, prompt)
    if env_id is not None and absolute(env_id) != absolute(named[0]):
        raise UsageError(f"The prompt {prompt} is one of {named[0]}, and --env names {env_id}; give one of them.")
    return named


def patient(env: Environment[Any, Any], state: int | None, seed: int | None, usual_seed: int) -> Observation:
    """The observation of a state, or the first one of an episode.

    Raises
    ------
    UsageError
        If both are given, there is no such state, or there are no states at all.
    """
    if state is None:
        first: Observation = env.reset(usual_seed if seed is None else seed)
        return first
    if seed is not None:
        raise UsageError("--state and --seed both name a patient; give one of them.")
    if not isinstance(env, TabularEnvironment):
        raise UsageError(f"{env.spec.id} has no table of states; name a patient by --seed.")
    if not 0 <= state < env.mdp.n_states or env.mdp.terminal[state]:
        raise UsageError(
            f"There is no state {state} to decide in; {env.spec.id} has {len(env.mdp.decision_states)} of them, from "
            f"{env.mdp.decision_states[0]} to {env.mdp.decision_states[-1]}."
        )
    seen: Observation = env.observe(state)
    return seen
