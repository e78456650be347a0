"""Health Gym's tutorial on acute hypotension: what its shortcut claims, and what other patients say of it.

The tutorial makes 100 states of five PLS components, learns by batch-constrained Q-learning (100 sweeps, step 0.1,
γ = 1, the best of the actions that the data have), and reads the value of the policy off the Q that it has learned.
Next states are shifted over all rows; the patients' last hours, which then point to another patient, are dropped after
that, so that none is left where all patients have the same hours.

A sweep over the rows updates the Q of a pair seen n times by n steps of 0.1; here all n at once, by `1 - 0.9^n`.

The correction: patients apart, a stay that ends, and a policy learned on half of the patients, judged by the other.

Reference
---------
Kuo et al.: The Health Gym: synthetic health-related datasets for the development of reinforcement learning algorithms.
Sci Data 2022;9:693, and the tutorial published with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from harness.agents.offline.batch_constrained import supported
from harness.agents.offline.empirical import Empirical, empirical
from harness.construction.build import Built, Tell, build
from harness.construction.recipe import Recipe, States, load
from harness.data.table import Array, FloatArray, Table
from harness.evaluation.doubt import Judged, doubt

RECIPE, CORRECTED = "hypotension-pls", "hypotension"
STATES = States(n=100, restarts=10, seed=123, fit_rows=1_000_000)
SWEEPS, STEP = 100, 0.1


@dataclass(frozen=True, eq=False)
class Tutorial:
    """What the tutorial finds, and what is left of it.

    Attributes
    ----------
    claimed : mapping of policy to float
        Values at hour 0 by the learned Q, of 'RL', 'clinicians' and 'random', undiscounted.
    crossing : (int, int)
        Transitions to another patient that the shift makes, and those that are left when the last hours are dropped.
    pressures : mapping of treatment to arrays
        Mean arterial pressure of the next hour by level of each treatment.
    judged, of_own_states : list of Judged
        What other patients say, with the tutorial's states and with those of the recipe `hypotension`.
    """

    claimed: Mapping[str, float]
    crossing: tuple[int, int]
    pressures: Mapping[str, list[tuple[str, Array]]]
    judged: list[Judged]
    of_own_states: list[Judged]


def tutorial(table: Table, *, states: States = STATES, tell: Tell = lambda what: None) -> Tutorial:
    """Run the tutorial's recipe on a table of the data set 'hypotension', and its correction.

    Raises
    ------
    UsageError
        If the table cannot be divided so.
    """
    recipe = load(RECIPE).model_copy(update={"states": states})
    built = build(table, recipe, lambda what: tell(f"the tutorial: {what}"))
    claimed = _claimed(built)
    judged = []
    for name in (RECIPE, CORRECTED):
        tell(f"recipe '{name}', judged by other patients")
        judged.append(doubt(table, _smaller(load(name), states), resamples=0, seed=0, tell=tell))
    return Tutorial(claimed, _crossing(built.table), _pressures(built), *judged)


def _smaller(recipe: Recipe, states: States) -> Recipe:
    """With as many states as the tutorial, and the recipe's own beginnings."""
    return recipe.model_copy(update={"states": recipe.states.model_copy(update={"n": states.n})})


def _claimed(built: Built) -> dict[str, float]:
    """The values at hour 0 that the learned Q gives."""
    model = empirical(replace(built.data, discount=1.0))
    model = model.kept(supported(model, 1))
    Q = model.table(learned(model))
    first = built.data.first
    state, action = built.data.state[first], built.data.action[first]
    return {
        "RL": float(np.nanmax(Q[state], axis=1).mean()),
        "clinicians": float(Q[state, action].mean()),
        "random": float(np.nanmean(Q[state], axis=1).mean()),
    }


def learned(model: Empirical, sweeps: int = SWEEPS, step: float = STEP) -> FloatArray:
    """Q (n,) of the model's pairs after so many sweeps from 0."""
    q = np.zeros(len(model.state))
    rate = 1.0 - (1.0 - step) ** model.visits
    for _ in range(sweeps):
        q += rate * (model.targets(model.best(q)) - q)
    return q


def _crossing(table: Table) -> tuple[int, int]:
    """Of the rows and the ones that follow them in the file, as the tutorial shifts them."""
    hour = table.columns[table.schema.time]
    others = np.diff(table.patient_of) != 0
    return int(others.sum()), int((others & (hour[:-1] < hour.max())).sum())


def _pressures(built: Built) -> dict[str, list[tuple[str, Array]]]:
    table = built.table
    now = np.flatnonzero(np.diff(table.patient_of, append=-1) == 0)
    found = {}
    for treatment in built.construction.actions.treatments:
        name = treatment.column.name
        level = treatment.of(table.columns[name])[now]
        after = table.columns["MAP"][now + 1]
        found[name] = [(word, after[level == i]) for i, word in enumerate(treatment.words)]
    return found
