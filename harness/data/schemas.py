"""What a data set's columns are: names, types, units, categories, ranges, and the statistics published of them."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, field_validator, model_validator

Kind = Literal["float", "category", "flag", "id", "time"]
DType = Literal["float", "integer", "text"]
Access = Literal["open", "credentialed", "own"]
"""Who may have the data: anyone; who has signed the provider's agreement; whoever answers for these patients."""

DTYPES: dict[Kind, DType] = {
    "float": "float", "category": "integer", "flag": "integer", "id": "integer", "time": "integer"
}  # fmt: skip
"""Of a column whose `dtype` is not given."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Published(_Frozen):
    """Figures that are in print about a column; None where they are not. `shares` are by category, in their order."""

    mean: float | None = None
    sd: float | None = None
    minimum: float | None = None
    q1: float | None = None
    median: float | None = None
    q3: float | None = None
    maximum: float | None = None
    mode: float | None = None
    shares: tuple[float, ...] | None = None


class Category(_Frozen):
    """A code as the file has it, and what it stands for."""

    code: str = Field(description="as written in the file, e.g. '1e-06'; numbers are compared as numbers")
    meaning: str = Field(description="in words, e.g. 'decile 7 of the cohort'")


class Column(_Frozen):
    """One column.

    Values outside `low` to `high` are errors. A float column whose median is outside `plausible` is in another unit
    than `unit`, or is another quantity.
    """

    name: str = Field(min_length=1)
    kind: Kind
    dtype: DType = Field("float", description="what is held in memory; as its kind if not given")
    unit: str = Field("", description="e.g. 'mmHg'; empty where there is none")
    low: FiniteFloat | None = None
    high: FiniteFloat | None = None
    plausible: tuple[FiniteFloat, FiniteFloat] | None = Field(None, description="where the median of all rows may be")
    substance: str | None = Field(None, description="what mg/dL are of, e.g. 'creatinine', to recognise other units")
    categories: tuple[Category, ...] = ()
    may_be_missing: bool = Field(False, description="empty cells and NaN are read as NaN")
    measured: str | None = Field(None, description="column of the flag that says in which rows it was measured")
    meaning: str = ""
    published: Published | None = None

    @model_validator(mode="before")
    @classmethod
    def _typed(cls, given: Any) -> Any:
        """The dtype of the kind; categories may be given by their codes alone."""
        if not isinstance(given, dict):
            return given
        found = dict(given)
        kind = found.get("kind")
        if kind in DTYPES:
            found.setdefault("dtype", DTYPES[kind])
        if kind == "flag":
            found.setdefault("categories", ("0", "1"))
        return found

    @field_validator("categories", mode="before")
    @classmethod
    def _by_codes(cls, given: Any) -> Any:
        if not isinstance(given, list | tuple):
            return given
        return tuple(
            {"code": str(each), "meaning": str(each)} if isinstance(each, str | int | float) else each for each in given
        )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.kind in ("category", "flag") and not self.categories:
            raise ValueError(f"the column '{self.name}' is a category; expected its codes in 'categories'")
        if self.kind in ("float", "time") and self.dtype == "text":
            raise ValueError(f"the column '{self.name}' is of kind {self.kind}; expected dtype float or integer")
        if self.may_be_missing and self.kind != "float":
            raise ValueError(f"the column '{self.name}' is of kind {self.kind}; only floats may be missing")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"the column '{self.name}' has low {self.low:g} and high {self.high:g}")
        if self.dtype != "text":
            for category in self.categories:
                float(category.code)
        return self


class Schema(_Frozen):
    """A data set: rows of patients by time, one row a step.

    `steps` is how many rows each patient has (None: any number), `time_step` by how much the time column rises from
    row to row (None: it rises, and steps may be missing).
    """

    id: str = Field(min_length=1)
    title: str
    columns: tuple[Column, ...] = Field(min_length=1)
    patient: str
    time: str
    hours_per_step: float = Field(gt=0)
    step_name: str = Field("step", description="'hour', 'month': what a row is, for messages")
    steps: int | None = Field(None, ge=1)
    time_step: float | None = Field(1.0, gt=0)
    access: Access = "own"
    file: str = Field("", description="name under which the data set is published")
    where: str = Field("", description="where it is to be had, in words")
    url: str | None = Field(None, description="address of the file where the access is open")
    blob_sha1: str | None = Field(None, description="git blob SHA-1 of a published copy")
    patients: int | None = Field(None, description="in the published file")
    index: bool = Field(False, description="the published file begins with an unnamed column of row numbers")
    citation: str = ""
    licence: str = "not stated"
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _named(self) -> Self:
        names = [column.name for column in self.columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the column '{twice[0]}' is described twice")
        kinds = {column.name: column.kind for column in self.columns}
        for role, name, kind in (("patient", self.patient, "id"), ("time", self.time, "time")):
            if kinds.get(name) != kind:
                raise ValueError(f"{role} is '{name}'; expected the name of a column of kind {kind}")
        return self

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises
        ------
        KeyError
            If there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all columns, in the order of the published file where that is known."""
        return tuple(column.name for column in self.columns)
