"""Examples for a prompt: patients of the training seeds and what a policy did, as a model would read and write them.

One decision is taken from each episode, at a step drawn from those played, so that examples differ in the patient and
in how far the illness has gone; a text that stands there already is passed over. Evaluation seeds are never touched.
The states are those of the task itself, though: where the optimal policy shows what it does, a model is told a part of
the answer.
"""

from __future__ import annotations

from typing import Any

from harness.agents import registry as agents
from harness.agents.reference import draw
from harness.core.agent import Situation
from harness.core.errors import UsageError
from harness.core.seeds import TRAINING_SEEDS, stream
from harness.llm.structured import ReplyContract
from harness.mdp.environment import TabularEnvironment, TabularObservation
from harness.mdp.tabular import FloatArray
from harness.prompts.loader import Prompt, Source

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
    table = agents.make(source, env).policy(env.mdp)  # type: ignore[attr-defined]
    found: dict[str, str] = {}
    for seed in TRAINING_SEEDS:
        observation, index = decision_of(env, table, seed)
        patient = prompt.observation_message(static, observation.model_dump()).content
        found.setdefault(patient, contract.write(env.actions[index]))
        if len(found) == k:
            return [{"patient": patient, "reply": reply} for patient, reply in found.items()]
    raise UsageError(
        f"The training seeds of {env.spec.id} show {len(found)} different patients, and {k} examples were asked for; "
        "take fewer --shots."
    )


def decision_of(env: TabularEnvironment[Any, Any], table: FloatArray, seed: int) -> tuple[TabularObservation, int]:
    """One decision of the episode of a training seed: what was seen, and the index of what was done.

    Raises
    ------
    UsageError
        If the seed is none for training.
    """
    if seed not in TRAINING_SEEDS:
        raise UsageError(f"Seed {seed} is not for training; examples come from {TRAINING_SEEDS}.")
    observation = env.reset(seed)
    taken: list[tuple[TabularObservation, int]] = []
    for step in range(LONGEST):
        index = draw(table[env.state(observation)], Situation(env.why_illegal, seed=seed, step=step))
        taken.append((observation, index))
        transition = env.step(env.actions[index])
        observation = transition.observation
        if transition.terminated or transition.truncated:
            break
    return taken[int(stream(seed, "example").integers(len(taken)))]
