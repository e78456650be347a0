"""The tasks `sepsis-os` and `sepsis-os-hidden`: Oberst and Sontag's sepsis simulator with its exact optimum.

A patient has four vital signs and may be diabetic; at each decision antibiotics, ventilation and a vasopressor are each
given or not. The patient dies with three abnormal signs (reward -1) and is discharged when all are normal and nothing
runs (reward +1). The reward is paid on entering such a state, and that ends the episode. `rules.py` has every number
with its place in the published code, and what the bug is that `glucose='corrected'` is free of; nothing was fitted.

In `sepsis-os-hidden` diabetes is not shown. The optimum of the MDP, which knows it, is then an upper bound (an
`informed` reference), and the best memoryless policy that was found without it a lower bound (`achievable`, see
`harness.mdp.tied`). A memory lets an agent infer diabetes from how pressure and glucose move, so one may do better than
that. (The paper's agent did not see glucose either.)

Discount and horizon
--------------------
The discount is 0.99, at which the paper computed its policies (it added up its returns undiscounted). Some discount is
needed: under antibiotics and ventilation that never stop, heart rate, pressure and oxygen can stay as they are for
good, and a patient of whom they leave at most two signs abnormal neither dies nor is discharged. That is worth 0, and
the optimum itself does it to some patients, so its episodes have no mean length.

Exact values are of the MDP without a time limit. The paper cut its episodes after 20 decisions, which is another task:
its optimum, by backward induction, is 0.5357 instead of 0.7437, and what is best depends on the decisions left. An
episode that is played here is cut after 1,000 decisions, which changes no value by more than 2 * 0.99^1000 < 0.0001.

Exact values (discounted return, from the published first state)
----------------------------------------------------------------
===================================  =========  ========
policy                               corrected  original
===================================  =========  ========
optimal (knows diabetes)                0.7437    0.4756
best memoryless found without it        0.7131    0.4429
treat until well (`policies.py`)        0.3193    0.0579
everything, always                     -0.1273   -0.1273
treat each abnormal sign               -0.1786   -0.3813
nothing                                -0.7366   -0.7847
random                                 -0.7668   -0.8096
worst                                  -0.9686   -0.9688
===================================  =========  ========

With the original's glucose, a patient without diabetes whose glucose fell is never discharged again, and 42 % of the
optimum's patients are kept for ever (corrected: 3 %).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from pydantic import Field

from harness.core.environment import Action, EnvSpec, ReferenceKind
from harness.core.errors import UsageError
from harness.envs.sepsis_os import model, rules
from harness.envs.sepsis_os.rules import Glucose
from harness.mdp.environment import TabularEnvironment, TabularObservation
from harness.mdp.solve import Solution
from harness.mdp.tied import best_tied

HORIZON = 1_000

SEEN = np.arange(model.N_STATES) % model.N_SEEN
"""What is seen of every state where diabetes is hidden."""


class SepsisOSAction(Action):
    """Which of three treatments are given until the next decision."""

    antibiotics: int = Field(alias="abx", ge=0, le=1, description="antibiotics: 0 not given, 1 given")
    ventilation: int = Field(alias="vent", ge=0, le=1, description="mechanical ventilation: 0 not given, 1 given")
    vasopressor: int = Field(alias="vaso", ge=0, le=1, description="vasopressor: 0 not given, 1 given")


class VitalsObservation(TabularObservation):
    """What is seen of a patient whose diabetes is not known. Levels, without units, as published."""

    heart_rate: Literal["low", "normal", "high"]
    systolic_pressure: Literal["low", "normal", "high"]
    oxygen_saturation: Literal["low", "normal"]
    glucose: Literal["very low", "low", "normal", "high", "very high"] = Field(description="blood glucose")
    antibiotics: bool = Field(description="whether antibiotics are running")
    ventilation: bool = Field(description="whether the patient is ventilated")
    vasopressor: bool = Field(description="whether a vasopressor is running")
    outcome: Literal["died", "discharged"] | None = Field(None, description="once the episode has ended")


class SepsisOSObservation(VitalsObservation):
    """What is seen of a patient."""

    diabetes: bool = Field(description="whether the patient has diabetes")


SPEC = EnvSpec(
    id="sepsis-os",
    version=1,
    title="Sepsis simulator of Oberst and Sontag",
    summary="A simulated patient with sepsis; antibiotics, ventilation and a vasopressor are each given or not at "
    "every decision, until death or discharge.",
    horizon=HORIZON,
    hours_per_step=None,
    discount=rules.DISCOUNT,
    reward_range=(rules.DEATH_REWARD, rules.DISCHARGE_REWARD),
    value_name="return",
    score="1 if the patient was discharged, 0 if the patient died, 0.5 if neither within 1,000 decisions",
    fallback="nothing is given: no antibiotics, no ventilation, no vasopressor",
    citations=(
        "Oberst, Sontag: Counterfactual Off-Policy Evaluation with Gumbel-Max Structural Causal Models. ICML 2019, "
        "arXiv:1905.05824.",
        "Its code, sepsisSimDiabetes: https://github.com/clinicalml/gumbel-max-scm, branches master (7aa8ce4) and "
        "sim-v2 (854229e).",
    ),
    data_licence="rules: facts from gumbel-max-scm, MIT; no patient data",
    limits_of_use=(
        "A toy physiology, not medical advice: a simulator made for illustration, whose probabilities are not said to "
        "be estimated from patients.",
        "Whoever has four normal signs and no treatment is discharged, however short the infection was treated.",
        "In it a vasopressor keeps the glucose of patients without diabetes from changing; policies exploit that.",
        "The return is discounted by 0.99 a decision: a patient who is kept alive and never discharged counts 0.",
    ),
)

HIDDEN_SPEC = SPEC.model_copy(
    update={
        "id": "sepsis-os-hidden",
        "title": "Sepsis simulator of Oberst and Sontag, diabetes hidden",
        "summary": "A simulated patient with sepsis, with or without diabetes, which is not known; antibiotics, "
        "ventilation and a vasopressor are each given or not at every decision, until death or discharge.",
        "limits_of_use": (
            *SPEC.limits_of_use,
            "Regret is measured against an optimum that knows who has diabetes: no agent that does not can bring its "
            "mean to zero.",
            "The achievable reference is the best policy without memory that was found; memory can do better.",
        ),
    }
)

ACTIONS = tuple(
    SepsisOSAction(antibiotics=int(a), ventilation=int(e), vasopressor=int(v))
    for a, e, v in zip(model.GIVE_ANTIBIOTICS, model.GIVE_VENTILATION, model.GIVE_VASOPRESSOR, strict=True)
)
ACTION_LABELS = tuple(
    " + ".join(name for name, given in action.model_dump().items() if given) or "nothing" for action in ACTIONS
)


def sepsis_os(
    glucose: Literal["corrected", "original"] = "corrected",
) -> TabularEnvironment[SepsisOSObservation, SepsisOSAction]:
    """The task with diabetes shown; `glucose` is 'corrected' or 'original'.

    Raises
    ------
    UsageError
        If `glucose` is neither.
    """
    return TabularEnvironment(
        spec=SPEC,
        mdp=model.mdp(_behaviour(glucose)),
        actions=ACTIONS,
        action_labels=ACTION_LABELS,
        observe=_observe,
        describe=lambda state: _described(state) + (", diabetes" if model.DIABETIC[state] else ""),
        fallback=np.zeros(model.N_STATES, dtype=np.int64),
    )


def sepsis_os_hidden(
    glucose: Literal["corrected", "original"] = "corrected",
) -> TabularEnvironment[VitalsObservation, SepsisOSAction]:
    """The task with diabetes hidden; `glucose` is 'corrected' or 'original'.

    Raises
    ------
    UsageError
        If `glucose` is neither.
    """
    behaviour = _behaviour(glucose)
    return TabularEnvironment(
        spec=HIDDEN_SPEC,
        mdp=model.mdp(behaviour),
        actions=ACTIONS,
        action_labels=ACTION_LABELS,
        observe=_observe_hidden,
        describe=lambda state: _described(state) + (", diabetes (hidden)" if model.DIABETIC[state] else ""),
        fallback=np.zeros(model.N_STATES, dtype=np.int64),
        reference_kind=ReferenceKind.INFORMED,
        seen=SEEN,
        achievable=lambda: achievable(behaviour),
    )


@lru_cache(maxsize=2)
def achievable(behaviour: Glucose) -> Solution:
    """The best memoryless policy found that does not know who has diabetes, with its exact values."""
    return best_tied(model.mdp(behaviour), SEEN)


def _behaviour(glucose: str) -> Glucose:
    try:
        return Glucose(glucose)
    except ValueError:
        raise UsageError(f"'{glucose}' is no behaviour of glucose; expected one of: {', '.join(Glucose)}.") from None


@lru_cache(maxsize=model.N_STATES)
def _observe_hidden(state: int) -> VitalsObservation:
    ended = "died" if model.DEAD[state] else "discharged" if model.DISCHARGED[state] else None
    return VitalsObservation.model_validate(
        {
            "state": state,
            "heart_rate": rules.HEART_RATE[model.HEART_RATE[state]],
            "systolic_pressure": rules.PRESSURE[model.PRESSURE[state]],
            "oxygen_saturation": rules.OXYGEN[model.OXYGEN[state]],
            "glucose": rules.GLUCOSE[model.GLUCOSE[state]],
            "antibiotics": bool(model.ANTIBIOTICS[state]),
            "ventilation": bool(model.VENTILATION[state]),
            "vasopressor": bool(model.VASOPRESSOR[state]),
            "outcome": ended,
        }
    )


@lru_cache(maxsize=model.N_STATES)
def _observe(state: int) -> SepsisOSObservation:
    seen = _observe_hidden(state).model_dump()
    return SepsisOSObservation.model_validate({**seen, "diabetes": bool(model.DIABETIC[state])})


def _described(state: int) -> str:
    """The abnormal signs and what is running."""
    seen = _observe_hidden(state)
    signs = {
        "heart rate": seen.heart_rate,
        "pressure": seen.systolic_pressure,
        "oxygen": seen.oxygen_saturation,
        "glucose": seen.glucose,
    }
    abnormal = ", ".join(f"{name} {level}" for name, level in signs.items() if level != "normal") or "all signs normal"
    running = [name for name in SepsisOSAction.model_fields if getattr(seen, name)]
    return f"{seen.outcome + ': ' if seen.outcome else ''}{abnormal}; {' + '.join(running) or 'no treatment'}"
