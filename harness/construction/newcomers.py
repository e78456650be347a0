"""Patients that an MDP was not made of: which of its states they are in, and what its optimum would do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.construction.features import carried
from harness.construction.kept import Kept
from harness.construction.states import distances
from harness.data.files import Cells
from harness.data.plausible import check_unit
from harness.data.read import read
from harness.data.schemas import Schema
from harness.data.table import Array, IntArray, Table
from harness.mdp.environment import TabularEnvironment
from harness.mdp.tabular import BoolArray, FloatArray

MANY = 30
"""Patients from which on the median of a column tells its unit; of few it may be that of the very ill."""

TIE = 1e-9
"""Action-values that differ by less, in spans of the values, count as the same."""


@dataclass(frozen=True, eq=False)
class Placed:
    """Rows of patients in the states of a built MDP.

    Attributes
    ----------
    patient, time : array, shape (rows,)
    last : bool array, shape (rows,)
        Whether the row is its patient's last.
    state : int array, shape (rows,)
    far : bool array, shape (rows,)
        Whether the row is farther from the state's centre than 99 % of the rows that the state was made of.
    """

    patient: Array
    time: Array
    last: BoolArray
    state: IntArray
    far: BoolArray


def needed(schema: Schema, kept: Kept) -> Schema:
    """The schema of a file of new patients: whom, when, and the columns of the features; any number of steps."""
    wanted = {schema.patient, schema.time, *kept.construction.recipe.features.columns}
    columns = tuple(
        column.model_copy(update={"plausible": None, "measured": None})
        for column in schema.columns
        if column.name in wanted
    )
    return schema.model_copy(update={"columns": columns, "steps": None, "blob_sha1": None})


def place(path: Path, kept: Kept) -> Placed:
    """The states of the patients of a file; a missing value is the patient's last one, before any the median.

    Raises
    ------
    UsageError
        As `harness.data.read.read`, of the columns that are needed.
    """
    features = kept.construction.features
    table = read(path, needed(features.schema, kept))
    if table.n_patients >= MANY:
        for name in features.features.columns:
            check_unit(Cells(path, {}, 2), features.schema.column(name), table.columns[name])
    columns = {name: carried(table.columns[name], table.patients) for name in features.features.columns}
    state = kept.construction.states(columns)
    apart = distances(features.of(columns), kept.construction.centres, state)
    return Placed(
        table.columns[table.schema.patient], table.columns[table.schema.time], _last(table), state,
        apart > kept.reach[state],
    )  # fmt: skip


def _last(table: Table) -> BoolArray:
    found = np.zeros(table.n_rows, dtype=np.bool_)
    found[table.patients[1:] - 1] = True
    return found


def best_supported(env: TabularEnvironment[Any, Any]) -> IntArray:
    """The best action of each state, (S,); of equally good ones that which the data support, and see most often.

    An action that the data do not support does as those they support on average; where there is but one of these, all
    are equally good, and it is the one to name.
    """
    Q, mdp = env.optimum.Q, env.mdp
    best = np.nanmax(np.where(np.isfinite(Q), Q, np.nan), axis=1, keepdims=True)
    among = np.nan_to_num(Q, nan=-np.inf) >= best - TIE * max(abs(env.span), 1.0)
    usual: FloatArray = np.zeros_like(Q) if env.expert_policy is None else env.expert_policy
    return np.asarray(np.where(among, 1.0 + mdp.admissible + usual, 0.0).argmax(axis=1), dtype=np.int64)
