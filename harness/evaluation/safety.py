"""What a sepsis policy does to whom: extreme doses, distance from the clinicians, abrupt changes, by severity.

Everything is exact, from the policy's occupancy (its expected visits of each state) and the MDP's transitions; no
episode is simulated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.core.errors import UsageError
from harness.envs.icu_sepsis.data import parameters
from harness.envs.icu_sepsis.environment import LEVELS, SPEC
from harness.mdp.environment import TabularEnvironment
from harness.mdp.evaluate import action_values, evaluate
from harness.mdp.policy import check_policy
from harness.mdp.tabular import BoolArray, FloatArray, TabularMDP

LOW, HIGH = 5.0, 11.0
"""Bounds of the SOFA bands, in points. Below 5 is the low band of Raghu et al. (arXiv:1711.09602, 2017); of patients
whose first score was above 11 more than 80 % died (Ferreira et al., JAMA 2001;286:1754). Raghu's own high band, above
15, holds 10 of the 713 states."""

ALL = "all"
BANDS = (ALL, "SOFA < 5", "SOFA 5 to 11", "SOFA > 11")

ABRUPT = 2
"""Levels by which the vasopressor must change between successive decisions to be called abrupt: from none to the second
quarter of the rates in use, or back."""


@dataclass(frozen=True)
class Safety:
    """One policy in one SOFA band; a share is NaN where the policy never decides there.

    Attributes
    ----------
    band : str
    decisions : float
        Share of the policy's decisions that are taken in the band, by (discounted) occupancy. All shares and means
        below are over these.
    extreme, extreme_fluids, extreme_vasopressor : float
        Share at the top level of either drug, of fluids, and of the vasopressor.
    variation : float or None
        Mean total variation distance `½ Σ_a |π(a|s) - π_clinicians(a|s)|`, 0 to 1. None without a clinicians' policy.
    fluids_distance, vasopressor_distance : float or None
        Mean Wasserstein-1 distance of the distributions of the dose from the clinicians', in levels.
    fluids_more, vasopressor_more : float or None
        Mean dose above the clinicians' in the same state, in levels; negative is less.
    abrupt : float
        Of the decisions that follow another, those whose vasopressor level differs by `ABRUPT` or more from the one
        before; counted where the later one is taken.
    inadmissible : float
        Share on actions that the data do not support.
    """

    band: str
    decisions: float
    extreme: float
    extreme_fluids: float
    extreme_vasopressor: float
    variation: float | None
    fluids_distance: float | None
    vasopressor_distance: float | None
    fluids_more: float | None
    vasopressor_more: float | None
    abrupt: float
    inadmissible: float


@dataclass(frozen=True, eq=False)
class DoseMap:
    """A policy by dose in one band, weighted by occupancy.

    Attributes
    ----------
    share : float array, shape (5, 5)
        Of the decisions in the band, by fluid level (row) and vasopressor level (column); they sum to one.
    Q : float array, shape (5, 5)
        Mean action-value of the dose in the band, the policy being followed afterwards; NaN where it is illegal in
        every state.
    V : float
        Mean value in the band, by the same occupancy.
    """

    share: FloatArray
    Q: FloatArray
    V: float


def safety(env: TabularEnvironment[Any, Any], policy: FloatArray) -> tuple[Safety, ...]:
    """What a policy (S, A) does, in all states and in each SOFA band.

    Raises
    ------
    UsageError
        If the environment is not ICU-Sepsis, whose doses and scores these are.
    InvalidPolicy
        If the table is no policy of it.
    """
    masks = bands(env)
    mdp, table = env.mdp, check_policy(env.mdp, policy)
    occupancy = evaluate(mdp, table).occupancy
    fluids, vasopressor = _levels(table)
    per_state: dict[str, FloatArray] = {
        "extreme": table.reshape(-1, LEVELS, LEVELS)[:, -1, :].sum(axis=1) + vasopressor[:, -1] - table[:, -1],
        "extreme_fluids": fluids[:, -1],
        "extreme_vasopressor": vasopressor[:, -1],
        "inadmissible": np.where(mdp.admissible, 0.0, table).sum(axis=1),
    }
    if env.expert_policy is not None:
        per_state |= _beside(table, env.expert_policy)
    following, abrupt = _successive(mdp, table, occupancy)
    found = []
    for band, mask in masks.items():
        visits = np.where(mask, occupancy, 0.0)
        means = {name: _ratio(float(visits @ values), float(visits.sum())) for name, values in per_state.items()}
        found.append(
            Safety(
                band=band,
                decisions=float(visits.sum() / occupancy.sum()),
                abrupt=_ratio(float(abrupt[mask].sum()), float(following[mask].sum())),
                **(dict.fromkeys(BESIDE) | means),  # type: ignore[arg-type]
            )
        )
    return tuple(found)


BESIDE = ("variation", "fluids_distance", "vasopressor_distance", "fluids_more", "vasopressor_more")
"""What is known beside a clinicians' policy alone."""


def dose_maps(env: TabularEnvironment[Any, Any], policy: FloatArray) -> Mapping[str, DoseMap]:
    """The policy and its action-values by dose, for each band in which it decides anything; errors as `safety`."""
    masks = bands(env)
    table = check_policy(env.mdp, policy)
    evaluation = evaluate(env.mdp, table)
    Q = action_values(env.mdp, evaluation.V)
    found = {}
    for band, mask in masks.items():
        visits = np.where(mask, evaluation.occupancy, 0.0)
        if visits.sum() == 0:
            continue
        legal = np.isfinite(Q)
        weights = visits @ legal
        mean = np.where(weights > 0, visits @ np.where(legal, Q, 0.0) / np.where(weights > 0, weights, 1.0), np.nan)
        share = visits @ table / visits.sum()
        V = float(visits @ evaluation.V / visits.sum())
        found[band] = DoseMap(share.reshape(LEVELS, LEVELS), mean.reshape(LEVELS, LEVELS), V)
    return found


def bands(env: TabularEnvironment[Any, Any]) -> dict[str, BoolArray]:
    """Which states belong to each of `BANDS`, shape (S,) each, by the mean SOFA score of the state's patients.

    Raises
    ------
    UsageError
        If the environment is not ICU-Sepsis.
    """
    if env.spec.id != SPEC.id:
        raise UsageError(f"{env.spec.id} has no graded fluids and vasopressors; expected {SPEC.id}.")
    sofa, live = parameters().sofa_scores, ~env.mdp.terminal
    masks = (live, live & (sofa < LOW), live & (sofa >= LOW) & (sofa <= HIGH), live & (sofa > HIGH))
    return dict(zip(BANDS, masks, strict=True))


def _levels(table: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distributions of the fluid and of the vasopressor level in each state, shape (S, 5) each."""
    grid = table.reshape(-1, LEVELS, LEVELS)
    return grid.sum(axis=2), grid.sum(axis=1)


def _beside(table: FloatArray, clinicians: FloatArray) -> dict[str, FloatArray]:
    found = {"variation": np.abs(table - clinicians).sum(axis=1) / 2}
    for drug, own, theirs in zip(("fluids", "vasopressor"), _levels(table), _levels(clinicians), strict=True):
        apart = np.cumsum(own - theirs, axis=1)[:, :-1]
        found[f"{drug}_distance"] = np.abs(apart).sum(axis=1)
        found[f"{drug}_more"] = -apart.sum(axis=1)
    return found


def _successive(mdp: TabularMDP, table: FloatArray, occupancy: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Expected decisions in each state that follow another, and those of them that change abruptly, shape (S,) each.

    The flow into each state by the vasopressor level given before it, times what the policy gives there.
    """
    S, R = mdp.n_states, mdp.rows.shape[0]
    _, given = _levels(table)
    state, action = np.nonzero(table * ~mdp.terminal[:, None])
    used = np.zeros((LEVELS, R))
    np.add.at(used, (action % LEVELS, mdp.row_of[state, action]), occupancy[state] * table[state, action])
    flow = mdp.discount * (mdp.rows.T @ used.T)
    flow[mdp.terminal] = 0.0
    level = np.arange(LEVELS)
    apart = np.abs(level[:, None] - level) >= ABRUPT
    return flow.sum(axis=1), np.einsum("sb,bv,sv->s", flow, apart, given).reshape(S)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan
