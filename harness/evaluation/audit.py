"""Asking a model again: "exact" is a claim about a policy, and a server may not have one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.core.agent import Agent
from harness.core.seeds import stream
from harness.evaluation.asking import ask_in_state
from harness.evaluation.intervals import wilson
from harness.evaluation.state_decision import StateDecision
from harness.evaluation.summary import Audit
from harness.execution.local import each
from harness.mdp.environment import TabularEnvironment


async def audit(
    env: TabularEnvironment[Any, Any],
    agent: Agent,
    answers: Mapping[int, StateDecision],
    n: int,
    seed: int,
    concurrency: int,
) -> Audit:
    """Ask `n` of the asked states again (all, if there are fewer) and count the decisions that differ.

    `agent` must be the same one without a cache. Which states are asked belongs to the seed.
    """
    asked = sorted(answers)
    chosen = sorted(int(s) for s in stream(seed, "audit").choice(asked, min(n, len(asked)), replace=False))

    async def flipped(state: int) -> bool:
        return (await ask_in_state(env, agent, state)).action_index != answers[state].action_index

    found = await each(chosen, flipped, concurrency)
    states = [state for state, differs in zip(chosen, found, strict=True) if differs]
    return Audit(
        asked=len(chosen), flipped=len(states), flipped_states=states, upper=wilson(len(states), len(chosen)).upper
    )
