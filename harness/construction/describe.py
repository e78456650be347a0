"""What a state is, in the data's own units: medians and quartiles of the rows in it, shares of categories.

These are what prompts show. Flags that only say whether something was measured are left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.construction.features import carried
from harness.construction.recipe import Recipe
from harness.data.schemas import Column
from harness.data.table import Array, IntArray, Table
from harness.mdp.doses import Severity
from harness.mdp.words import DESCRIPTION, STATE

READING = "A patient is described by the medians of similar patients, with the middle half of them in brackets."
"""How the descriptions are to be read; stands in the summary of a built MDP."""

RARE_SHARE = 0.05
"""Categories of a smaller share of a state's rows are left unsaid."""


def names(columns: Sequence[Column]) -> list[str]:
    """What columns are called in prompts: their meaning up to the first comma and their unit; else their name."""
    found: list[str] = []
    for column in columns:
        meant = column.meaning.partition(",")[0].partition(";")[0].strip()
        said = meant if meant and not meant[0].isdigit() else column.name
        named = f"{said} ({column.unit})" if column.unit else said
        found.append(named if named not in (*found, STATE, DESCRIPTION) else f"{column.name} {named}")
    return found


def shown(recipe: Recipe, table: Table) -> list[Column]:
    """The columns of the recipe's features that say something about a patient, and those it names beside them."""
    schema = table.schema
    flags = {column.measured for column in schema.columns}
    columns = dict.fromkeys((*recipe.features.columns, *recipe.described))
    return [schema.column(name) for name in columns if name not in flags]


def describe(recipe: Recipe, table: Table, states: IntArray, K: int) -> list[dict[str, str]]:
    """For each of the K clusters what its rows have, by the names of `names`."""
    columns = shown(recipe, table)
    order = np.argsort(states, kind="stable")
    begins = np.searchsorted(states[order], np.arange(K + 1))
    found: list[dict[str, str]] = [{} for _ in range(K)]
    for column, name in zip(columns, names(columns), strict=True):
        values = table.columns[column.name][order]
        as_words = name_by_share(column, recipe)
        for k in range(K):
            rows = values[begins[k] : begins[k + 1]]
            if len(rows):
                found[k][name] = shares(column, rows) if as_words else quartiles(rows)
    return found


def severity(recipe: Recipe, table: Table, states: IntArray, S: int) -> Severity | None:
    """The median of the recipe's column in each state, (S,); NaN where no row has one. None if it names none."""
    if recipe.severity is None:
        return None
    column = table.schema.column(recipe.severity.column)
    values = carried(table.columns[column.name], table.patients)
    of_states = np.full(S, np.nan)
    for k in np.unique(states):
        there = values[states == k]
        there = there[~np.isnan(there)]
        if len(there):
            of_states[k] = np.median(there)
    return Severity(
        name=column.name,
        unit=column.unit,
        what="median of the rows of the state",
        bounds=recipe.severity.bounds,
        of_states=tuple(of_states.tolist()),
    )


def name_by_share(column: Column, recipe: Recipe) -> bool:
    """Whether a column is told by shares of its categories: what is one-hot, binary, or text."""
    by_share = column.name in (*recipe.features.one_hot, *recipe.features.binary) or column.kind == "flag"
    return bool(column.categories) and (by_share or column.dtype == "text")


def quartiles(values: Array) -> str:
    """'64 (58 to 71)': the median and the middle half; 'not known' where all is missing."""
    there = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    if not len(there):
        return "not known"
    low, middle, high = np.quantile(there, (0.25, 0.5, 0.75))
    return f"{figure(middle)} ({figure(low)} to {figure(high)})"


def shares(column: Column, values: Array) -> str:
    """'male 86 %, female 14 %': the categories by how often they are, the rare ones left out."""
    written = np.array([str(category.code) for category in column.categories])
    if column.dtype == "text":
        counts = np.array([(values == code).sum() for code in written])
    else:
        counts = np.array([(values == float(code)).sum() for code in written])
    part = counts / len(values)
    meanings = _meanings(column)
    often = [i for i in np.argsort(-part, kind="stable") if part[i] >= RARE_SHARE]
    return ", ".join(f"{meanings[i]} {100 * part[i]:.0f} %" for i in often)


def _meanings(column: Column) -> list[str]:
    """The words of the categories; 'no' and 'yes' for a flag without any."""
    if column.kind == "flag" and [c.meaning for c in column.categories] == ["0", "1"]:
        return ["no", "yes"]
    return [category.meaning for category in column.categories]


def figure(value: float) -> str:
    """Three significant digits, and whole numbers in full.

    >>> figure(7.4042), figure(0.0412), figure(12345.6), figure(0.0)
    ('7.4', '0.0412', '12346', '0')
    """
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
