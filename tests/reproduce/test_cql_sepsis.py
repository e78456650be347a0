"""The table of CQL-sepsis: what evaluations would print, the study's folder, its table and its figure."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from pydantic import ValidationError

pytest.importorskip("torch", reason="needs the extra 'deep': make test-all, or pip install 'harness[deep]'")

from harness.agents.trained import trained
from harness.core.errors import RunError
from harness.core.run import RunFolder
from harness.evaluation.references import reference_values
from harness.mdp.evaluate import evaluate
from harness.mdp.simulate import simulate
from harness.reports import cql_sepsis as report
from harness.reproduce import cql_sepsis_study as run
from harness.reproduce import protocol
from harness.reproduce.binomial import best, episodes, mean
from harness.reproduce.cql_sepsis import Cell, Settings, clinicians, selected, survivors, table
from harness.reproduce.protocol import ARMS

SMALL = Settings(
    seeds=(42, 123), alphas=(0.0, 0.5), steps=8, look_every=4, hidden=8, episodes=40, repeats=30
)  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A small study that is done: its folder, and its rows."""
    folder = run.start(tmp_path_factory.mktemp("runs"), SMALL)
    with folder:
        _, rows = run.carry_out(folder, 1, lambda progress: None)
    return folder.path, rows


def test_the_defaults_are_the_published_arms():
    assert Settings().arms == tuple(arm.name for arm in ARMS)
    assert len(Settings().told("DQN", 42).looks) == 20
    assert Settings().told("CQL, alpha 0.1", 456).model_dump()["alpha"] == 0.1
    assert "CQL, alpha 0" not in Settings().trained


def test_the_look_with_most_survivors_is_kept_the_first_of_several():
    counts = np.array([[80, 90, 70], [85, 90, 60], [81, 89, 75]])
    printed, kept = selected(counts, np.array([0.1, 0.2, 0.4]))
    assert {k: n for k, n in enumerate(printed) if n} == {75: 1, 85: 1, 90: 1}
    assert kept == pytest.approx((0.2 + 0.1 + 0.4) / 3)


def test_simulated_evaluations_agree_with_exact_values_and_share_their_patients(sepsis):
    policy = sepsis.expert_policy
    found = survivors(sepsis.mdp, policy, 42, 200)
    value = evaluate(sepsis.mdp, policy).J
    assert found.mean() / 100 == pytest.approx(value, abs=4 * np.sqrt(value * (1 - value) / 20_000))
    assert found.tolist() == survivors(sepsis.mdp, policy, 42, 200).tolist()
    met = simulate(sepsis.mdp, policy, 1_000, seed=100_042, horizon=100)  # patients that nobody trained on
    assert found[: 1_000 // protocol.EPISODES].sum() == (met.returns > 0).sum()
    assert found[:50].tolist() == survivors(sepsis.mdp, policy, 42, 50).tolist()
    assert found.tolist() != survivors(sepsis.mdp, policy, 43, 200).tolist()


def test_clinicians_take_admissible_actions_alone(sepsis):
    data = clinicians(SMALL)
    assert data.n_episodes == 40
    assert sepsis.mdp.admissible[data.state, data.action].all()


def test_the_best_and_the_mean_of_unequal_ones_are_those_of_simulated_ones():
    shares = [episodes(100, p) for p in (0.7, 0.8, 0.85)]
    drawn = np.random.default_rng(0).binomial(100, [0.7, 0.8, 0.85], size=(40_000, 3)) / 100
    assert best(shares).mean == pytest.approx(drawn.max(axis=1).mean(), abs=0.001)
    assert mean(shares).mean == pytest.approx((0.7 + 0.8 + 0.85) / 3)
    low, high = np.quantile(drawn.mean(axis=1), (0.025, 0.975))
    assert mean(shares).central() == pytest.approx((low, high), abs=0.005)
    assert mean(shares).n == 300


def test_every_row_is_of_its_cells(study, sepsis):
    folder, rows = study
    by_arm = {row.arm: row for row in rows}
    assert list(by_arm) == list(SMALL.arms)
    cell = Cell.model_validate_json((folder / "cells" / "dqn-42" / "cell.json").read_text())
    other = Cell.model_validate_json((folder / "cells" / "dqn-123" / "cell.json").read_text())
    row = by_arm["DQN"]
    assert row.exact.value == pytest.approx((cell.values[-1] + other.values[-1]) / 2)
    assert row.kept == pytest.approx((cell.kept + other.kept) / 2)
    assert sum(cell.printed) == SMALL.repeats
    assert min(cell.values) <= cell.kept <= max(cell.values)
    assert row.printed.probabilities.sum() == pytest.approx(1)
    assert row.reached == pytest.approx(row.printed.at_least(0.82))
    twin = by_arm["CQL, alpha 0"]
    assert twin.exact == row.exact
    assert twin.published == row.published == 0.82
    assert row.once.mean <= row.independent.mean
    assert by_arm["random"].exact.value == pytest.approx(0.7801, abs=5e-5)
    agent = trained(folder / "cells" / "cql-alpha-0.5-123", sepsis)
    conservative = Cell.model_validate_json((folder / "cells" / "cql-alpha-0.5-123" / "cell.json").read_text())
    assert conservative.values[-1] == pytest.approx(evaluate(sepsis.mdp, agent.policy(sepsis.mdp)).J)


def test_what_is_done_is_not_done_again_and_what_is_missing_is_made_the_same(study):
    folder, rows = study
    done, gone = (folder / "cells" / name / "cell.json" for name in ("dqn-42", "behaviour-cloning-42"))
    stamp, before = done.stat().st_mtime_ns, Cell.model_validate_json(gone.read_text())
    gone.unlink()
    with RunFolder.resume(folder, run.KIND) as again:
        told = []
        _, found = run.carry_out(again, 1, told.append)
    assert (told[0].done, told[-1].done, told[0].total) == (40, 48, 48)
    assert done.stat().st_mtime_ns == stamp
    after = Cell.model_validate_json(gone.read_text())
    assert after.model_copy(update={"seconds": before.seconds}) == before
    assert [run.plain(row) for row in found] == [run.plain(row) for row in rows]
    kept = done.read_text()
    done.write_text("{")
    with RunFolder.resume(folder, run.KIND) as again, pytest.raises(RunError, match="remove it, and resume"):
        run.carry_out(again, 1, lambda progress: None)
    done.write_text(kept)


def test_the_arms_that_are_done_are_a_table_of_their_own(study, tmp_path):
    folder, rows = study
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "cells" / "cql-alpha-0.5-123" / "cell.json").unlink()
    settings, found = run.so_far(copy)
    assert settings == SMALL.model_copy(update={"alphas": (0.0,)})
    known = {row.arm: row for row in rows}
    assert [row.arm for row in found] == [arm for arm in SMALL.arms if arm != "CQL, alpha 0.5"]
    assert all(row.exact == known[row.arm].exact for row in found)
    assert not (copy / "cells" / "cql-alpha-0.5-123" / "cell.json").exists()  # nothing was trained
    (copy / "cells" / "dqn-42" / "cell.json").unlink()
    with pytest.raises(RunError, match="not even behaviour cloning and DQN are done"):
        run.so_far(copy)


def test_a_training_that_was_stopped_goes_on_to_the_same_cell(study, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "SAVED_EVERY", 0.0)

    def stopped(steps):
        if steps == 8:
            raise KeyboardInterrupt

    job = (str(tmp_path), SMALL, "CQL, alpha 0.5", 123)
    place = tmp_path / "cells" / "cql-alpha-0.5-123"
    with pytest.raises(KeyboardInterrupt):
        run.train_cell(job, stopped)
    assert [path.name for path in place.iterdir()] == ["checkpoint.safetensors"]
    told = []
    run.train_cell(job, told.append)
    assert told == [8]
    assert not (place / "checkpoint.safetensors").exists()
    one, other = (
        Cell.model_validate_json((folder / "cells" / place.name / "cell.json").read_text())
        for folder in (study[0], tmp_path)
    )
    assert one.model_copy(update={"seconds": other.seconds}) == other


def test_the_table_says_what_is_not_the_published_protocol(study, sepsis):
    _, rows = study
    references = {name: reference_values(sepsis)[name] for name in ("expert", "optimal")}
    (block,) = report.table(SMALL, rows, references)
    assert [row[0] for row in block.rows] == list(SMALL.arms)
    said = " ".join(block.notes)
    assert "NOT the published protocol" in said
    assert "steps 8 instead of 100000" in said
    assert "optimal 0.8751" in said
    (asked,) = report.table(Settings(), table_of_nothing(), references)
    assert "NOT" not in " ".join(asked.notes)
    pytest.importorskip("matplotlib")
    axes = report.figure(rows, references).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(SMALL.arms)


def table_of_nothing():
    cell = Cell(arm="", seed=0, transitions=1, values=(0.78,), printed=(0,) * 100 + (1,), kept=0.78, seconds=0.0)
    told = Settings(alphas=(0.0,))
    return table(told, {(arm, seed): cell for arm in told.trained for seed in told.seeds})


@pytest.mark.parametrize(
    "wrong", [{"seeds": ()}, {"seeds": (1, 1)}, {"seeds": (100_000,)}, {"alphas": (-1.0,)}, {"alphas": (1.0, 1.0)}]
)
def test_a_study_of_nothing_or_of_evaluation_seeds_is_refused(wrong):
    with pytest.raises(ValidationError, match="each once|seeds that train|an α is 0 or more"):
        Settings(**wrong)
