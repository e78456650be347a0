"""One episode: an agent decides, an environment answers, and every step is told to whoever listens.

Does not choose seeds, run several episodes, or write files.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.core.agent import Agent, Decision, Outcome, Situation
from harness.core.environment import Environment, Reference
from harness.core.errors import HarnessError
from harness.core.trace import End, Start, Step, recorded


async def play(
    env: Environment[Any, Any],
    agent: Agent,
    *,
    episode: int,
    seed: int,
    tell: Callable[[Start | Step | End], None] = lambda event: None,
    regret: bool = True,
) -> End:
    """Play one episode to its end and return its END event.

    An agent that gives no legal action does not end the episode: the environment's fallback is taken and counted.
    Decisions are measured against what is known of the optimum, unless `regret` is False.
    """
    observation = env.reset(seed)
    spec = env.spec
    tell(
        Start(
            episode=episode,
            env=f"{spec.id}@{spec.version}",
            agent=agent.id,
            seed=seed,
            observation=observation.model_dump(mode="json"),
        )
    )
    history: list[tuple[Any, Any]] = []
    total, lost, expected, discount = 0.0, 0.0, 0.0, 1.0
    invalid = inadmissible = 0
    regret_known = True
    while True:
        situation = Situation(env.why_illegal, seed=seed, step=len(history), history=tuple(history))
        decision = await decided(agent, observation, situation)
        action, decision = settle(env, decision)
        invalid += decision.outcome is Outcome.INVALID
        reference = env.reference if regret else None
        step_regret = None
        if reference is None:
            regret_known = False
        else:
            step_regret = reference.value() - reference.action_value(action)
            if not reference.kind.beatable:
                step_regret = max(step_regret, 0.0)  # rounding
            lost += discount * step_regret
            mean_regret = _mean_regret(reference, decision) if decision.action is not None else None
            expected += discount * (step_regret if mean_regret is None else mean_regret)
        transition = env.step(action)
        inadmissible += transition.info.get("admissible") is False
        total += discount * transition.reward
        discount *= spec.discount
        tell(
            Step(
                episode=episode,
                step=len(history),
                decision=recorded(decision),
                action=action.model_dump(mode="json"),
                reward=transition.reward,
                regret=step_regret,
                regret_kind=reference.kind if reference else None,
                done=transition.terminated or transition.truncated,
                info=transition.info,
                observation=transition.observation.model_dump(mode="json"),
            )
        )
        history.append((observation, action))
        observation = transition.observation
        if transition.terminated or transition.truncated:
            end = End(
                episode=episode,
                seed=seed,
                episode_return=total,
                grade=env.grade(),
                regret=lost if regret_known else None,
                expected_regret=expected if regret_known else None,
                steps=len(history),
                invalid=invalid,
                inadmissible=inadmissible,
                status="terminated" if transition.terminated else "truncated",
            )
            tell(end)
            return end


def _mean_regret(reference: Reference, decision: Decision) -> float | None:
    """The regret that was to be expected of a decision before its action was drawn; None if that is not known."""
    values = reference.action_values()
    if decision.probabilities is None or values is None:
        return None
    best = reference.value()
    drawn = zip(decision.probabilities, values, strict=True)
    mean = sum(p * (best - value) for p, value in drawn if p > 0)
    return mean if reference.kind.beatable else max(mean, 0.0)


async def decided(agent: Agent, observation: Any, situation: Situation) -> Decision:
    """The agent's decision; a fault in its code is one sentence, not a traceback.

    Raises
    ------
    HarnessError
        If the agent raised something else.
    """
    try:
        return await agent.act(observation, situation)
    except HarnessError:
        raise
    except Exception as error:
        raise HarnessError(f"The agent '{agent.id}' failed ({type(error).__name__}: {error}).") from error


def settle(env: Environment[Any, Any], decision: Decision) -> tuple[Any, Decision]:
    """The action that is carried out: the agent's if it is legal here, else the environment's fallback."""
    if decision.action is None:
        return env.fallback(), decision.model_copy(update={"outcome": Outcome.INVALID})
    reason = env.why_illegal(decision.action)
    if reason is None:
        return decision.action, decision
    refused = decision.model_copy(update={"action": None, "outcome": Outcome.INVALID, "error": reason})
    return env.fallback(), refused
