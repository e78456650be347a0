"""What a policy on a built MDP is worth in truth, where the data are a stand-in whose process is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from harness.construction.build import Construction
from harness.construction.rewards import reward
from harness.data.stand_ins.catalogue import PROCESSES
from harness.data.stand_ins.process import Policy, Process, Situation
from harness.data.stand_ins.truth import TrueValue, true_value
from harness.data.table import Array, FloatArray, IntArray

NEGLIGIBLE = 0.01
"""Stays are simulated until the chance that one goes on is this small; what comes later is left out."""


def process_of(data_set: str) -> Process | None:
    """The process behind the stand-in of a data set; None for any other."""
    return PROCESSES[data_set]() if data_set in PROCESSES else None


def in_truth(
    found: Construction, policy: FloatArray | None, process: Process, continuation: float, *, n: int, seed: int
) -> TrueValue:
    """The true value of a policy (S, A) of a construction, usual care if None, by simulating n patients.

    Each decision is weighed by the chance that a stay goes on until then, `continuation` to the power of the step: the
    estimand of the MDP, in which observation stops with the same chance after every decision.
    """
    steps = 2 + math.ceil(math.log(NEGLIGIBLE) / math.log(continuation))
    longer = replace(process, schema=process.schema.model_copy(update={"steps": steps}))
    acting = None if policy is None else as_policy(found, policy, process)
    return true_value(longer, acting, reward(found.recipe), n=n, seed=seed, discount=continuation)


def as_policy(found: Construction, policy: FloatArray, process: Process) -> Policy:
    """The policy (S, A) of a construction as one of a process: from what is observed to chances of its actions."""
    which = numbered(found, process)

    def acting(situation: Situation) -> Array:
        probabilities = np.zeros((len(situation.previous), process.n_actions))
        probabilities[:, which] = policy[found.states(situation.columns)]
        return probabilities

    return acting


def numbered(found: Construction, process: Process) -> IntArray:
    """The process's action that each action of a construction is, (A,); the first of those of a common one."""
    names = [treatment.column.name for treatment in found.actions.treatments]
    if not set(names) <= set(process.actions):  # doses are drawn within levels, which are numbered alike
        return np.arange(found.actions.n)
    of_process = found.actions.of(process.actions)
    first = np.full(found.actions.n, -1, dtype=np.int64)
    first[of_process[::-1]] = np.arange(len(of_process))[::-1]
    return first
