"""Small tables: of a stand-in, and of a data set of one's own written cell by cell."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from harness.construction.recipe import Recipe, changed, load, parse
from harness.data.stand_ins.catalogue import process
from harness.data.stand_ins.simulate import simulate
from harness.data.table import Source, Table

OWN = """\
id = "ward"
title = "A ward"
summary = "A patient on a ward; a drug is given or not."
visits = 2
value_name = "survival"

[[treatments]]
column = "drug"
words = ["nothing", "the drug"]

[features]
standardise = ["x"]
one_hot = ["sex"]

[states]
n = 2
fit_rows = 100

[reward]
kind = "outcome"

[ends]
kind = "outcome"
column = "died"

[data_set]
id = "ours"
title = "Ours"
patient = "stay"
time = "day"
hours_per_step = 24
columns = [
  { name = "stay", kind = "id" },
  { name = "day", kind = "time" },
  { name = "x", kind = "float", unit = "mmHg", meaning = "a pressure", may_be_missing = true },
  { name = "sex", kind = "category", dtype = "text", categories = ["f", "m"] },
  { name = "drug", kind = "flag" },
  { name = "died", kind = "flag" },
]
"""


def own(text: str = OWN) -> Recipe:
    return parse(text, "ward.toml")


def table(recipe: Recipe, lengths: list[int], **columns: object) -> Table:
    """A table of patients 0, 1, … with so many rows each."""
    patients = np.concatenate([[0], np.cumsum(lengths)])
    given = {
        "stay": np.repeat(np.arange(len(lengths)), lengths),
        "day": np.concatenate([np.arange(n) for n in lengths]),
        **{name: np.asarray(values) for name, values in columns.items()},
    }
    return Table(recipe.schema_of_data(), given, patients, Source(Path("ours.csv"), "0" * 40, "unknown"))


@lru_cache(maxsize=4)
def stand_in(name: str, patients: int = 60, seed: int = 5) -> Table:
    made = process(name)
    columns = simulate(made, patients, seed).columns
    offsets = np.arange(patients + 1) * made.steps
    return Table(made.schema, columns, offsets, Source(Path(f"{name}.csv"), "0" * 40, "stand-in"))


def small(name: str, states: int = 12) -> Recipe:
    """A built-in recipe with few states."""
    return changed(load(name), states=states, visits=3, seed=0)
