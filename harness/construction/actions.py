"""Treatments as actions: every combination of the treatments' levels, named clinically."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from harness.construction.recipe import Recipe, Treatment
from harness.core.errors import UsageError
from harness.data.schemas import Column
from harness.data.table import Array, FloatArray, IntArray, Table, levels
from harness.mdp.doses import Dose

OTHER = "another combination"
"""The action that rare combinations become."""
NOTHING = "nothing"


@dataclass(frozen=True, eq=False)
class Levels:
    """The levels of a treatment: its column's categories; or 0 for none and 1, 2, … by the upper `edges` of doses."""

    column: Column
    words: tuple[str, ...]
    edges: FloatArray | None = None
    dose: str = ""
    abrupt: int | None = None

    def of(self, values: Array) -> IntArray:
        """The level of each value."""
        if self.edges is None:
            return levels(self.column, values)
        within = 1 + np.searchsorted(self.edges[:-1], values, side="left")
        return np.where(values > 0, within, 0).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Actions:
    """What can be chosen.

    Attributes
    ----------
    treatments : tuple of Levels
    index : int array, shape (product of the numbers of levels,)
        The action of every combination, the last treatment varying fastest.
    labels : tuple of str
        In words, of every action.
    """

    treatments: tuple[Levels, ...]
    index: IntArray
    labels: tuple[str, ...]

    @property
    def n(self) -> int:
        """A."""
        return len(self.labels)

    def doses(self) -> tuple[Dose, ...]:
        """The treatments that are doses; none where a rare combination has no level of its own."""
        if OTHER in self.labels:
            return ()
        kept = np.unique(self.index, return_index=True)[1]
        levels = np.unravel_index(kept, [len(treatment.words) for treatment in self.treatments])
        return tuple(
            Dose(
                name=treatment.dose,
                levels=treatment.words,
                of_actions=tuple(map(int, level)),
                abrupt=treatment.abrupt,
            )
            for treatment, level in zip(self.treatments, levels, strict=True)
            if treatment.dose
        )

    def of(self, columns: Mapping[str, Array]) -> IntArray:
        """The action of each row, (n,)."""
        combined: IntArray = np.zeros(1, dtype=np.int64)
        for treatment in self.treatments:
            combined = combined * len(treatment.words) + treatment.of(columns[treatment.column.name])
        return self.index[combined]


def actions(table: Table, recipe: Recipe) -> Actions:
    """The actions of a table.

    Raises
    ------
    UsageError
        If a treatment by quantiles is never given, or so rarely different that its parts are not apart.
    """
    found = tuple(_levels(table, treatment) for treatment in recipe.treatments)
    sizes = [len(treatment.words) for treatment in found]
    words = [[treatment.words[level] for level in range(len(treatment.words))] for treatment in found]
    every = np.stack(np.meshgrid(*map(np.arange, sizes), indexing="ij"), axis=-1).reshape(-1, len(sizes))
    labels = [
        recipe.joined_by.join(w for w in (words[i][level] for i, level in enumerate(row)) if w) or NOTHING
        for row in every
    ]
    everything = Actions(found, np.arange(len(every)), tuple(labels))
    if not recipe.rare:
        return everything
    rows = np.bincount(everything.of(table.columns), minlength=len(every))
    kept = np.flatnonzero(rows >= max(recipe.rare * table.n_rows, 1))
    if not len(kept):
        raise UsageError(
            f"No combination of treatments is in {100 * recipe.rare:g} % of the rows, the most frequent in "
            f"{100 * rows.max() / table.n_rows:.2g} %; lower 'rare' in the recipe '{recipe.id}'."
        )
    index = np.full(len(every), len(kept), dtype=np.int64)
    index[kept] = np.arange(len(kept))
    others = (OTHER,) if rows.sum() > rows[kept].sum() else ()
    return Actions(found, np.minimum(index, len(kept) - 1 + len(others)), (*(labels[i] for i in kept), *others))


def _levels(table: Table, treatment: Treatment) -> Levels:
    column = table.schema.column(treatment.column)
    named = f"{treatment.name} " if treatment.name else ""
    if treatment.quantiles is None:
        words = treatment.words or tuple(f"{named}{category.meaning}" for category in column.categories)
        return Levels(column, words, None, treatment.dose, treatment.abrupt)
    doses = table.columns[treatment.column]
    given = doses[doses > 0]
    edges = np.quantile(given, np.arange(1, treatment.quantiles + 1) / treatment.quantiles) if given.size else given
    if not given.size or (np.diff(edges) <= 0).any():
        what = f"the doses fall into fewer than {treatment.quantiles} parts" if given.size else "it is never given"
        raise UsageError(f"The treatment '{treatment.column}' cannot be divided: {what}; name fewer 'quantiles'.")
    if treatment.words:
        return Levels(column, treatment.words, edges, treatment.dose, treatment.abrupt)
    lows, unit = (0.0, *edges[:-1]), f" {column.unit}" if column.unit else ""
    parts = [
        f"{named}{'above ' if n == 0 else ''}{low:.3g} to {high:.3g}{unit}"
        for n, (low, high) in enumerate(zip(lows, edges, strict=True))
    ]
    words = (f"{named}none" if named else f"no {column.name}", *parts)
    return Levels(column, words, edges, treatment.dose, treatment.abrupt)
