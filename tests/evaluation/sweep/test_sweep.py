"""Sweeps: every cell once, the same in any number of processes, and after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from harness.agents.offline import batch_constrained, pessimistic
from harness.agents.offline.learners import within_legal
from harness.core.errors import RunError, UsageError
from harness.core.run import RunFolder
from harness.evaluation.sweep.plan import Arm, standard_arms
from harness.evaluation.sweep.planner import Penalty, Support
from harness.evaluation.sweep.planner import pessimistic as planned_pessimistically
from harness.evaluation.sweep.planner import support_constrained as planned_with_support
from harness.evaluation.sweep.results import cells, held, rows
from harness.evaluation.sweep.run import SWEEP, carry_out, plan_of, start
from harness.evaluation.sweep.work import file_of, missing, work
from harness.mdp.evaluate import evaluate
from harness.mdp.simulate import record

ARMS = (
    Arm(learner="behaviour-cloning"),
    Arm(learner="batch-constrained-q", settings={"support": 5}),
    Arm(learner="conservative-q", settings={"alpha": 0.5}),
    Arm(learner="support-planner", settings={"support": 5}),
)


def begun(out, *, sizes=(50, 100), seeds=(0, 1), arms=ARMS):
    folder = start(out, "icu-sepsis", "expert", arms, sizes=sizes, seeds=seeds)
    folder.close()
    return folder.path


def values(path):
    plan = plan_of(path)
    return {
        key: [(cell.seed, cell.value, cell.transitions) for cell in there] for key, there in cells(path, plan).items()
    }


def test_cells_are_exact_values_of_what_was_learned(tmp_path, sepsis):
    path = begun(tmp_path, sizes=(100,), seeds=(2,))
    assert len(list(work(path, plan_of(path), 100, 2))) == len(ARMS)
    data = record(sepsis.mdp, sepsis.expert_policy, 100, seed=2, horizon=500)
    policy, _ = batch_constrained.learn(data, batch_constrained.Settings(support=5))
    exact = evaluate(sepsis.mdp, within_legal(policy, sepsis.mdp.legal)).J
    assert values(path)["batch-constrained-q support=5", 100] == [(2, exact, len(data))]
    assert list(work(path, plan_of(path), 100, 2)) == []


def test_any_number_of_processes_gives_the_same_and_what_was_lost_is_filled(tmp_path):
    alone, together = begun(tmp_path / "a"), begun(tmp_path / "b")
    carry_out(alone, 1)
    plan = plan_of(together)
    assert len(list(work(together, plan, 50, 1))) == 4
    lost = file_of(together, ARMS[1], 50, 1)
    lost.unlink()
    kept = file_of(together, ARMS[0], 50, 1).stat().st_mtime_ns
    told = []
    carry_out(together, 2, told.append)
    assert values(alone) == values(together)
    assert file_of(together, ARMS[0], 50, 1).stat().st_mtime_ns == kept
    assert (told[0].done, told[-1].done, told[-1].total) == (3, 16, 16)
    assert all(row.value.n == 2 for row in rows(plan, cells(together, plan)))
    assert not [left for size, seed in plan.data_sets for left in missing(together, plan, size, seed)]


def test_a_sweep_that_was_killed_goes_on(tmp_path):
    """The whole process is killed; its workers end with it, and nothing is counted twice."""
    arms = tuple(Arm(learner="batch-constrained-q", settings={"support": k}) for k in range(1, 31))
    path = begun(tmp_path, sizes=(10_000,), seeds=(0, 1, 2, 3), arms=arms)
    words = [sys.executable, "-m", "harness", "sweep", "--resume", str(path), "--processes", "2", "--quiet"]
    running = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ))
    begin = time.monotonic()
    while not list(path.glob("cells/*/*.json")) and time.monotonic() - begin < 60:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    time.sleep(0.5)
    there = {file: file.stat().st_mtime_ns for file in path.glob("cells/*/*.json")}
    total = 120
    assert 1 <= len(there) < total
    time.sleep(0.5)
    assert len(list(path.glob("cells/*/*.json"))) == len(there)  # nobody goes on without the parent
    with RunFolder.resume(path, SWEEP):
        carry_out(path, 2)
    after = {file: file.stat().st_mtime_ns for file in path.glob("cells/*/*.json")}
    assert len(after) == total
    assert there == {file: after[file] for file in there}


def test_the_best_learner_stands_beside_the_best_planner(tmp_path):
    path = begun(tmp_path, sizes=(300,), seeds=(0, 1), arms=standard_arms((0.5,)))
    carry_out(path, 1)
    plan = plan_of(path)
    (found,) = held(plan, cells(path, plan))
    assert not found.learner.arm.planner
    assert found.planner.arm.planner
    assert found.difference.n == 2
    assert found.difference.value == pytest.approx(found.learner.value.value - found.planner.value.value)
    assert abs(found.difference.value) < 0.005


def test_planners_agree_with_the_learners_that_they_check(sepsis):
    data = record(sepsis.mdp, sepsis.expert_policy, 5_000, seed=0)
    policy, _ = batch_constrained.learn(data, batch_constrained.Settings(support=20))
    planned, _ = planned_with_support(data, Support(support=20))
    assert pytest.approx(evaluate(sepsis.mdp, planned).J, abs=1e-3) == evaluate(sepsis.mdp, policy).J
    policy, _ = pessimistic.learn(data, pessimistic.Settings(beta=0.1))
    planned, _ = planned_pessimistically(data, Penalty(beta=0.1))
    assert pytest.approx(evaluate(sepsis.mdp, planned).J, abs=1e-3) == evaluate(sepsis.mdp, policy).J


def test_larger_data_of_a_seed_begin_with_the_smaller(sepsis):
    small, large = (record(sepsis.mdp, sepsis.expert_policy, n, seed=1) for n in (10, 30))
    assert large.state[: len(small)].tolist() == small.state.tolist()


def test_damaged_cells_and_other_cells_are_named(tmp_path):
    path = begun(tmp_path, sizes=(50,), seeds=(0,))
    plan = plan_of(path)
    assert list(work(path, plan, 50, 0))
    file = file_of(path, ARMS[1], 50, 0)
    said = json.loads(file.read_text())
    file.write_text(json.dumps(said | {"seed": 1}))
    with pytest.raises(RunError, match="another cell than its name says"):
        cells(path, plan)
    file.write_text(json.dumps(said)[:40])
    with pytest.raises(RunError, match="cannot be read"):
        cells(path, plan)


def test_what_is_no_sweep_is_named(tmp_path):
    with pytest.raises(UsageError, match="the sizes name one twice"):
        begun(tmp_path, sizes=(50, 50))
    with pytest.raises(UsageError, match="Seed 10000 cannot be used to train"):
        begun(tmp_path, seeds=(10_000,))
    with pytest.raises(UsageError, match="no offline learner 'cql'"):
        standard_arms(learners=("cql",))
    with pytest.raises(RunError, match="not a run folder"):
        plan_of(tmp_path)
    path = begun(tmp_path)
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["plan"]["env_version"] = 1
    (path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RunError, match="is of icu-sepsis v1, and this is v2"):
        plan_of(path)
    manifest["plan"] |= {"env_version": 2, "agent_sha256": "0"}
    (path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RunError, match="has changed since this sweep began"):
        list(work(path, plan_of(path), 50, 0))
