"""What an agent may do in a medication review, and what it is shown."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from harness.core.environment import Action, Observation
from harness.envs.polypharmacy.options import Intervention
from harness.envs.polypharmacy.patients import Liver, Sex
from harness.envs.polypharmacy.rows import Severity

LONGEST_NAME = 60


def _plain(name: Any) -> Any:
    return " ".join(name.lower().split()) if isinstance(name, str) else name


DrugName = Annotated[
    str,
    BeforeValidator(_plain),
    Field(min_length=1, max_length=LONGEST_NAME),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^[a-z0-9][a-z0-9 /.-]{{0,{LONGEST_NAME - 1}}}$",
            "maxLength": LONGEST_NAME,
            "description": "generic name of a drug",
        }
    ),
]
"""Any text, in small letters: whether there is such a drug is for the environment to say."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


# --------------------------------------------------------------------------- actions


class _Kind(_Model):
    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)


class QueryDDI(_Kind):
    """Ask the interaction database about two drugs that the patient takes."""

    action_type: Literal["query_ddi"] = Field("query_ddi", alias="t")
    drug_id_1: DrugName = Field(alias="a")
    drug_id_2: DrugName = Field(alias="b")


class ProposeIntervention(_Kind):
    """Change one medication; a substitute names the new drug, the others none (null)."""

    action_type: Literal["propose_intervention"] = Field("propose_intervention", alias="t")
    target_drug_id: DrugName = Field(alias="drug")
    intervention_type: Intervention = Field(alias="how")
    proposed_new_drug_id: DrugName | None = Field(None, alias="new")


class FinishReview(_Kind):
    """End the review."""

    action_type: Literal["finish_review"] = Field("finish_review", alias="t")


class ReviewAction(Action):
    """One step of a medication review: a question, a change, or the end."""

    action: QueryDDI | ProposeIntervention | FinishReview = Field(discriminator="action_type", alias="do")

    def __str__(self) -> str:
        match self.action:
            case QueryDDI(drug_id_1=a, drug_id_2=b):
                return f"ask {a} + {b}"
            case ProposeIntervention(target_drug_id=drug, intervention_type=kind, proposed_new_drug_id=new):
                return f"{kind.replace('_', ' ')} {drug}" + (f" by {new}" if new else "")
        return "finish"


def ask(a: str, b: str) -> ReviewAction:
    """The question about two drugs."""
    return ReviewAction(action=QueryDDI(drug_id_1=a, drug_id_2=b))


def change(drug: str, kind: Intervention, new: str | None = None) -> ReviewAction:
    """An intervention on a drug."""
    return ReviewAction(
        action=ProposeIntervention(target_drug_id=drug, intervention_type=kind, proposed_new_drug_id=new)
    )


FINISH = ReviewAction(action=FinishReview())


# --------------------------------------------------------------------------- observations


class Purpose(_Model):
    """What a drug is good for in this patient, and how bad it is to leave that untreated."""

    condition: str
    role: str
    untreated: Literal["vital", "major", "minor", "none"]


class Medication(_Model):
    """One place of the patient's list."""

    drug: str
    dose: float = Field(description="a day, in `unit`; the last one taken where it was stopped")
    unit: Literal["mg", "units"]
    usual_dose: float = Field(description="usual dose a day for somebody of 65 or more")
    days: int = Field(description="how long this, or what it replaces, has been taken")
    drug_classes: tuple[str, ...]
    condition: str | None = Field(description="what it is taken for; null where no condition calls for it")
    role: str | None = Field(description="what it is to do there")
    cascade_of: str | None = Field(description="the drug against whose side effect it was prescribed")
    prescriber: str
    fills: tuple[Purpose, ...] = Field(description="everything that it is good for in this patient")
    substitutes: tuple[str, ...] = Field(description="drugs that may take its place now")
    critical: bool = Field(description="whether abrupt loss without replacement is dangerous")
    taper: bool = Field(description="whether it may be stopped without danger once its dose was reduced")
    flags: tuple[str, ...] = Field(description="Beers criteria met, limits of kidneys and liver, dose")
    stopped: bool = False
    reduced: bool = Field(False, description="whether the dose was reduced in this review, also before it was stopped")
    monitored: bool = Field(False, description="whether monitoring was added in this review")
    first_drug: str = Field(description="the drug at the start of the review")
    first_dose: float = Field(description="its dose a day then")


class Finding(_Model):
    """One thing that the database knows of two drugs, for this patient."""

    severity: Severity
    mechanism: str
    effect: str
    management: str
    monitoring_helps: bool
    reducing_helps: tuple[str, ...] = Field(description="the drugs of which a lower dose is real management")


class QueryResult(_Model):
    """A question that was asked, and what came back."""

    drug_id_1: str
    drug_id_2: str
    severity: Severity | Literal["none"] = Field(description="the worst that was found")
    findings: tuple[Finding, ...]


class InterventionRecord(_Model):
    """A change that was made, and its reward."""

    target_drug_id: str
    intervention_type: Intervention
    proposed_new_drug_id: str | None
    reward: float


class ReviewObservation(Observation):
    """The patient, the list as it is now, what was asked and changed, and what may still be."""

    task: str
    age: int = Field(description="years")
    sex: Sex
    height_cm: float
    weight_kg: float
    conditions: tuple[str, ...]
    creatinine_mg_dl: float
    crcl_ml_min: float = Field(description="creatinine clearance by Cockcroft and Gault, mL/min")
    kidneys: Literal["normal", "mild", "moderate", "severe", "failure"] = Field(description="impairment, by clearance")
    liver: Liver = Field(description="normal, or Child-Pugh class A (mild), B (moderate), C (severe)")
    medications: tuple[Medication, ...]
    queries: tuple[QueryResult, ...] = ()
    interventions: tuple[InterventionRecord, ...] = ()
    queries_left: int
    interventions_left: int
    steps_left: int
    reward: float | None = Field(None, description="of the last action; null before the first")
    problem: str | None = Field(None, description="why the last action was refused; null if it was not")
    done: bool = False
