"""Runs of neural offline learners: what is kept, what a kill costs, and that the folder is the agent valued."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra 'deep': make test-all, or pip install 'harness[deep]'")

from harness.agents.offline.neural_settings import NEURAL, Cloning, Conservative
from harness.agents.tabular_policy import load
from harness.agents.trained import trained
from harness.core.errors import InvalidDataset, RunError, UsageError
from harness.core.run import SUMMARY, TRAINING, RunFolder
from harness.evaluation import datasets
from harness.mdp.evaluate import evaluate
from harness.training.neural import carry_out, start

KILLED = """
import sys
from pathlib import Path
from harness.core.run import TRAINING, RunFolder
from harness.training import neural
neural.SAVED_EVERY = 0.05
with RunFolder.resume(Path(sys.argv[1]), TRAINING) as folder:
    neural.carry_out(folder, lambda training: None)
"""

TINY = {"hidden": 8, "batch": 16}


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data.npz"
    datasets.write(path, *datasets.collect("icu-sepsis", "expert", 100, seed=1))
    return path


def done_at_once(folder, path=None):
    with folder:
        return carry_out(folder, lambda training: None, path)


@pytest.mark.parametrize("name", sorted(NEURAL))
def test_the_folder_is_the_agent_that_was_valued(tmp_path, data, sepsis, name):
    done = done_at_once(start(data, name, NEURAL[name](**TINY, steps=30, look_every=10, seed=7), tmp_path))
    folder = Path(done.learned.run_dir)
    agent = trained(folder, sepsis)
    assert (agent.id, agent.identity["training_seed"]) == (name, 7)
    worth = evaluate(sepsis.mdp, agent.policy(sepsis.mdp))
    assert done.learned.value == worth.J == done.curve[-1]["value"]
    assert done.learned.length == worth.length == done.curve[-1]["length"]
    assert [row["steps"] for row in done.curve] == [10, 20, 30]
    assert json.loads((folder / SUMMARY).read_text())["value"] == worth.J
    live = sepsis.mdp.decision_states
    assert not (agent.policy(sepsis.mdp)[live] * ~sepsis.mdp.admissible[live]).any()


def test_a_killed_run_goes_on_to_the_same_result(tmp_path, data, sepsis):
    settings = Conservative(**TINY, steps=1_200, look_every=300, seed=3)
    whole = done_at_once(start(data, "neural-conservative-q", settings, tmp_path))
    folder = start(data, "neural-conservative-q", settings, tmp_path)
    folder.close()
    kept = folder.path / "checkpoint.safetensors"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder.path)])
    while process.poll() is None and not kept.exists():
        time.sleep(0.005)
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert kept.exists()
    assert not (folder.path / SUMMARY).exists()
    again = done_at_once(RunFolder.resume(folder.path, TRAINING))
    assert again.curve == whole.curve
    one, other = (load(Path(done.learned.run_dir), sepsis) for done in (whole, again))
    assert one.q.tobytes() == other.q.tobytes()
    assert done_at_once(RunFolder.resume(folder.path, TRAINING)).curve == whole.curve


def test_a_run_goes_on_with_its_own_data_alone(tmp_path, data):
    settings = Cloning(**TINY, steps=10)
    folder = start(data, "neural-behaviour-cloning", settings, tmp_path)
    moved = data.rename(tmp_path / "moved.npz")
    datasets.write(data, *datasets.collect("icu-sepsis", "expert", 100, seed=2))
    with pytest.raises(RunError, match=r"data\.npz is not what the run .* began to learn from"):
        done_at_once(folder)
    assert done_at_once(RunFolder.resume(folder.path, TRAINING), moved).curve[-1]["steps"] == 10


def test_what_cannot_be_learned_from_leaves_no_folder(tmp_path, data):
    with np.load(data) as file:
        columns = dict(file)
    columns["reward"][3] = np.nan
    np.savez(tmp_path / "wrong.npz", **columns)
    with pytest.raises(InvalidDataset, match="Row 3, column 'reward' is nan"):
        start(tmp_path / "wrong.npz", "double-dqn", NEURAL["double-dqn"](), tmp_path / "runs")
    with pytest.raises(UsageError, match="training seeds are 0 to 9999"):
        start(data, "double-dqn", NEURAL["double-dqn"](seed=100_000), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
