"""What a run recorded, read back and held against what its summary counts and against its environment.

A finished run of which something is missing is no smaller run: its numbers would be of other decisions than its
summary.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from harness.core.environment import Environment
from harness.core.errors import RunError, first_problem
from harness.core.run import DECISIONS, TRACE
from harness.core.trace import Episode, read_lines
from harness.core.trace import read_episodes as episodes_in
from harness.evaluation.config import Method
from harness.evaluation.state_decision import StateDecision
from harness.evaluation.summary import Summary, summary_of
from harness.mdp.environment import TabularEnvironment

CLOSE = 1e-6
"""Share by which a number computed again may differ from the recorded one; linear solves differ by far less."""

MEND = "the files were damaged after the run; restore them, or start a new run"


def read_decisions(run: Path, env: TabularEnvironment[Any, Any] | None = None) -> list[StateDecision]:
    """The decisions of a run; with its `env`, each is checked to be a decision in it.

    Raises
    ------
    RunError
        If a line is none, a state was decided twice, or the run has finished and not all of its decisions are there.
    """
    lines: dict[int, StateDecision] = {}
    for number, value in enumerate(read_lines(run / DECISIONS), start=1):
        try:
            line = StateDecision.model_validate(value)
        except ValidationError as error:
            raise RunError(f"Line {number} of {run / DECISIONS} is no decision: {first_problem(error)}.") from None
        wrong = "it was decided in an earlier line" if line.state in lines else _wrong(line, env)
        if wrong:
            raise RunError(f"Line {number} of {run / DECISIONS}: state {line.state}; {wrong}.")
        lines[line.state] = line
    summary = summary_of(run)
    if summary is not None and summary.method is not Method.ROLLOUT and len(lines) != summary.decisions:
        raise _not_whole(run / DECISIONS, len(lines), summary.decisions, "states asked")
    return list(lines.values())


def read_episodes(run: Path, env: Environment[Any, Any] | None = None) -> list[Episode]:
    """The complete episodes of a run, by number; with its `env`, every state and action is checked to be one of it.

    Raises
    ------
    RunError
        If a line is no trace event, an episode lacks a step, or the run has finished and not all of its episodes are
        there.
    """
    found = episodes_in(run / TRACE)
    for episode in found:
        number, steps = episode.end.episode, [step.step for step in episode.steps]
        if steps != list(range(episode.end.steps)):
            raise RunError(
                f"Episode {number} of {run / TRACE} has {len(steps)} steps, and its end counts {episode.end.steps}; "
                f"{MEND}."
            )
        if env is not None:
            _require_playable(run, episode, env)
    summary = summary_of(run)
    if summary is not None:
        said = _episodes(summary)
        if [episode.end.episode for episode in found] != list(range(said)):
            raise _not_whole(run / TRACE, len(found), said, "episodes")
    return found


def require_value(run: Path, said: float | None, found: float) -> None:
    """Refuse a run whose summary tells another value than the one that `found` again is.

    Raises
    ------
    RunError
        If both are known and are not the same number but for rounding.
    """
    if said is not None and not np.isclose(said, found, rtol=CLOSE, atol=CLOSE):
        raise RunError(f"The summary of {run} tells a value of {said:.4f}, and its records one of {found:.4f}; {MEND}.")


def _episodes(summary: Summary) -> int:
    return summary.episodes if summary.method is Method.ROLLOUT else summary.example_episodes


def _not_whole(file: Path, found: int, said: int, what: str) -> RunError:
    return RunError(f"{file} holds {found} {what}, and the summary of the run counts {said}; {MEND}.")


def _wrong(line: StateDecision, env: TabularEnvironment[Any, Any] | None) -> str:
    """What is wrong with a decision in this environment, or nothing."""
    if not math.isfinite(line.regret):
        return "its action is illegal there"
    if env is None:
        return ""
    n = env.mdp.n_actions
    if not _decided(env, line.state):
        return _expected_states(env)
    if line.probabilities is None and not (line.action_index is not None and 0 <= line.action_index < n):
        return f"its action_index is {line.action_index}; expected 0 to {n - 1}"
    row = line.row(n)
    if row.shape != (n,):
        return f"it has {len(row)} probabilities; expected {n}, one an action"
    if (row < 0).any() or abs(row.sum() - 1.0) > 1e-8:
        return f"its probabilities sum to {row.sum():g}; expected none below 0, and a sum of 1"
    if not env.mdp.legal[line.state][row > 0].all():
        return "its action is illegal there"
    regret = float(row[row > 0] @ env.regret[line.state][row > 0])
    if not np.isclose(line.regret, regret, rtol=CLOSE, atol=CLOSE * abs(env.optimum.V[line.state]) + CLOSE):
        return f"its regret is {line.regret:g}, and that of its action {regret:g}; {MEND}"
    return ""


def _decided(env: TabularEnvironment[Any, Any], state: int) -> bool:
    return 0 <= state < env.mdp.n_states and not env.mdp.terminal[state]


def _expected_states(env: TabularEnvironment[Any, Any]) -> str:
    states = env.mdp.decision_states
    return f"expected one of the {len(states):,} in which something is decided, {states[0]} to {states[-1]}"


def _require_playable(run: Path, episode: Episode, env: Environment[Any, Any]) -> None:
    """Refuse an episode with an action or a state that the environment does not have."""
    where = f"Episode {episode.end.episode} of {run / TRACE}"
    seen = [episode.start.observation, *(step.observation for step in episode.steps)]
    for step, observation in zip(episode.steps, seen, strict=False):
        try:
            action = env.action_type.model_validate(step.action)
        except ValidationError as error:
            raise RunError(f"{where}, step {step.step}: its action is none: {first_problem(error)}.") from None
        if not isinstance(env, TabularEnvironment):
            continue
        state = observation.get("state")
        if not isinstance(state, int) or not _decided(env, state):
            raise RunError(f"{where}, step {step.step}: state {state}; {_expected_states(env)}.")
        if env.action_index(action) not in range(env.mdp.n_actions):
            raise RunError(f"{where}, step {step.step}: its action is none of the {env.mdp.n_actions}.")
