"""A recipe: how trajectories of patients become a tabular MDP, as a small TOML file.

Built-in ones lie in `recipes/`; `recipes/hypotension.toml` is one to copy. What is a mistake is said in one sentence,
with the file, the line where it can be found, and the field.
"""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from harness.core.errors import UsageError, unknown_name
from harness.core.text import Printable
from harness.data import own
from harness.data.schemas import Schema

SUFFIX = ".toml"
LOG_OFFSET = 0.1
"""Added before a logarithm is taken (Komorowski et al. 2018, `log(0.1 + x)`)."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Treatment(_Frozen):
    """A column that is decided on. Its levels are its categories, or none and equal parts of the doses given."""

    column: str
    name: Printable = Field("", description="in words before the level, e.g. 'fluids'")
    words: tuple[Printable, ...] | None = Field(None, description="a word for every level; an empty one is left unsaid")
    quantiles: int | None = Field(
        None, ge=1, description="equal parts of the doses above 0; its categories if not given"
    )
    dose: str = Field(
        "",
        pattern=r"^(\w[\w ]*)?$",
        description="of what its levels are rising doses, e.g. 'fluids'; empty for a choice",
    )
    abrupt: int | None = Field(
        None, ge=1, description="levels by which successive decisions must differ to be called abrupt"
    )

    @model_validator(mode="after")
    def _dosed(self) -> Self:
        if self.abrupt is not None and not self.dose:
            raise ValueError("abrupt is of doses; expected dose to say what the levels are doses of")
        return self


class Features(_Frozen):
    """Columns that make the state, and what is done to them before patients are clustered."""

    standardise: tuple[str, ...] = Field((), description="minus the mean, by the standard deviation of all rows")
    log: tuple[str, ...] = Field((), description="log(0.1 + x), standardised")
    binary: tuple[str, ...] = Field((), description="codes 0 and 1, minus 0.5")
    one_hot: tuple[str, ...] = Field((), description="a column of 0 and 1 for every category")
    weights: dict[str, float] = Field({}, description="by which a column counts more or less than the others")
    projection: Literal["none", "pca", "pls"] = Field(
        "none", description="onto principal components, or those that go with the treatments (PLS-canonical)"
    )
    components: int = Field(5, ge=1, description="of the projection")

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, in their order."""
        return (*self.standardise, *self.log, *self.binary, *self.one_hot)

    @model_validator(mode="after")
    def _once(self) -> Self:
        if not self.columns:
            raise ValueError("no column is named; expected some in standardise, log, binary or one_hot")
        twice = sorted({name for name in self.columns if self.columns.count(name) > 1})
        if twice:
            raise ValueError(f"the column '{twice[0]}' is named twice")
        stray = sorted(set(self.weights) - set(self.columns))
        if stray:
            raise ValueError(f"weights names '{stray[0]}', which is no feature")
        return self


class States(_Frozen):
    """Clusters of patients' hours, by k-means."""

    n: int = Field(100, ge=2)
    restarts: int = Field(4, ge=1, description="the best of so many beginnings is kept")
    seed: int = Field(0, ge=0)
    fit_rows: int = Field(50_000, ge=100, description="rows that the centres are found on; all rows get a state")


class Severity(_Frozen):
    """By what patients are banded in reports: the median of a column in each state."""

    column: str
    bounds: tuple[FiniteFloat, ...] = Field(min_length=1, description="between the bands, rising")


class Reward(_Frozen):
    """What is paid for a decision; `harness.construction.rewards` has the kinds."""

    kind: Literal["map-urine", "hiv", "sofa-lactate", "column", "outcome"]
    columns: dict[str, str] = Field({}, description="the column of each quantity that the kind needs")


class Ends(_Frozen):
    """How trajectories end.

    horizon : Observation stops after a fixed time, whatever the state. In the MDP it stops after every decision with
        the same chance, one by the mean number of decisions.
    outcome : The last row leads to death or survival.
    """

    kind: Literal["horizon", "outcome"]
    column: str | None = Field(None, description="outcome: the flag of who died")


class Recipe(_Frozen):
    """How a data set becomes a tabular MDP."""

    id: str = Field(min_length=1, pattern=r"^[\w.-]+$")
    title: Printable = Field(min_length=1)
    summary: Printable = Field(description="one sentence: the patient, the decision, its rhythm")
    version: int = Field(1, ge=1, description="to be raised with any change")
    data: str | None = Field(None, description="a known data set, or a TOML file that describes one")
    data_set: dict[str, Any] | None = Field(None, description="or its description itself, see harness.data.own")
    treatments: tuple[Treatment, ...] = Field(min_length=1)
    rare: float = Field(0, ge=0, lt=1, description="combinations in a smaller share of the rows become one action")
    joined_by: str = Field(", ", description="between the words of an action")
    features: Features
    described: tuple[str, ...] = Field((), description="columns that are told of a state beside its features")
    states: States = States()
    severity: Severity | None = Field(None, description="of patients in reports; the optimum's value if not given")
    reward: Reward
    ends: Ends
    visits: int = Field(10, ge=1, description="from which on an action is admissible in a state")
    value_name: Printable = Field("return", description="what a value is, in one or two words")
    citations: tuple[Printable, ...] = ()
    limits: tuple[Printable, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.data is None) == (self.data_set is None):
            raise ValueError("expected either data or data_set")
        if (self.ends.kind == "outcome") != (self.ends.column is not None):
            raise ValueError("ends.column is the flag of who died; expected it with the kind 'outcome' and only there")
        doses = [treatment.dose for treatment in self.treatments if treatment.dose]
        if len(set(doses)) < len(doses):
            raise ValueError(f"two treatments are doses of '{max(doses, key=doses.count)}'; expected a name for each")
        if self.reward.kind == "outcome" and self.ends.kind != "outcome":
            raise ValueError("a reward for the outcome needs ends of the kind 'outcome'")
        return self

    def schema_of_data(self, where: str = "the recipe") -> Schema:
        """The data set's schema, which has every column that the recipe names.

        Raises
        ------
        UsageError
            If it is not known, or a column is missing or of the wrong kind.
        """
        schema = own.schema(self.data) if self.data is not None else own.schema_from(self.data_set or {}, where)
        for role, name, kinds in self._named():
            if name not in schema.names:
                raise UsageError(f"{where}: {role}: {unknown_name('column', name, schema.names)}")
            if kinds and schema.column(name).kind not in kinds:
                raise UsageError(
                    f"{where}: {role}: the column '{name}' is of kind {schema.column(name).kind}; expected "
                    f"{' or '.join(kinds)}."
                )
        for treatment in self.treatments:
            levels = (
                len(schema.column(treatment.column).categories)
                if treatment.quantiles is None
                else (treatment.quantiles + 1)
            )
            if treatment.words is not None and len(treatment.words) != levels:
                raise UsageError(
                    f"{where}: treatments: '{treatment.column}' has {levels} levels and {len(treatment.words)} words; "
                    "expected a word for each."
                )
        return schema

    def _named(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """Every column that is named: as what, and of which kinds it may be."""
        classes = ("category", "flag")
        numbers = ("float", *classes)
        found: list[tuple[str, str, tuple[str, ...]]] = [
            ("treatments", t.column, classes if t.quantiles is None else ("float",)) for t in self.treatments
        ]
        found += [("features", name, numbers) for name in (*self.features.standardise, *self.features.log)]
        found += [("features.binary", name, ()) for name in self.features.binary]
        found += [("features.one_hot", name, classes) for name in self.features.one_hot]
        found += [("described", name, numbers) for name in self.described]
        found += [("reward.columns", name, numbers) for name in self.reward.columns.values()]
        if self.severity is not None:
            found.append(("severity.column", self.severity.column, ("float",)))
        if self.ends.column is not None:
            found.append(("ends.column", self.ends.column, classes))
        return found


def built_in() -> list[str]:
    """Names of the built-in recipes."""
    return sorted(
        f.name.removesuffix(SUFFIX) for f in files(f"{__package__}.recipes").iterdir() if f.name.endswith(SUFFIX)
    )


def load(name: str) -> Recipe:
    """The recipe of a built-in name, or of a TOML file.

    Raises
    ------
    UsageError
        If there is none of that name, or the file describes none; the message names file, line and field.
    """
    if name.endswith(SUFFIX):
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise UsageError(f"{name} cannot be read: {reason}.") from None
        return parse(text, name)
    if name not in built_in():
        raise UsageError(f"{unknown_name('recipe', name, built_in())} The path of a {SUFFIX} file is valid too.")
    return parse((files(f"{__package__}.recipes") / f"{name}{SUFFIX}").read_text(encoding="utf-8"), f"recipe '{name}'")


def changed(recipe: Recipe, *, states: int | None, visits: int | None, seed: int | None) -> Recipe:
    """The recipe with another number of states, threshold of visits, or seed of the clustering, where given."""
    clusters = {name: value for name, value in (("n", states), ("seed", seed)) if value is not None}
    update: dict[str, Any] = {"states": recipe.states.model_copy(update=clusters)}
    if visits is not None:
        update["visits"] = visits
    return recipe.model_copy(update=update)


def parse(text: str, where: str) -> Recipe:
    """The recipe that a text in TOML describes; `where` it stands, for messages.

    Raises
    ------
    UsageError
        As `load`.
    """
    try:
        recipe = Recipe.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{where} is not valid TOML: {error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        place, field = _place(text, where, first["loc"]), ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            raise UsageError(f"{place}: there is no field '{field}'; see harness/construction/recipe.py.") from None
        message = first["msg"].removeprefix("Value error, ")
        given = f" (found {first['input']!r:.60})" if first["type"] != "missing" and field else ""
        raise UsageError(f"{place}: {f'{field}: ' if field else ''}{message}{given}.") from None
    recipe.schema_of_data(where)
    return recipe


def _place(text: str, where: str, field: tuple[int | str, ...]) -> str:
    """The file, and the line on which the innermost key that can be found stands."""
    keys = [key for key in field if isinstance(key, str)]
    index = next((key for key in field if isinstance(key, int)), 0)
    begun, found, seen = 0, 0, -1
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[+\s*([\w.-]+)\s*\]+", line)
        if header:
            named = header[1] == (keys[0] if keys else "")
            seen += named
            begun = number if named and seen == index else 0
        elif len(keys) == 1 or begun:
            key = re.match(r"\s*([\w-]+)\s*=", line)
            if key and key[1] == (keys[-1] if begun else keys[0] if keys else ""):
                return f"{where}, line {number}"
        found = begun or found
    return f"{where}, line {found}" if found else where
