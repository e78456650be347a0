"""What is told of a built MDP's trustworthiness."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra data")

from harness.construction import diagnostics
from harness.construction.build import build
from harness.construction.diagnostics import _explained, _residual, diagnose
from harness.reports.diagnostics import blocks, write
from tests.construction.made import small, stand_in


@pytest.fixture(scope="module")
def built():
    return build(stand_in("hypotension", 120), small("hypotension"))


@pytest.fixture(scope="module")
def found(built):
    return diagnose(built)


def test_sizes_and_coverage_are_those_of_the_data(built, found):
    assert found.sizes.sum() == built.table.n_rows
    assert found.patients.max() <= built.table.n_patients
    assert (found.patients <= found.sizes).all()
    assert found.seen >= found.admissible == found.choices.sum()
    assert 0.9 < found.on_admissible <= 1


def test_few_coarse_states_leave_something_to_history(found):
    by = {(e.what, e.by): e for e in found.explained}
    rest = by["next features", "the same row"]
    assert 0 < rest.lower < rest.share < rest.upper < 1
    assert rest.patients == 60


def test_where_what_follows_depends_on_the_pair_alone_history_explains_nothing():
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(400), 20)
    pair, history = rng.integers(0, 5, 8_000), rng.standard_normal((8_000, 2))
    residual = _residual((pair + rng.standard_normal(8_000))[:, None], pair, patient % 2 == 1)
    design = np.column_stack([np.ones(8_000), history])
    weights = np.linalg.lstsq(design[patient % 2 == 0], residual[patient % 2 == 0], rcond=None)[0]
    held = patient % 2 == 1
    left = ((residual - design @ weights)[held] ** 2).sum(axis=1)
    told = _explained("x", "y", left, (residual[held] ** 2).sum(axis=1), patient[held])
    assert abs(told.share) < 0.003
    assert told.lower < 0.002


def test_other_seeds_and_numbers_of_states_are_compared(found):
    assert found.rand.shape == (diagnostics.SEEDS,)
    assert (found.rand < 1).all()
    assert found.rand.min() > 0.05
    assert [n for n, _ in found.davies_bouldin] == [3, 6, 12, 24]
    assert len(set(found.optima)) > 1


def test_they_are_written_as_json_and_a_figure(found, tmp_path):
    pytest.importorskip("matplotlib")
    write(found, tmp_path)
    assert json.loads((tmp_path / "diagnostics.json").read_text())["admissible"] == found.admissible
    assert (tmp_path / "diagnostics.png").stat().st_size > 10_000
    assert [len(block.rows) for block in blocks(found)] == [3, 4, 5, 4]
