"""A recorded decision of an episode asked again: in the same situation, of the agent as it is now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.core.agent import Agent, Decision, Situation
from harness.core.environment import Environment
from harness.core.episode import decided, settle
from harness.core.errors import RunError
from harness.core.trace import Episode
from harness.evaluation.flips import taken
from harness.mdp.environment import TabularEnvironment


@dataclass(frozen=True)
class StepFlip:
    """A decision of an episode that is another one now.

    `gain` is what the other action is worth there by the reference's action-values, None where there is none.
    """

    seed: int
    step: int
    state: int | None
    description: str
    base: str
    other: str
    gain: float | None


async def ask_step(
    env: Environment[Any, Any], agent: Agent, episode: Episode, step: int
) -> tuple[Decision, StepFlip | None]:
    """The decision now, and how it differs from the recorded one.

    The environment is reset and plays the recorded actions up to this step.

    Raises
    ------
    RunError
        If that leads to another patient than was recorded.
    HarnessError
        If the agent cannot be asked.
    """
    observation = env.reset(episode.end.seed)
    history: list[tuple[Any, Any]] = []
    for past in episode.steps[:step]:
        action = env.action_type.model_validate(past.action)
        history.append((observation, action))
        observation = env.step(action).observation
    recorded = episode.steps[step - 1].observation if step else episode.start.observation
    if observation.model_dump(mode="json") != recorded:
        raise RunError(
            f"The environment no longer plays seed {episode.end.seed} as it was recorded (step {step} differs); the "
            "run belongs to another version of it."
        )
    situation = Situation(env.why_illegal, seed=episode.end.seed, step=step, history=tuple(history))
    action, decision = settle(env, await decided(agent, observation, situation))
    then = episode.steps[step]
    if action.model_dump(mode="json") == then.action:
        return decision, None
    reference = env.reference
    state = env.state(observation) if isinstance(env, TabularEnvironment) else None
    described = getattr(env, "describe", None)  # of a state where there are states, else of what is seen
    before = env.action_type.model_validate(then.action)
    return decision, StepFlip(
        seed=episode.end.seed,
        step=step,
        state=state,
        description="" if described is None else described(recorded if state is None else state),
        base=taken(env, then.action, then.decision["outcome"]),
        other=taken(env, action.model_dump(mode="json"), decision.outcome),
        gain=None if reference is None else reference.action_value(action) - reference.action_value(before),
    )
