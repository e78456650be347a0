"""One row of each table in `data/`: its columns, their units, and what a cell may hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


def _listed(cell: object) -> object:
    return tuple(part.strip() for part in cell.split(";")) if isinstance(cell, str) else cell


@dataclass(frozen=True)
class Of:
    """Marks a column that names something of another table: 'source', 'class', 'drug', 'condition', or a 'subject'."""

    kind: str


Mention = tuple[str, str]
"""Kind and name of something that another table defines."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9/ .-]*$")]
Label = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
DrugName = Annotated[Name, Of("drug")]
DrugNames = Annotated[tuple[Name, ...], BeforeValidator(_listed), Of("drug")]
ClassNames = Annotated[tuple[Label, ...], BeforeValidator(_listed), Of("class")]
ConditionName = Annotated[Label, Of("condition")]
ConditionNames = Annotated[tuple[Label, ...], BeforeValidator(_listed), Of("condition")]
Labels = Annotated[tuple[Label, ...], BeforeValidator(_listed)]
Keys = Annotated[tuple[Label, ...], BeforeValidator(_listed), Field(min_length=1), Of("source")]
Subject = Annotated[str, Field(pattern=r"^(drug|class):.+$"), Of("subject")]
"""`drug:NAME` or `class:NAME`."""
Dose = Annotated[float, Field(gt=0)]
Clearance = Annotated[float, Field(gt=0, le=150)]
Probability = Annotated[float, Field(ge=0, le=1)]
OddsRatio = Annotated[float, Field(ge=0, le=50)]
Words = Annotated[str, Field(min_length=3)]


class Severity(StrEnum):
    """How bad an interaction is, worst first."""

    CONTRAINDICATED = "contraindicated"
    """Not to be given together."""
    SEVERE = "severe"
    """May kill or harm lastingly; to be avoided unless nothing else will do."""
    MODERATE = "moderate"
    """Calls for another dose, monitoring or another drug."""
    MINOR = "minor"
    """To be known of; seldom a reason to change anything."""


SEVERE = (Severity.CONTRAINDICATED, Severity.SEVERE)
"""What is to be avoided."""


class BeersKind(StrEnum):
    """The tables of the Beers Criteria."""

    AVOID = "avoid"
    AVOID_IN_CONDITION = "avoid_in_condition"
    CAUTION = "caution"
    DOSE_ADJUST = "dose_adjust"


class Row(BaseModel):
    """A row with its sources."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_by_name=True, validate_by_alias=True
    )

    source: Keys = Field(description="keys of sources.csv")

    def mentioned(self) -> Iterator[Mention]:
        """Every name of another table that the row uses."""
        for of, value in self._references():
            kind, name = value.split(":", 1) if of == "subject" else (of, value)
            yield kind, name

    def subjects(self) -> tuple[str, ...]:
        """The drugs and classes that the row is about, as `drug:NAME` or `class:NAME`."""
        return tuple(value for of, value in self._references() if of == "subject")

    def _references(self) -> Iterator[tuple[str, str]]:
        for column, field in type(self).model_fields.items():
            for note in field.metadata:
                if isinstance(note, Of):
                    value = getattr(self, column)
                    values = value if isinstance(value, tuple) else () if value is None else (value,)
                    yield from ((note.kind, each) for each in values)


class Source(BaseModel):
    """`sources.csv`: what a key stands for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Label
    citation: Words


class DrugClass(Row):
    """`classes.csv`: a label that rules and criteria speak of."""

    name: Label = Field(alias="class")
    meaning: Words


class Drug(Row):
    """`drugs.csv`: a drug taken regularly, with doses a day for somebody of 65 or more."""

    name: Name
    rxcui: int = Field(gt=0, description="RxNorm concept id of the ingredient, or of the combination of ingredients")
    rxcui_checked: Annotated[Label | None, Of("source")] = Field(
        None, description="source that the id was compared with; blank: none was found"
    )
    classes: ClassNames = Field(min_length=1, description="the first is the therapeutic class")
    unit: Literal["mg", "units"] = Field("mg", description="unit of the doses: mg, for insulin international units")
    usual_mg: Dose = Field(description="usual dose a day, in `unit`")
    max_mg: Dose = Field(description="highest dose a day, in `unit`")
    renal_crcl: Clearance | None = Field(None, description="mL/min, below which `renal_max_mg` is the highest dose")
    renal_max_mg: Dose | None = Field(None, description="highest dose a day below `renal_crcl`, in `unit`")
    renal_avoid_crcl: Clearance | None = Field(None, description="mL/min, below which the drug is to be avoided")
    hepatic: Literal["ok", "reduce", "avoid"] = Field(description="what to do in Child-Pugh class B or C")
    critical: bool = Field(description="whether abrupt loss without replacement is dangerous")
    taper: bool = Field(
        description="whether it is withdrawal that is dangerous, so that it may be stopped by way of a lower dose"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Drug:
        if self.taper and not self.critical:
            raise ValueError("taper is 1 and critical is 0; expected critical where abrupt loss is dangerous")
        if self.usual_mg > self.max_mg:
            raise ValueError(f"usual_mg is {self.usual_mg:g}, above max_mg {self.max_mg:g}; expected usual <= max")
        if (self.renal_crcl is None) != (self.renal_max_mg is None):
            raise ValueError("renal_crcl and renal_max_mg belong together; expected both or neither")
        if self.renal_max_mg is not None and self.renal_max_mg > self.max_mg:
            raise ValueError(f"renal_max_mg is {self.renal_max_mg:g}, above max_mg {self.max_mg:g}; expected no more")
        if self.renal_crcl and self.renal_avoid_crcl and self.renal_avoid_crcl > self.renal_crcl:
            raise ValueError("renal_avoid_crcl is above renal_crcl, so that renal_max_mg never applies")
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("a class is listed twice; expected each once")
        return self


class Interaction(Row):
    """`interactions.csv`: every drug of `a` with every drug of `b`, those in `except` left out."""

    rule: Label
    a: Subject
    b: Subject
    excluded: DrugNames = Field((), alias="except")
    severity: Severity
    mechanism: Words
    effect: Words
    management: Words
    monitor: bool = Field(description="whether monitoring is real management of it")
    reduce: Literal["a", "b", "either", "none"] = Field(description="whose dose reduction is real management of it")
    condition: Annotated[Label | None, Of("condition")] = Field(
        None, description="the rule holds only for patients with this condition"
    )

    @model_validator(mode="after")
    def _two_drugs(self) -> Interaction:
        if self.a == self.b and self.a.startswith("drug:"):
            raise ValueError(f"a rule of '{self.a}' with itself; expected two drugs")
        return self


class Pair(BaseModel):
    """`pairs.csv`: two drugs that interact, in alphabetical order. Derived from the rules, which carry the sources."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    drug_a: Name
    drug_b: Name
    severity: Severity = Field(description="the worst of its rules, those that need a condition included")
    rules: Labels = Field(min_length=1)

    @model_validator(mode="after")
    def _in_order(self) -> Pair:
        if self.drug_a >= self.drug_b:
            raise ValueError(
                f"'{self.drug_a}' stands before '{self.drug_b}'; expected two drugs, in alphabetical order"
            )
        return self


class Criterion(Row):
    """`beers.csv`: one criterion; it is met when everything that its row states holds at once."""

    criterion: Label
    subject: Subject
    kind: BeersKind
    condition: Annotated[Label | None, Of("condition")] = Field(None, description="the patient has it")
    crcl_below: Clearance | None = Field(None, description="mL/min")
    crcl_above: Clearance | None = Field(None, description="mL/min")
    dose_above_mg: Dose | None = Field(None, description="dose a day")
    days_above: int | None = Field(None, gt=0, description="days the drug has been taken")
    days_at_most: int | None = Field(None, gt=0, description="a criterion about starting: days the drug has been taken")
    sex: Literal["f", "m"] | None = None
    count_at_least: int = Field(1, ge=1, description="how many different drugs of the subject are taken")
    unless_class: Annotated[Label | None, Of("class")] = Field(
        None, description="a drug of this class, taken beside it, lifts the criterion"
    )
    unless_condition: ConditionNames = Field((), description="any of these conditions lifts the criterion")
    reason: Words

    @model_validator(mode="after")
    def _has_condition(self) -> Criterion:
        if (self.kind is BeersKind.AVOID_IN_CONDITION) != (self.condition is not None):
            raise ValueError("kind is 'avoid_in_condition' if, and only if, the row names a condition")
        return self

    @model_validator(mode="after")
    def _some_clearance(self) -> Criterion:
        if self.crcl_below is not None and self.crcl_above is not None and self.crcl_above >= self.crcl_below:
            raise ValueError(
                f"crcl_above is {self.crcl_above:g}, and crcl_below {self.crcl_below:g}; expected above < below"
            )
        return self


class Condition(Row):
    """`conditions.csv`: a condition and how many have it, by age (65-74, 75-84, 85 and over).

    Where `female_odds` is 0 the prevalences are those of men, and no woman has it.
    """

    condition: Label
    title: Words
    prevalence_65: Probability
    prevalence_75: Probability
    prevalence_85: Probability
    female_odds: OddsRatio = Field(description="odds of a woman over odds of a man")
    needs_treatment: bool
    untreated: Literal["vital", "major", "minor", "none"] = Field(description="what leaving it untreated costs")
    specialty: Label = Field("family-medicine", description="who treats it, if not the family physician")
    acute: bool = Field(
        False, description="whether its treatment ends within days; then a prevalence is of any one day"
    )


class CoOccurrence(Row):
    """`cooccurrence.csv`: by how much the odds of one condition rise with the other."""

    condition_a: ConditionName
    condition_b: ConditionName
    odds_ratio: OddsRatio

    @model_validator(mode="after")
    def _two_conditions(self) -> CoOccurrence:
        if self.condition_a == self.condition_b:
            raise ValueError(f"'{self.condition_a}' with itself; expected two conditions")
        if self.odds_ratio == 0:
            raise ValueError("odds_ratio is 0; expected more")
        return self


class Indication(Row):
    """`indications.csv`: what a drug treats. Roles of one condition are treated side by side."""

    condition: ConditionName
    role: Label
    drug: DrugName
    line: Literal["first", "alternative"]


class Substitute(Row):
    """`substitutes.csv`: what may take a drug's place in a condition."""

    drug: DrugName
    condition: ConditionName
    substitute: DrugName
    note: Words

    @model_validator(mode="after")
    def _two_drugs(self) -> Substitute:
        if self.drug == self.substitute:
            raise ValueError(f"'{self.drug}' as a substitute for itself; expected two drugs")
        return self


class Cascade(Row):
    """`cascades.csv`: a side effect that is taken for a new disease, and what is prescribed against it."""

    trigger: Subject
    effect: Words
    drug: DrugName
    warranted: bool = Field(
        description="whether what is prescribed is good practice beside the trigger, and no mistake"
    )
