"""The study of off-policy estimators: its scores, its run folder, its printed table."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from harness.core.errors import RunError
from harness.core.run import RunFolder
from harness.evaluation.off_policy.every import ESTIMATORS, WEIGHTED
from harness.evaluation.off_policy.overlap import overlap
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import deterministic
from harness.reports.off_policy import study as tables
from harness.reproduce import off_policy_study as run
from harness.reproduce.off_policy import POLICIES, Row, Settings, repeat, scores

SMALL = Settings(sizes=(30, 60), repeats=2, resamples=20)


@pytest.fixture(scope="module")
def rows():
    """Both repeats."""
    return [repeat(i, SMALL) for i in range(2)]


def row(**changes):
    plain = {
        "policy": "random", "episodes": 10, "estimator": "IS", "behaviour": "known", "value": 0.5, "lower": 0.4,
        "upper": 0.6, "ess": 5.0, "truth": 0.45, "overlap": 1.0, "finite": True,
    }  # fmt: skip
    return Row(**(plain | changes))


def test_scores_are_error_spread_and_coverage():
    found = scores([
        row(), row(value=0.7, lower=0.6, upper=0.8, ess=7.0), row(value=None, lower=None, upper=None, ess=0.0),
        row(value=0.4, lower=None, upper=None, finite=False),
    ])  # fmt: skip
    (score,) = found
    errors = np.array([0.05, 0.25, -0.05])
    assert score.bias == pytest.approx(errors.mean())
    assert score.bias_error == pytest.approx(errors.std(ddof=1) / np.sqrt(3))
    assert score.rmse == pytest.approx(np.sqrt((errors**2).mean()))
    assert (score.coverage.value, score.coverage.n) == (0.25, 4)
    assert score.coverage.lower < 0.25 < score.coverage.upper
    assert (score.missing, score.infinite, score.width) == (1, 1, pytest.approx(0.2))
    assert score.ess == pytest.approx(4.25)


def test_a_repeat_tries_every_estimator_on_every_policy(rows):
    found = rows[1]
    assert len(found) == len(POLICIES) * 2 * (2 * len(WEIGHTED) + len(ESTIMATORS) - len(WEIGHTED))
    # the smaller data are the beginning of the larger, whatever the largest is
    alone = repeat(1, Settings(sizes=(30,), repeats=2, resamples=20))
    assert [r for r in found if r.episodes == 30] == alone


def test_cloning_with_the_estimated_behaviour_is_on_policy(rows):
    for r in rows[0]:
        if (r.policy, r.behaviour) == ("bc", "estimated"):
            assert r.ess == pytest.approx(r.episodes)


def test_the_optimum_that_is_evaluated_is_one_that_the_clinicians_can_do(sepsis):
    policy = deterministic(sepsis.mdp, sepsis.optimum.actions)
    assert pytest.approx(sepsis.optimum.J, abs=1e-9) == evaluate(sepsis.mdp, policy).J
    found = overlap(sepsis.mdp, policy, sepsis.expert_policy)
    assert (found.decisions, found.episodes) == (pytest.approx(1), pytest.approx(1))
    assert not found.finite


@pytest.mark.parametrize(("processes", "done"), [(1, 1), (2, 0)])
def test_a_study_goes_on_where_it_stopped_to_the_same_scores(tmp_path, rows, processes, done):
    with run.start(tmp_path, SMALL) as folder:
        for i in range(done):
            folder.write_json(f"repeat-{i:04}.json", {"rows": [r.model_dump() for r in rows[i]]})
    before = {path: path.stat().st_mtime_ns for path in folder.path.glob("repeat-*.json")}
    told = []
    with RunFolder.resume(folder.path, run.KIND) as again:
        settings, found = run.carry_out(again, processes, told.append)
    assert settings == SMALL
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert [run.plain(s) for s in found] == [run.plain(s) for s in scores([*rows[0], *rows[1]])]
    assert [(p.done, p.total) for p in told] == [(n, 2) for n in range(done, 3)]
    (folder.path / "repeat-0000.json").write_text("{")
    with RunFolder.resume(folder.path, run.KIND) as again, pytest.raises(RunError, match="remove it"):
        run.carry_out(again, 1, lambda progress: None)


def test_the_table_says_error_coverage_and_effective_sample_size_of_every_estimator(rows):
    found = scores([*rows[0], *rows[1]])
    blocks = list(tables(SMALL, found, detail=True))
    heads, directions, details = blocks[0:4:2], blocks[1:4:2], blocks[4:-1]
    for head, direction in zip(heads, directions, strict=True):
        assert head.headings == direction.headings == ("estimator", "behaviour", *POLICIES)
        assert [r[0] for r in head.rows[-3:]] == ["exact value", "overlap", "variance"]
        assert "bias" in direction.caption
        assert [r[:2] for r in direction.rows] == [r[:2] for r in head.rows[: len(direction.rows)]]
    assert [b.caption.split(":")[0] for b in details] == list(POLICIES)
    for block in details:
        assert {"bias ± 2 se", "RMSE", "coverage (95 %)", "ESS"} <= set(block.headings)
        assert {r[1] for r in block.rows} == set(ESTIMATORS)
    json.dumps([run.plain(s) for s in found], allow_nan=False)


@pytest.mark.parametrize(("values", "share", "marked"), [([0.5, 0.51, 9.5], 1.0, 3), ([0.4, 0.6, 0.4], 1 / 3, 0)])
def test_an_error_that_is_one_data_sets_is_marked(values, share, marked):
    (score,) = scores(row(value=value, truth=0.5, episodes=30) for value in values)
    assert score.largest == pytest.approx(share, abs=1e-3)
    kinds = (("IS", "known"), ("IS", "estimated"), ("MB", "none"))
    same = [replace(score, estimator=name, behaviour=said) for name, said in kinds]
    assert sum("†" in cell for r in next(tables(SMALL, same, detail=False)).rows for cell in r) == marked


@pytest.mark.parametrize("wrong", [{"sizes": ()}, {"sizes": (5, 5)}, {"sizes": (1,)}, {"repeats": 1}])
def test_a_study_of_nothing_is_refused(wrong):
    with pytest.raises(ValidationError):
        Settings(**wrong)
