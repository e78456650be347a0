"""A table and a recipe in, an estimated MDP out, with all that it takes to place other patients in its states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from harness.construction.actions import Actions, actions
from harness.construction.estimate import Estimated, estimate
from harness.construction.features import FeatureMap, carried, feature_map
from harness.construction.patients import ordered
from harness.construction.recipe import Recipe
from harness.construction.states import centres, nearest
from harness.construction.transitions import endings, transitions
from harness.data.table import Array, FloatArray, IntArray, Table
from harness.mdp.dataset import Dataset
from harness.mdp.tabular import BoolArray

Tell = Callable[[str], None]
"""Told what is being done."""


@dataclass(frozen=True, eq=False)
class Construction:
    """How rows of patients become states and actions.

    Attributes
    ----------
    recipe : Recipe
    actions : Actions
    features : FeatureMap
    centres : float array, shape (K, d)
    """

    recipe: Recipe
    actions: Actions
    features: FeatureMap
    centres: FloatArray

    @property
    def n_states(self) -> int:
        """S: the clusters and the terminal states."""
        return len(self.centres) + len(endings(self.recipe))

    @property
    def terminal(self) -> BoolArray:
        """The terminal states, (S,)."""
        return np.asarray(np.arange(self.n_states) >= len(self.centres))

    def states(self, columns: Mapping[str, Array]) -> IntArray:
        """The state of each row (n,), from its columns alone."""
        return nearest(self.features.of(columns), self.centres)

    def place(self, table: Table) -> IntArray:
        """The state of each row of a table, (rows,); a missing value is the patient's last one."""
        columns = {name: carried(table.columns[name], table.patients) for name in self.features.features.columns}
        return self.states(columns)

    def transitions(self, table: Table, states: IntArray | None = None) -> Dataset:
        """Logged transitions of a table's patients, in their order."""
        placed = self.place(table) if states is None else states
        taken = self.actions.of(table.columns)
        return transitions(table, self.recipe, placed, taken, len(self.centres), self.actions.n)

    def estimate(self, data: Dataset) -> Estimated:
        """The MDP of logged transitions."""
        return estimate(data, self.terminal, self.recipe.visits)


@dataclass(frozen=True, eq=False)
class Built:
    """An MDP made of a table.

    Attributes
    ----------
    construction : Construction
    table : Table
        Patients by number.
    states : int array, shape (rows,)
    data : Dataset
    estimated : Estimated
    """

    construction: Construction
    table: Table
    states: IntArray
    data: Dataset
    estimated: Estimated


def construct(table: Table, recipe: Recipe, tell: Tell = lambda what: None) -> Construction:
    """Find the actions, features and states of a table.

    Raises
    ------
    UsageError
        If the table cannot be divided as the recipe says.
    """
    tell("actions")
    chosen = actions(table, recipe)
    tell("features")
    mapped = feature_map(table, recipe, chosen)
    tell(f"{recipe.states.n} states, k-means from {recipe.states.restarts} beginnings")
    columns = {name: carried(table.columns[name], table.patients) for name in recipe.features.columns}
    return Construction(recipe, chosen, mapped, centres(mapped.of(columns), recipe.states))


def build(table: Table, recipe: Recipe, tell: Tell = lambda what: None) -> Built:
    """Make an MDP of a table. The order of patients in a file changes nothing.

    Raises
    ------
    UsageError
        If the table is not of the recipe's data set, or cannot be divided as the recipe says.
    """
    table = ordered(table)
    found = construct(table, recipe, tell)
    tell("states of all rows")
    states = found.place(table)
    tell("transitions and rewards")
    data = found.transitions(table, states)
    tell("the MDP")
    return Built(found, table, states, data, found.estimate(data))
