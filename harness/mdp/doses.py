"""What a task tells of its actions and states beyond the MDP: graded doses, and how ill the patients of a state are.

Either stands in `mdp.toml`, or in the code of an environment; nothing of it is needed to compute a value.
"""

from __future__ import annotations

import math
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from harness.core.errors import InvalidMDP
from harness.core.text import Printable
from harness.mdp.tabular import BoolArray, FloatArray, IntArray, TabularMDP


class Dose(BaseModel):
    """A treatment whose levels rise, and the level that each action gives."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, pattern=r"^\w[\w ]*$", description="e.g. 'vasopressor'")
    levels: tuple[Printable, ...] = Field(min_length=2, description="what each level is, from none to the most")
    of_actions: tuple[int, ...] = Field(description="the level of every action")
    abrupt: int | None = Field(
        None, ge=1, description="levels by which successive decisions must differ to be called abrupt, if any are"
    )

    @model_validator(mode="after")
    def _levels(self) -> Self:
        wrong = [level for level in self.of_actions if not 0 <= level < len(self.levels)]
        if wrong:
            raise ValueError(f"of_actions names level {wrong[0]}; expected 0 to {len(self.levels) - 1}")
        return self

    @property
    def given(self) -> FloatArray:
        """1 where an action gives a level, shape (A, L)."""
        return np.asarray(np.eye(len(self.levels))[self.index])

    @property
    def index(self) -> IntArray:
        """The level of every action, shape (A,)."""
        return np.array(self.of_actions, dtype=np.int64)


class Severity(BaseModel):
    """A number for every state by which its patients are banded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Printable = Field(min_length=1, description="e.g. 'SOFA'")
    unit: Printable = ""
    what: Printable = Field("", description="what the number is of, e.g. 'mean of the patients of the state'")
    bounds: tuple[FiniteFloat, ...] = Field(min_length=1, description="between the bands, rising")
    of_states: tuple[float, ...] = Field(description="of every state; NaN where there is none")

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if any(low >= high for low, high in zip(self.bounds, self.bounds[1:], strict=False)):
            raise ValueError(f"bounds are {list(self.bounds)}; expected them to rise")
        return self

    def bands(self) -> dict[str, BoolArray]:
        """Which states belong to each band, shape (S,) each; a value on a bound belongs to the band in the middle.

        >>> list(Severity(name="SOFA", bounds=(5, 11), of_states=(3.0, 5.0, 12.0)).bands())
        ['SOFA < 5', 'SOFA 5 to 11', 'SOFA > 11']
        """
        values = np.array(self.of_states)
        first, last = self.bounds[0], self.bounds[-1]
        found = {f"{self.name} < {first:.4g}": values < first}
        for low, high in zip(self.bounds, self.bounds[1:], strict=False):
            above = values >= low if low == first else values > low
            found[f"{self.name} {low:.4g} to {high:.4g}"] = above & (values <= high)
        found[f"{self.name} {'>' if len(self.bounds) > 1 else '≥'} {last:.4g}"] = (
            values > last if len(self.bounds) > 1 else values >= last
        )
        return found


def by_value(mdp: TabularMDP, V: FloatArray) -> Severity | None:
    """The states in thirds by a value V (S,), for a task that says nothing of severity; None if they are all alike."""
    live = mdp.decision_states
    low, high = (float(bound) for bound in np.quantile(V[live], (1 / 3, 2 / 3)))
    if not low < high:
        return None
    values = np.where(mdp.terminal, math.nan, V)
    return Severity(
        name="V*",
        what="the optimum's value of the state, its bounds thirds of the states; the task tells no severity of its own",
        bounds=(low, high),
        of_states=tuple(values.tolist()),
    )


def fitting(doses: tuple[Dose, ...], severity: Severity | None, S: int, A: int, where: str) -> None:
    """See that doses and severity are of these states and actions.

    Raises
    ------
    InvalidMDP
        If a number of entries is not that of the states or actions, or a name is there twice; `where` they stand.
    """
    for dose in doses:
        if len(dose.of_actions) != A:
            raise InvalidMDP(
                f"{where}: the dose '{dose.name}' has a level for {len(dose.of_actions)} actions; expected {A}."
            )
    names = [dose.name for dose in doses]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InvalidMDP(f"{where}: the dose '{twice[0]}' is there twice; expected it once.")
    if severity is not None and len(severity.of_states) != S:
        raise InvalidMDP(
            f"{where}: the severity has a value for {len(severity.of_states)} states; expected {S}, nan for those "
            "without one."
        )
