"""The task `icu-sepsis`: actions, observations, and the MDP under each treatment of inadmissible actions."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from harness.core.environment import Action, EnvSpec
from harness.core.errors import UsageError
from harness.envs.icu_sepsis.data import DEATH, N_ACTIONS, N_STATES, SURVIVAL, Parameters, parameters
from harness.envs.icu_sepsis.features import (
    MAX_DOSE_VASO,
    MECHVENT,
    RE_ADMISSION,
    SCALE,
    SHIFT,
    Z_SCORES,
    word,
)
from harness.mdp.build import from_arrays
from harness.mdp.doses import Dose, Severity
from harness.mdp.environment import TabularEnvironment, TabularObservation
from harness.mdp.tabular import FloatArray, IntArray, TabularMDP

LEVELS = 5
"""Action index = 5 * (IV fluid level) + (vasopressor level), each 0 to 4 (icu-sepsis 2.0.1)."""

SOFA_BOUNDS = (5.0, 11.0)
"""Of the bands of severity, in points. Below 5 is the low band of Raghu et al. (arXiv:1711.09602, 2017); of patients
whose first score was above 11 more than 80 % died (Ferreira et al., JAMA 2001;286:1754). Raghu's own high band, above
15, holds 10 of the 713 states."""

HORIZON = 500
"""`max_episode_steps` of the package's registration. Episodes last about ten decisions; exact values have no limit."""


class SepsisAction(Action):
    """Fluids and vasopressor for the next four hours."""

    iv_fluid_level: int = Field(
        alias="iv",
        ge=0,
        le=4,
        description="intravenous fluids over the next 4 hours: 0 none; 1, 2, 3, 4 the lowest to the highest quarter "
        "of the volumes given in the cohort when any was given",
    )
    vasopressor_level: int = Field(
        alias="vp",
        ge=0,
        le=4,
        description="highest vasopressor rate over the next 4 hours: 0 none; 1, 2, 3, 4 the lowest to the highest "
        "quarter of the rates given in the cohort when any was given",
    )


class Finding(BaseModel):
    """One z-scored feature of a state."""

    model_config = ConfigDict(frozen=True)

    name: str
    z: float = Field(description="standard deviations from the cohort's mean")
    word: str = Field(description="the same in words")


class SepsisObservation(TabularObservation):
    """What is known of a patient: the centre of the cluster of patients that the state stands for."""

    sofa: float = Field(description="SOFA score, points, 0 to 24")
    ventilated: float = Field(description="share of the state's patients on mechanical ventilation, 0 to 1")
    vasopressor_dose: float = Field(
        description="mean highest vasopressor rate in the last 4 h, µg/kg/min of noradrenaline equivalent"
    )
    readmitted: float = Field(description="share of the state's patients readmitted to intensive care, 0 to 1")
    findings: tuple[Finding, ...] = Field(description="z-scored features, the furthest from the mean first")
    outcome: str | None = Field(None, description="'died' or 'survived' once the episode has ended")


class Inadmissible(StrEnum):
    """What becomes of an action that the data do not support in a state (icu-sepsis 2.0.1)."""

    MEAN = "mean"
    """The patient moves as under the average of the admissible actions; the paper's choice."""
    TERMINATE = "terminate"
    """The patient dies."""
    RAISE = "raise"
    """The action is refused."""


SPEC = EnvSpec(
    id="icu-sepsis",
    version=2,
    title="ICU-Sepsis",
    summary="A septic adult in intensive care; intravenous fluid and vasopressor level are chosen every 4 hours "
    "until death or survival.",
    horizon=HORIZON,
    hours_per_step=4.0,
    discount=1.0,
    reward_range=(0.0, 1.0),
    binary=True,
    value_name="survival",
    score="1 if the patient survived, else 0",
    fallback="nothing is given (fluid 0, vasopressor 0); with --inadmissible terminate or raise, and where giving "
    "nothing is not admissible, the admissible action with the least vasopressor, then the least fluid",
    citations=(
        "Choudhary, Gupta, Thomas: ICU-Sepsis: A Benchmark MDP Built from Real Medical Data. RLC 2024, "
        "arXiv:2406.05646.",
        "Komorowski, Celi, Badawi, Gordon, Faisal: The Artificial Intelligence Clinician learns optimal treatment "
        "strategies for sepsis in intensive care. Nature Medicine 2018;24:1716.",
    ),
    data_licence="parameters: icu-sepsis package, MIT; derived from MIMIC-III",
    limits_of_use=(
        "A benchmark, not medical advice: the MDP is estimated from retrospective records with confounding.",
        "Its optimum is the optimum of that estimated MDP, not of patients.",
        "The published expert policy puts 12 % of its decisions on inadmissible actions; with --inadmissible terminate "
        "or raise it is renormalised to the admissible ones.",
        "States are cluster centres: z-scores of unpublished means, so no value has its clinical unit but SOFA and "
        "the vasopressor dose.",
    ),
)

ACTIONS = tuple(SepsisAction(iv_fluid_level=i // LEVELS, vasopressor_level=i % LEVELS) for i in range(N_ACTIONS))
DOSES = (
    Dose(
        name="fluids",
        levels=tuple(map(str, range(LEVELS))),
        of_actions=tuple(action.iv_fluid_level for action in ACTIONS),
    ),
    Dose(
        name="vasopressor",
        levels=tuple(map(str, range(LEVELS))),
        of_actions=tuple(action.vasopressor_level for action in ACTIONS),
        abrupt=2,  # from none to the second quarter of the rates in use, or back
    ),
)
ACTION_LABELS = tuple(f"fluids {a.iv_fluid_level} vaso {a.vasopressor_level}" for a in ACTIONS)


def icu_sepsis(
    inadmissible: Literal["mean", "terminate", "raise"] | Inadmissible = "mean",
) -> TabularEnvironment[SepsisObservation, SepsisAction]:
    """The environment; `inadmissible` is 'mean', 'terminate' or 'raise'.

    Raises
    ------
    UsageError
        If `inadmissible` is none of these.
    """
    try:
        strategy = Inadmissible(inadmissible)
    except ValueError:
        raise UsageError(
            f"'{inadmissible}' is no treatment of inadmissible actions; expected one of: {', '.join(Inadmissible)}."
        ) from None
    given = parameters()
    return TabularEnvironment(
        spec=SPEC,
        mdp=mdp(strategy),
        actions=ACTIONS,
        action_labels=ACTION_LABELS,
        observe=lambda state: _observe(given, state),
        describe=lambda state: _describe(given, state),
        fallback=_fallback(given, strategy),
        expert_policy=_expert(given, strategy),
        doses=DOSES,
        severity=_severity(given),
        features=given.state_cluster_centers,
    )


@lru_cache(maxsize=1)
def _severity(given: Parameters) -> Severity:
    """The mean SOFA score of the patients of each state."""
    return Severity(
        name="SOFA",
        what="mean of the patients of the state",
        bounds=SOFA_BOUNDS,
        of_states=tuple(given.sofa_scores.tolist()),
    )


@lru_cache(maxsize=3)
def mdp(strategy: Inadmissible) -> TabularMDP:
    """The MDP under one treatment of inadmissible actions."""
    given = parameters()
    terminal = np.arange(N_STATES) >= DEATH
    transitions = given.tx_mat
    if strategy is Inadmissible.TERMINATE:
        transitions = transitions.copy()
        refused = ~given.admissible
        transitions[refused] = 0.0
        transitions[refused, DEATH] = 1.0
    return from_arrays(
        transitions,
        given.r_mat,
        given.d_0,
        terminal=terminal,
        discount=SPEC.discount,
        admissible=given.admissible,
        legal=(given.admissible | terminal[:, None]) if strategy is Inadmissible.RAISE else None,
    )


def _expert(given: Parameters, strategy: Inadmissible) -> FloatArray:
    """The clinicians' policy, kept to admissible actions where the others are refused or deadly.

    As published it gives inadmissible actions 16 % of its probability (12 % of decisions on the ward), because they
    were seen fewer than 20 times rather than never. Under 'mean' that is the paper's expert and is left as it is.
    """
    if strategy is Inadmissible.MEAN:
        return given.expert_policy
    kept = given.expert_policy * given.admissible
    total = np.maximum(kept.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    return np.asarray(kept / total, dtype=np.float64)


def _fallback(given: Parameters, strategy: Inadmissible) -> IntArray:
    """Index of the fallback of every state (see `SPEC.fallback`)."""
    nothing = np.zeros(N_STATES, dtype=np.int64)
    if strategy is Inadmissible.MEAN:
        return nothing
    treatment = np.array([a.vasopressor_level * LEVELS + a.iv_fluid_level for a in ACTIONS])
    least = np.where(given.admissible, treatment, N_ACTIONS).argmin(axis=1)
    return np.where(given.admissible.any(axis=1), least, nothing)


@lru_cache(maxsize=N_STATES)
def _observe(given: Parameters, state: int) -> SepsisObservation:
    if state >= DEATH:
        outcome = "survived" if state == SURVIVAL else "died"
        return SepsisObservation(
            state=state,
            sofa=0.0,
            ventilated=0.0,
            vasopressor_dose=0.0,
            readmitted=0.0,
            findings=(),
            outcome=outcome,
        )
    centre = given.state_cluster_centers[state]
    findings = (
        Finding(name=name, z=round(z, 2), word=word(z))
        for name, z in ((name, float(centre[i]) * SCALE.get(i, 1.0)) for i, name in Z_SCORES.items())
    )
    return SepsisObservation(
        state=state,
        sofa=round(float(given.sofa_scores[state]), 2),
        ventilated=_shifted(centre[MECHVENT], MECHVENT),
        vasopressor_dose=_shifted(centre[MAX_DOSE_VASO], MAX_DOSE_VASO),
        readmitted=_shifted(centre[RE_ADMISSION], RE_ADMISSION),
        findings=tuple(sorted(findings, key=lambda f: -abs(f.z))),
    )


def _shifted(value: float, column: int) -> float:
    return round(abs(float(value) + SHIFT[column]), 3)  # abs: rounding in the data leaves -0.0


def _describe(given: Parameters, state: int) -> str:
    """SOFA and the four findings furthest from the mean."""
    seen = _observe(given, state)
    if seen.outcome:
        return seen.outcome
    furthest = ", ".join(f"{f.name} {f.word}" for f in seen.findings[:4])
    return f"SOFA {seen.sofa:.1f}, {furthest}"
