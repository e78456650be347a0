"""Figures of a table are those that numpy finds, beside the published ones."""

from __future__ import annotations

import numpy as np
import pytest

from harness.data.catalogue import schema
from harness.data.own import schema_from

pytest.importorskip("pyarrow", reason="needs the extra data")

from harness.data.describe import describe
from harness.data.read import read
from tests.data.files import OWN, text


@pytest.fixture
def described(tmp_path):
    (tmp_path / "made.csv").write_text(text("hypotension"))
    table = read(tmp_path / "made.csv", schema("hypotension"))
    return table, {found.column.name: found for found in describe(table)}


def test_every_column_but_patient_and_time_is_described(described):
    table, found = described
    assert set(found) == set(table.columns) - {"PatientID", "Timepoints"}


def test_figures_of_numbers(described):
    table, found = described
    urine = table.columns["urine"]
    assert found["urine"].figures["sd"] == pytest.approx(urine.std(ddof=1))
    assert found["urine"].figures["q3"] == pytest.approx(np.quantile(urine, 0.75))
    assert found["urine"].measured == pytest.approx(table.columns["urine_m"].mean())
    assert found["urine"].published() == {"mean": 126.0, "sd": 84.0, "median": 105.0}
    assert found["MAP"].measured is None


def test_shares_of_categories(described):
    table, found = described
    vasopressors = table.columns["vasopressors"]
    assert found["vasopressors"].shares == pytest.approx([(vasopressors == v).mean() for v in (0, 1e-6, 8.4, 20.28)])
    assert sum(found["GCS_total"].shares) == pytest.approx(1)


def test_missing_values_are_left_out(tmp_path):
    (tmp_path / "own.csv").write_text("stay,hour,map,sex\nA1,0,70,f\nA1,2.5,,f\nB7,1,61,m\n")
    found = {f.column.name: f for f in describe(read(tmp_path / "own.csv", schema_from(OWN, "own.toml")))}
    assert found["map"].n == 2
    assert found["map"].figures["mean"] == 65.5
    assert found["sex"].shares == pytest.approx([2 / 3, 1 / 3])
    assert found["sex"].figures == {}
