"""Patients of a known process under any policy, in arrays over patients."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from harness.core.errors import UsageError
from harness.core.seeds import stream
from harness.data.source import STAND_IN_PATIENTS
from harness.data.stand_ins.process import Policy, Process, Situation
from harness.data.table import Array, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Cohort:
    """Simulated patients.

    Attributes
    ----------
    columns : mapping of name to array, shape (n * steps,)
        In the schema's order, rows of a patient together.
    actions : int array, shape (n, steps)
    probabilities : float array, shape (n, steps)
        Of the action taken, under the policy that was simulated.
    """

    columns: Mapping[str, Array]
    actions: IntArray
    probabilities: FloatArray


def simulate(process: Process, n: int, seed: int, policy: Policy | None = None) -> Cohort:
    """Trajectories of n patients under a policy, usual care if None.

    With the same seed and n, two policies meet the same patients and the same luck.

    Raises
    ------
    UsageError
        If n is below 1, or the policy returns no actions or probabilities.
    """
    if n < 1:
        raise UsageError(f"{n} patients were asked for; expected at least 1.")
    luck = {name: stream(seed, name) for name in ("patients", "dynamics", "treatment", "doses", "flags")}
    rho, new = process.dynamics
    z = luck["patients"].standard_normal((n, len(rho)))
    begun = {total: _before(luck["patients"], n) for total in process.totals}
    rows: dict[str, list[Array]] = {}
    actions, chances = [], []
    previous = np.full(n, -1, dtype=np.int64)
    for step in range(process.steps):
        columns = _observe(process, z, luck["flags"])
        for total, of in process.totals.items():
            if of in columns:
                begun[total] = begun[total] + columns[of]
            columns[total] = np.round(begun[total], 2)
        situation = Situation(columns, previous, step)
        action, chance = _act(process, policy or process.usual, situation, luck["treatment"])
        given = _given(process, action, luck["doses"])
        for total, of in process.totals.items():
            if of in given:
                begun[total] = begun[total] + given[of]
        for name, found in (*columns.items(), *given.items()):
            rows.setdefault(name, []).append(found)
        actions.append(action)
        chances.append(chance)
        z = _next(process, z, situation, action, rho, new, luck["dynamics"])
        previous = action
    return Cohort(_by_patient(process, rows, n), np.stack(actions, axis=1), np.stack(chances, axis=1))


def _before(rng: np.random.Generator, n: int) -> FloatArray:
    """Millilitres before the first step."""
    return np.round(rng.lognormal(6.5, 1.0, n), 2)


def _observe(process: Process, z: FloatArray, rng: np.random.Generator) -> dict[str, Array]:
    scores = z @ process.loads.T
    columns: dict[str, Array] = {
        column.name: np.round(column.marginal.value(scores[:, i]), column.decimals)
        for i, column in enumerate(process.observed)
    }
    if process.mend is not None:
        process.mend(columns)
    shared = list(process.persistence)
    for flag in process.flags:
        cut = float(ndtri(flag.share)) * math.sqrt(1 + flag.slope**2)
        chance = ndtr(cut + flag.slope * z[:, shared.index(flag.by)])
        columns[flag.name] = (rng.random(len(z)) < chance).astype(np.int64)
    return columns


def _act(
    process: Process, policy: Policy, situation: Situation, rng: np.random.Generator
) -> tuple[IntArray, FloatArray]:
    chosen = np.asarray(policy(situation))
    n = len(situation.previous)
    u = rng.random(n)
    if chosen.shape == (n,) and np.issubdtype(chosen.dtype, np.integer):
        if not ((chosen >= 0) & (chosen < process.n_actions)).all():
            raise UsageError(f"The policy took action {chosen.max()}; expected 0 to {process.n_actions - 1}.")
        return chosen.astype(np.int64), np.ones(n)
    if chosen.shape != (n, process.n_actions) or not np.allclose(chosen.sum(axis=1), 1.0) or (chosen < 0).any():
        raise UsageError(
            f"The policy returned an array of shape {chosen.shape}; expected actions ({n},) or probabilities "
            f"({n}, {process.n_actions}) that sum to 1."
        )
    action = (chosen.cumsum(axis=1) < u[:, None]).sum(axis=1).clip(max=process.n_actions - 1)
    return action, chosen[np.arange(n), action]


def _given(process: Process, action: IntArray, rng: np.random.Generator) -> Mapping[str, Array]:
    if process.doses is not None:
        return process.doses(action, rng)
    return {name: values[action] for name, values in process.actions.items()}


def _next(
    process: Process, z: FloatArray, situation: Situation, action: IntArray, rho: FloatArray, new: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:  # fmt: skip
    found = rho * z + new * rng.standard_normal(z.shape)
    weights = process.centre(situation)
    rows = np.arange(len(z))
    for name, effect in process.effects(situation).items():
        k = list(process.persistence).index(name)
        found[:, k] += effect[rows, action] - np.einsum("na,na->n", weights, effect)
    return found


def _by_patient(process: Process, rows: Mapping[str, list[Array]], n: int) -> dict[str, Array]:
    """One array a column, in the schema's order and types."""
    schema, steps = process.schema, process.steps
    made = {name: np.stack(found, axis=1).reshape(-1) for name, found in rows.items()}
    made[schema.patient] = np.repeat(np.arange(n) + STAND_IN_PATIENTS, steps)
    made[schema.time] = np.tile(np.arange(steps), n)
    return {
        column.name: made[column.name].astype(np.int64 if column.dtype == "integer" else np.float64)
        for column in schema.columns
    }
