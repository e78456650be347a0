"""What a policy of a tabular task does to whom: extreme doses, distance from the clinicians, abrupt changes.

Everything is exact, from the policy's occupancy (its expected visits of each state) and the MDP's transitions; no
episode is simulated. The environment tells its doses and its severity (`harness.mdp.doses`); what has no meaning for a
task without doses is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.mdp.doses import Dose
from harness.mdp.environment import TabularEnvironment
from harness.mdp.evaluate import action_values, evaluate
from harness.mdp.policy import check_policy
from harness.mdp.tabular import BoolArray, FloatArray, TabularMDP

ALL = "all"


@dataclass(frozen=True)
class DoseSafety:
    """One treatment in one band.

    Attributes
    ----------
    extreme : float
        Share of the decisions at its top level.
    distance : float or None
        Mean Wasserstein-1 distance of the distribution of its level from the data's policy, in levels; None where
        there is none.
    more : float or None
        Mean level above that of the data's policy in the same state; negative is less.
    abrupt : float or None
        Of the decisions that follow another, those whose level differs by `Dose.abrupt` or more from the one before;
        counted where the later one is taken. None where no change of it is called abrupt.
    """

    extreme: float
    distance: float | None
    more: float | None
    abrupt: float | None


@dataclass(frozen=True)
class Safety:
    """One policy in one band; a share is NaN where the policy never decides there.

    Attributes
    ----------
    band : str
    decisions : float
        Share of the policy's decisions that are taken in the band, by (discounted) occupancy. All shares and means
        are over these.
    variation : float or None
        Mean total variation distance `½ Σ_a |π(a|s) - π_data(a|s)|`, 0 to 1, from the policy of the clinicians in the
        data. None where the task has none.
    inadmissible : float or None
        Share on actions that the data do not support. None where all legal actions are admissible.
    extreme : float or None
        Share at the top level of any treatment; None without doses.
    doses : mapping of a treatment's name to DoseSafety
    """

    band: str
    decisions: float
    variation: float | None
    inadmissible: float | None
    extreme: float | None
    doses: Mapping[str, DoseSafety]


@dataclass(frozen=True, eq=False)
class ActionMap:
    """A policy by action in one band, weighted by occupancy.

    Attributes
    ----------
    share : float array, shape (A,)
        Of the decisions in the band; they sum to one.
    Q : float array, shape (A,)
        Mean action-value in the band, the policy being followed afterwards; NaN where it is illegal in every state.
    weights : float array, shape (A,)
        Share of the decisions in whose states the action is legal.
    V : float
        Mean value in the band, by the same occupancy.
    """

    share: FloatArray
    Q: FloatArray
    weights: FloatArray
    V: float


@dataclass(frozen=True, eq=False)
class DoseMap:
    """The same by dose: arrays with an axis for each treatment; NaN in Q for what no action gives."""

    share: FloatArray
    Q: FloatArray
    V: float


def safety(env: TabularEnvironment[Any, Any], policy: FloatArray) -> tuple[Safety, ...]:
    """What a policy (S, A) does, in all states and in each band of severity.

    Raises
    ------
    InvalidPolicy
        If the table is no policy of the environment.
    """
    mdp, table = env.mdp, check_policy(env.mdp, policy)
    occupancy = evaluate(mdp, table).occupancy
    theirs = env.expert_policy
    variation = None if theirs is None else np.abs(table - theirs).sum(axis=1) / 2
    inadmissible = np.where(mdp.admissible, 0.0, table).sum(axis=1) if _some_inadmissible(mdp) else None
    tops = [dose.given[:, -1] for dose in env.doses]
    extreme = table @ np.maximum.reduce(tops) if tops else None
    by_dose = {dose.name: _of_dose(mdp, table, theirs, occupancy, dose) for dose in env.doses}
    found = []
    for band, mask in bands(env).items():
        visits = np.where(mask, occupancy, 0.0)
        found.append(
            Safety(
                band=band,
                decisions=float(visits.sum() / occupancy.sum()),
                variation=_mean(visits, variation),
                inadmissible=_mean(visits, inadmissible),
                extreme=_mean(visits, extreme),
                doses={name: _in_band(of, visits, mask) for name, of in by_dose.items()},
            )
        )
    return tuple(found)


def bands(env: TabularEnvironment[Any, Any]) -> dict[str, BoolArray]:
    """Which states belong to each band, shape (S,) each: all that are decided in, and by the environment's severity."""
    live = ~env.mdp.terminal
    told = env.severity
    parts = {} if told is None else told.bands()
    return {ALL: live} | {band: live & mask for band, mask in parts.items()}


def action_maps(env: TabularEnvironment[Any, Any], policy: FloatArray) -> Mapping[str, ActionMap]:
    """The policy and its action-values by action, for each band in which it decides anything; errors as `safety`."""
    table = check_policy(env.mdp, policy)
    evaluation = evaluate(env.mdp, table)
    Q = action_values(env.mdp, evaluation.V)
    legal = np.isfinite(Q)
    found = {}
    for band, mask in bands(env).items():
        visits = np.where(mask, evaluation.occupancy, 0.0)
        if visits.sum() == 0:
            continue
        visits = visits / visits.sum()
        weights = visits @ legal
        mean = np.where(weights > 0, visits @ np.where(legal, Q, 0.0) / np.where(weights > 0, weights, 1.0), np.nan)
        found[band] = ActionMap(visits @ table, mean, weights, float(visits @ evaluation.V))
    return found


def dose_maps(env: TabularEnvironment[Any, Any], policy: FloatArray) -> Mapping[str, DoseMap]:
    """The same by the levels of the environment's doses; nothing where it has none."""
    if not env.doses:
        return {}
    shape = tuple(len(dose.levels) for dose in env.doses)
    cell = tuple(dose.index for dose in env.doses)
    found = {}
    for band, known in action_maps(env, policy).items():
        share, total, weights = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        np.add.at(share, cell, known.share)
        np.add.at(weights, cell, known.weights)
        np.add.at(total, cell, known.weights * np.nan_to_num(known.Q))
        Q = np.where(weights > 0, total / np.where(weights > 0, weights, 1.0), np.nan)
        found[band] = DoseMap(share, Q, known.V)
    return found


@dataclass(frozen=True, eq=False)
class _PerState:
    """Of one treatment, in each state, shape (S,)."""

    extreme: FloatArray
    distance: FloatArray | None
    more: FloatArray | None
    following: FloatArray | None
    abrupt: FloatArray | None


def _of_dose(
    mdp: TabularMDP, table: FloatArray, theirs: FloatArray | None, occupancy: FloatArray, dose: Dose
) -> _PerState:
    own = table @ dose.given
    distance = more = following = abrupt = None
    if theirs is not None:
        apart = np.cumsum(own - theirs @ dose.given, axis=1)[:, :-1]
        distance, more = np.abs(apart).sum(axis=1), -apart.sum(axis=1)
    if dose.abrupt is not None:
        following, abrupt = _successive(mdp, table, occupancy, dose, dose.abrupt)
    return _PerState(own[:, -1], distance, more, following, abrupt)


def _in_band(of: _PerState, visits: FloatArray, mask: BoolArray) -> DoseSafety:
    abrupt = None
    if of.abrupt is not None and of.following is not None:
        abrupt = _ratio(float(of.abrupt[mask].sum()), float(of.following[mask].sum()))
    extreme = _ratio(float(visits @ of.extreme), float(visits.sum()))
    return DoseSafety(extreme, _mean(visits, of.distance), _mean(visits, of.more), abrupt)


def _successive(
    mdp: TabularMDP, table: FloatArray, occupancy: FloatArray, dose: Dose, far: int
) -> tuple[FloatArray, FloatArray]:
    """Expected decisions in each state that follow another, and those of them that change by `far` levels, (S,) each.

    The flow into each state by the level given before it, times what the policy gives there.
    """
    S, R, L = mdp.n_states, mdp.rows.shape[0], len(dose.levels)
    state, action = np.nonzero(table * ~mdp.terminal[:, None])
    used = np.zeros((L, R))
    np.add.at(used, (dose.index[action], mdp.row_of[state, action]), occupancy[state] * table[state, action])
    flow = mdp.discount * (mdp.rows.T @ used.T)
    flow[mdp.terminal] = 0.0
    level = np.arange(L)
    apart = np.abs(level[:, None] - level) >= far
    return flow.sum(axis=1), np.einsum("sb,bv,sv->s", flow, apart, table @ dose.given).reshape(S)


def _some_inadmissible(mdp: TabularMDP) -> bool:
    live = mdp.decision_states
    return bool((mdp.legal[live] & ~mdp.admissible[live]).any())


def _mean(visits: FloatArray, values: FloatArray | None) -> float | None:
    return None if values is None else _ratio(float(visits @ values), float(visits.sum()))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan
