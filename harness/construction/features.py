"""Columns as numbers in which patients can be compared: standardised, logarithms, one-hot, projected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from harness.construction.actions import Actions
from harness.construction.recipe import LOG_OFFSET, Features, Recipe
from harness.core.errors import UsageError
from harness.core.extras import require
from harness.data.schemas import Schema
from harness.data.table import Array, FloatArray, IntArray, Table, levels


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """From columns to features, as fitted on a table.

    Attributes
    ----------
    features : Features
    schema : Schema
    names : tuple of str, F of them
        Of the features before the projection.
    centre, scale : float array, shape (F,)
        A feature is `(x - centre) * scale`.
    fill : mapping of column to float
        The median, for what is missing.
    matrix : float array, shape (F, d), or None
        Of the projection; the features of a row are multiplied by it.
    """

    features: Features
    schema: Schema
    names: tuple[str, ...]
    centre: FloatArray
    scale: FloatArray
    fill: Mapping[str, float]
    matrix: FloatArray | None = None

    def of(self, columns: Mapping[str, Array]) -> FloatArray:
        """Features (n, d) of rows whose columns are (n,)."""
        raw, _ = _raw(columns, self.features, self.schema, self.fill)
        raw -= self.centre
        raw *= self.scale
        return raw if self.matrix is None else raw @ self.matrix


def feature_map(table: Table, recipe: Recipe, actions: Actions) -> FeatureMap:
    """Fit the recipe's features to a table.

    Raises
    ------
    UsageError
        If a column is the same in all rows, wholly missing, or the projection has too many components.
    """
    wanted, schema = recipe.features, table.schema
    fill = {name: _median(table, name) for name in wanted.columns if schema.column(name).may_be_missing}
    columns = {name: carried(table.columns[name], table.patients) for name in wanted.columns}
    raw, names = _raw(columns, wanted, schema, fill)
    centre, scale = np.zeros(len(names)), np.ones(len(names))
    n = len(wanted.standardise) + len(wanted.log)
    centre[:n], spread = raw[:, :n].mean(axis=0), raw[:, :n].std(axis=0)
    if n and not (spread > 0).all():
        raise UsageError(
            f"The column '{names[int(spread.argmin())]}' is the same in all rows and tells no patients apart; leave "
            f"it out of the features of recipe '{recipe.id}'."
        )
    scale[:n] = 1.0 / spread
    centre[n : n + len(wanted.binary)] = 0.5
    scale *= [wanted.weights.get(name.partition(" = ")[0], 1.0) for name in names]
    found = FeatureMap(wanted, schema, tuple(names), centre, scale, fill)
    if wanted.projection == "none":
        return found
    raw -= centre
    raw *= scale
    matrix = _projection(raw, wanted, actions, table)
    return FeatureMap(wanted, schema, tuple(names), centre, scale, fill, matrix)


def carried(values: Array, patients: IntArray) -> Array:
    """A column in which a missing value is the patient's last one; NaN where there was none before."""
    if values.dtype.kind != "f" or not np.isnan(values).any():
        return values
    rows = np.arange(len(values))
    first = np.repeat(patients[:-1], np.diff(patients))
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, rows))
    return np.where(last >= first, values[np.maximum(last, 0)], np.nan)


def _median(table: Table, name: str) -> float:
    values = table.columns[name]
    if np.isnan(values).all():
        raise UsageError(f"The column '{name}' has no value in any row; leave it out of the recipe.")
    return float(np.nanmedian(values))


def _raw(
    columns: Mapping[str, Array], wanted: Features, schema: Schema, fill: Mapping[str, float]
) -> tuple[FloatArray, list[str]]:
    """The features before they are centred and scaled, (n, F), and their names."""
    found: list[Array] = []
    names: list[str] = []

    def filled(name: str) -> FloatArray:
        values = np.asarray(columns[name], dtype=np.float64)
        return np.where(np.isnan(values), fill[name], values) if name in fill else values

    for name in (*wanted.standardise, *wanted.log, *wanted.binary):
        values = filled(name)
        found.append(np.log(LOG_OFFSET + np.maximum(values, 0.0)) if name in wanted.log else values)
        names.append(name)
    for name in wanted.one_hot:
        level = levels(schema.column(name), columns[name])
        for i, category in enumerate(schema.column(name).categories):
            found.append(level == i)
            names.append(f"{name} = {category.code}")
    return np.stack(found, axis=1).astype(np.float64), names


def _projection(raw: FloatArray, wanted: Features, actions: Actions, table: Table) -> FloatArray:
    """The matrix (F, d) of the first components."""
    require("Building an MDP", "data", "sklearn")
    from sklearn.cross_decomposition import PLSCanonical
    from sklearn.decomposition import PCA

    onto: list[FloatArray] = []
    if wanted.projection == "pls":
        for treatment in actions.treatments:
            level = treatment.of(table.columns[treatment.column.name])
            onto += [(level == i).astype(np.float64) for i in range(len(treatment.words)) if (level == i).any()]
    most = min(raw.shape[1], len(onto) - len(actions.treatments)) if onto else raw.shape[1]
    if wanted.components > most:
        raise UsageError(
            f"A projection onto {wanted.components} components was asked for; these columns and treatments have at "
            f"most {most}: lower 'components' in the recipe."
        )
    if onto:
        fitted = PLSCanonical(n_components=wanted.components, max_iter=2_000).fit(raw, np.stack(onto, axis=1))
        zero = fitted.transform(np.zeros((1, raw.shape[1])))
        matrix = fitted.transform(np.eye(raw.shape[1])) - zero
    else:
        matrix = PCA(n_components=wanted.components, svd_solver="covariance_eigh").fit(raw).components_.T
    signs = np.sign(matrix[np.abs(matrix).argmax(axis=0), np.arange(matrix.shape[1])])
    return np.asarray(matrix * signs, dtype=np.float64)
