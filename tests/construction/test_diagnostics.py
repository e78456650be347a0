"""What is told of a built MDP's trustworthiness."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra data")

from harness.construction import diagnostics
from harness.construction.build import build
from harness.construction.diagnostics import diagnose
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


def test_history_explains_what_goes_by_the_row_before_and_nothing_else(built):
    """Made-up features, each 0.7 times the one two rows earlier: of their variance 0.49, and of the same row none."""
    rng, table = np.random.default_rng(0), built.table
    made = rng.standard_normal((table.n_rows, 2))
    for row in range(2, table.n_rows):
        made[row] = 0.7 * made[row - 2] + np.sqrt(1 - 0.49) * made[row]
    by = {(e.what, e.by): e for e in diagnostics._history(built, made)}
    before, same = by["next features", "the row before"], by["next features", "the same row"]
    assert before.share == pytest.approx(0.49, abs=0.06)
    assert before.lower < 0.49 < before.upper
    assert same.share == pytest.approx(0, abs=0.02)
    assert abs(by["reward", "the row before"].share) < 0.03  # which these features have no part in
    noise = diagnostics._history(built, rng.standard_normal((table.n_rows, 100)))
    assert max(e.share for e in noise) < 0  # fitted to other patients, noise makes it worse


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
