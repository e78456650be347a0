"""Examples for a prompt: patients of the training seeds and what a policy did, as a model would read and write them.

One decision is taken from each episode, at a step drawn from those played, so that examples differ in the patient and
in how far the illness has gone; a text that stands there already is passed over. Evaluation seeds are never touched.
The states are those of the task itself, though: where the optimal policy shows what it does, a model is told a part of
the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.agents import registry as agents
from harness.agents.reference import draw
from harness.core.agent import Situation
from harness.core.environment import Action, Environment, Observation
from harness.core.errors import UsageError
from harness.core.seeds import TRAINING_SEEDS, stream
from harness.llm.structured import ReplyContract
from harness.mdp.environment import TabularEnvironment
from harness.mdp.tabular import FloatArray
from harness.prompts.loader import Prompt, Source

Choose = Callable[[Any, Situation], Any]
"""What is done about an observation."""

LONGEST = 100
"""Decisions after which an episode is not played on: an example may come from any of them."""


def examples(env: Any, prompt: Prompt, contract: ReplyContract, k: int, source: Source) -> list[dict[str, str]]:
    """`k` examples as {'patient': text, 'reply': text}, the same whenever they are drawn.

    Raises
    ------
    UsageError
        If the environment has no such policy, or the training seeds have not so many different patients.
    """
    if not k:
        return []
    static = {"env": env.spec.model_dump(), "reply": contract.instruction(), "examples": []}
    choose = _choice(env, source)
    found: dict[str, str] = {}
    for seed in TRAINING_SEEDS:
        observation, action = decision_of(env, choose, seed)
        patient = prompt.observation_message(static, observation.model_dump()).content
        found.setdefault(patient, contract.write(action))
        if len(found) == k:
            return [{"patient": patient, "reply": reply} for patient, reply in found.items()]
    raise UsageError(
        f"The training seeds of {env.spec.id} show {len(found)} different patients, and {k} examples were asked for; "
        "take fewer --shots."
    )


def _choice(env: Environment[Any, Any], source: Source) -> Choose:
    """What the source of examples does: by its table, or as an agent that decides at once."""
    agent: Any = agents.make(source, env)
    if isinstance(env, TabularEnvironment):
        return by_table(env, agent.policy(env.mdp))
    decide: Choose | None = getattr(agent, "decide", None)
    if decide is None:
        raise UsageError(f"The agent '{agent.id}' cannot show what it would do; leave --shots out.")
    return decide


def by_table(env: TabularEnvironment[Any, Any], table: FloatArray) -> Choose:
    """Actions drawn from a policy's table (S, A)."""
    return lambda observation, situation: env.actions[draw(table[env.state(observation)], situation)]


def decision_of(env: Environment[Any, Any], choose: Choose, seed: int) -> tuple[Observation, Action]:
    """One decision of the episode of a training seed: what was seen, and what was done.

    Raises
    ------
    UsageError
        If the seed is none for training.
    """
    if seed not in TRAINING_SEEDS:
        raise UsageError(f"Seed {seed} is not for training; examples come from {TRAINING_SEEDS}.")
    observation = env.reset(seed)
    taken: list[tuple[Observation, Action]] = []
    for step in range(LONGEST):
        action = choose(observation, Situation(env.why_illegal, seed=seed, step=step))
        taken.append((observation, action))
        transition = env.step(action)
        observation = transition.observation
        if transition.terminated or transition.truncated:
            break
    return taken[int(stream(seed, "example").integers(len(taken)))]
