"""How much the baselines depend on single admissible actions (ICU-Sepsis, appendix B.3), evaluated exactly.

Each admissible action is removed with probability p. What is left of a state's admissible actions moves the patient as
before; everything else moves the patient as under their mean. That no policy is sampled leaves one source of spread:
which actions were removed.

References
----------
Choudhary, Gupta, Thomas: ICU-Sepsis: A Benchmark MDP Built from Real Medical Data. RLC 2024, arXiv:2406.05646, B.3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from harness.core.errors import InvalidMDP, UsageError
from harness.core.seeds import EVALUATION_START, stream
from harness.evaluation.tabular import Progress, Watch
from harness.mdp.environment import TabularEnvironment
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import deterministic
from harness.mdp.solve import solve
from harness.mdp.tabular import BoolArray, FloatArray, TabularMDP
from harness.reproduce.icu_sepsis import baselines

PROBABILITIES = tuple(round(0.1 * i, 1) for i in range(10))
REPEATS = 32
"""Perturbed MDPs for each probability of removal (arXiv:2406.05646, appendix B.3)."""

POLICIES = ("random", "expert", "optimal")


@dataclass(frozen=True, eq=False)
class Study:
    """Exact values of the baselines in every perturbed MDP.

    Attributes
    ----------
    probabilities : tuple of float, n of them
    removed : float array, shape (n, repeats)
        Share of the admissible actions that was removed.
    values, lengths : mapping of policy to float array, shape (n, repeats)
        Survival, and mean number of decisions.
    """

    probabilities: tuple[float, ...]
    removed: FloatArray
    values: Mapping[str, FloatArray]
    lengths: Mapping[str, FloatArray]


@dataclass(frozen=True)
class Spread:
    """Mean, standard deviation and range of repeats; the deviation is divided by n, as in the authors' helper."""

    mean: float
    sd: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class Row:
    """One policy at one probability of removal.

    `removed` is the mean share of the admissible actions that was removed: less than `probability`, because every state
    keeps one.
    """

    probability: float
    removed: float
    policy: str
    survival: Spread
    length: Spread


def keep(admissible: BoolArray, p: float, random: np.random.Generator) -> BoolArray:
    """The admissible actions that are left, shape (S, A), when each is removed with probability `p`.

    A state that lost all its admissible actions keeps one of them, chosen uniformly, as in the authors' helper
    (`icu_sepsis_helpers/policy_examination/perturb_tx_mat.py`).
    """
    kept: BoolArray = admissible & (random.random(admissible.shape) >= p)
    for state in np.flatnonzero(admissible.any(axis=1) & ~kept.any(axis=1)):
        kept[state, random.choice(np.flatnonzero(admissible[state]))] = True
    return kept


def perturbed(mdp: TabularMDP, kept: BoolArray) -> TabularMDP:
    """The MDP in which `kept` (S, A) are the admissible actions and all others are their mean.

    Raises
    ------
    InvalidMDP
        If a decision state has no kept action, or keeps one that is illegal.

    Notes
    -----
    The means are one sparse product: weights (n, R) of the distinct rows in each decision state's mean, times the rows.
    Where the kept actions of a state are paid differently for the same transition, the mean row pays the average.
    """
    live = mdp.decision_states
    if not kept[live].any(axis=1).all():
        bare = int(live[np.flatnonzero(~kept[live].any(axis=1))[0]])
        raise InvalidMDP(f"State {bare} is left without an admissible action; expected at least one.")
    if (kept & ~mdp.legal)[live].any():
        raise InvalidMDP("An action that cannot be taken was kept as admissible.")
    state, action = np.nonzero(kept[live])
    used, position = np.unique(mdp.row_of[live[state], action], return_inverse=True)
    share = 1.0 / kept[live].sum(axis=1)
    weights = sparse.csr_array((share[state], (state, position)), shape=(len(live), len(used)))
    rows = mdp.rows[used]
    means = sparse.csr_array(weights @ rows)
    row_of = np.full_like(mdp.row_of, -1)
    row_of[live] = len(used) + np.arange(len(live))[:, None]
    row_of[live[state], action] = position
    row_of[~mdp.legal] = -1
    row_rewards = None
    if mdp.row_rewards is not None:
        paid = mdp.row_rewards[used]
        mean_paid = sparse.csr_array(weights @ rows.multiply(paid)).multiply(means.power(-1))
        row_rewards = sparse.csr_array(sparse.vstack([paid, mean_paid], format="csr"))
    return replace(
        mdp,
        rows=sparse.csr_array(sparse.vstack([rows, means], format="csr")),
        row_of=row_of,
        row_reward=np.concatenate([mdp.row_reward[used], weights @ mdp.row_reward[used]]),
        row_rewards=row_rewards,
        admissible=kept,
    )


def study(
    env: TabularEnvironment[Any, Any],
    *,
    repeats: int = REPEATS,
    probabilities: Sequence[float] = PROBABILITIES,
    watch: Watch = lambda progress: None,
) -> Study:
    """Perturb `repeats` times for every probability and evaluate the baselines exactly in each.

    The random policy is uniform over all actions and the expert's is the published one throughout; the optimal policy
    is solved anew for each perturbed MDP.

    Raises
    ------
    UsageError
        If `repeats` is less than 1, or a probability is not in [0, 1].
    """
    if repeats < 1:
        raise UsageError(f"{repeats} repeats were asked for; expected at least 1.")
    if not all(0.0 <= p <= 1.0 for p in probabilities):
        raise UsageError(f"The probabilities of removal are {tuple(probabilities)}; expected numbers from 0 to 1.")
    mdp = env.mdp
    tables = baselines(env)
    shape = (len(probabilities), repeats)
    values = {name: np.zeros(shape) for name in POLICIES}
    lengths = {name: np.zeros(shape) for name in POLICIES}
    removed = np.zeros(shape)
    possible = mdp.admissible & ~mdp.terminal[:, None]
    for i, p in enumerate(probabilities):
        for j in range(repeats):
            kept = keep(possible, p, stream(EVALUATION_START + j, f"perturbation {p:g}"))
            changed = perturbed(mdp, kept)
            optimum = solve(changed)
            for name, table in {**tables, "optimal": deterministic(changed, optimum.actions)}.items():
                evaluation = evaluate(changed, table)
                values[name][i, j], lengths[name][i, j] = evaluation.J, evaluation.length
            removed[i, j] = 1.0 - kept.sum() / possible.sum()
            watch(Progress(i * repeats + j + 1, len(probabilities) * repeats, "perturbed MDPs"))
    return Study(tuple(probabilities), removed, values, lengths)


def rows(found: Study) -> tuple[Row, ...]:
    """The study as a table, by probability and policy."""
    return tuple(
        Row(p, float(found.removed[i].mean()), name, spread(found.values[name][i]), spread(found.lengths[name][i]))
        for i, p in enumerate(found.probabilities)
        for name in POLICIES
    )


def spread(repeats: FloatArray) -> Spread:
    """What to say of some repeats, shape (repeats,)."""
    return Spread(float(repeats.mean()), float(repeats.std()), float(repeats.min()), float(repeats.max()))
