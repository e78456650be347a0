"""Runs of tabular agents: what is kept, what a kill costs, and what the curves are said to mean."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from harness.agents.tabular_policy import load
from harness.core.arrays import read_arrays, write_arrays
from harness.core.errors import InvalidMDP, RunError, UsageError
from harness.core.run import SUMMARY, TRAINING, RunFolder
from harness.envs.registry import make_tabular
from harness.mdp.evaluate import evaluate
from harness.training.convergence import SHORTEST, SMOOTHING
from harness.training.learning_curves import Trained
from harness.training.lockstep import carry_out, require, start

KILLED = """
import sys
from pathlib import Path
from harness.core.run import TRAINING, RunFolder
from harness.training import lockstep
lockstep.SAVED_EVERY = 0.1
with RunFolder.resume(Path(sys.argv[1]), TRAINING) as folder:
    lockstep.carry_out(folder, 1, lambda done: None)
"""

FEW = {"episodes": 1500}


def done_at_once(folder, processes=1, watch=lambda done: None):
    with folder:
        return carry_out(folder, processes, watch)


def same(a: Trained, b: Trained):
    one, other = (
        load(Path(a.run_dir), make_tabular(a.env)),
        load(Path(b.run_dir), make_tabular(b.env)),
    )
    arrays = ("looks", "value", "length", "returns", "steps")
    return np.array_equal(one.policy, other.policy) and all(
        np.array_equal(getattr(a, name), getattr(b, name)) for name in arrays
    )


def test_a_killed_training_goes_on_to_the_same_result(tmp_path):
    whole = done_at_once(start(tmp_path, "icu-sepsis", "q-learning", FEW, [0, 1]))
    folder = start(tmp_path, "icu-sepsis", "q-learning", FEW, [0, 1])
    folder.close()
    killed = 0
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder.path)])
        part, before = folder.path / "part-0.npz", time.time()
        while process.poll() is None and not (part.exists() and part.stat().st_mtime > before + 0.2):
            time.sleep(0.01)
        killed += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert killed
    again = done_at_once(RunFolder.resume(folder.path, TRAINING))
    assert same(whole, again)


def test_what_is_learned_under_an_option_is_valued_and_kept_under_it(tmp_path):
    given = {"inadmissible": "terminate"}
    done = done_at_once(start(tmp_path, "icu-sepsis", "sac", {"episodes": 300}, [0], options=given))
    assert done.options == given
    env = make_tabular("icu-sepsis", **given)
    policy = load(Path(done.run_dir), env).policy[0]
    assert pytest.approx(done.value[0, -1], abs=1e-9) == evaluate(env.mdp, policy).J
    with pytest.raises(RunError, match=r"learned in icu-sepsis v2 with inadmissible=terminate, and this is icu-sepsis"):
        load(Path(done.run_dir), make_tabular("icu-sepsis"))


def test_parts_and_processes_do_not_change_the_result(tmp_path):
    seeds, few = [5, 6, 7], {"episodes": 200}
    alone = done_at_once(start(tmp_path, "icu-sepsis", "q-learning", few, seeds))
    told = []
    divided = done_at_once(start(tmp_path, "icu-sepsis", "q-learning", few, seeds, parts=2), 2, told.append)
    assert same(alone, divided)
    assert told[-1] == 600
    assert sorted(path.name for path in Path(divided.run_dir).iterdir() if path.suffix) == [
        "curves.npz", "manifest.json", "policy.npz", "summary.json",
    ]  # fmt: skip


def test_the_last_look_is_the_exact_value_of_the_policy_kept(tmp_path, sepsis):
    done = done_at_once(start(tmp_path, "icu-sepsis", "ppo", {"episodes": 300, "rollout": 100}, [2, 3]))
    found = load(Path(done.run_dir), sepsis)
    assert done.looks[-1] == 300
    for policy, value, length in zip(found.policy, done.value, done.length, strict=True):
        evaluation = evaluate(sepsis.mdp, policy)
        assert value[-1] == evaluation.J
        assert length[-1] == evaluation.length
    summary = json.loads((Path(done.run_dir) / SUMMARY).read_text())
    assert summary["values"] == {"2": done.value[0, -1], "3": done.value[1, -1]}


def test_every_training_episode_is_counted_once(tmp_path):
    """While exploring all the time, returns and lengths are those of chance among admissible actions."""
    given = {"episodes": 4000, "end_epsilon": 1.0}
    done = done_at_once(start(tmp_path, "icu-sepsis", "q-learning", given, [0, 1]))
    env = make_tabular("icu-sepsis")
    from harness.mdp.policy import uniform

    chance = evaluate(env.mdp, uniform(env.mdp.admissible | env.mdp.terminal[:, None]))
    error = np.sqrt(chance.variance / 8000)
    assert done.returns.mean() == pytest.approx(chance.J, abs=4 * error)
    assert done.steps.mean() == pytest.approx(chance.length, abs=0.4)


def test_an_unfinished_or_damaged_run_is_refused(tmp_path):
    folder = start(tmp_path, "icu-sepsis", "q-learning", {"episodes": 100}, [0])
    folder.close()
    write_arrays(folder.path / "part-0.npz", {"about": np.array("{}")})
    with pytest.raises(RunError, match="is of another training"):
        done_at_once(RunFolder.resume(folder.path, TRAINING))
    (folder.path / "part-0.npz").write_bytes(b"half")
    with pytest.raises(RunError, match="cannot be read"):
        done_at_once(RunFolder.resume(folder.path, TRAINING))


@pytest.mark.parametrize(
    ("env", "given", "seeds", "error", "sentence"),
    [
        ("polypharmacy/easy-screening", {}, [0], UsageError, "is not tabular"),
        ("icu-sepsis", {}, [100_000], UsageError, "training seeds are 0 to 9999"),
        ("icu-sepsis", {}, [1, 1], UsageError, "each once"),
        ("icu-sepsis", {"bath": 3}, [0], UsageError, "no setting of q-learning 'bath'"),
        ("icu-sepsis", {"episodes": 0}, [0], UsageError, "does not fit: episodes"),
    ],
)
def test_what_cannot_be_trained_leaves_no_folder(tmp_path, env, given, seeds, error, sentence):
    with pytest.raises((error, InvalidMDP), match=sentence):
        start(tmp_path, env, "q-learning", given, seeds)
    assert not list(tmp_path.iterdir())


def test_a_run_of_another_algorithm_is_not_gone_on_with(tmp_path):
    folder = start(tmp_path, "icu-sepsis", "sarsa", {"episodes": 100}, [0])
    folder.close()
    with pytest.raises(RunError, match="is of sarsa; expected one of ppo"):
        require(folder.path, "ppo")


def curve(returns, size=1000):
    rows = np.array(returns, dtype=float)
    looks = np.array([size * rows.shape[1]])
    nothing = np.zeros((len(rows), 1))
    return Trained("x", "e", {}, "q-learning", None, tuple(range(len(rows))), looks, nothing, nothing, size, rows,
                   np.full(rows.shape, 10.0))  # fmt: skip


def test_a_curve_converges_where_its_smoothed_return_stays_near_its_end():
    """A step from 0 to 1 after 100,000 episodes: 1 - 0.9999^n is within 0.005 after 52,981 more."""
    done = curve(np.repeat([[0.0] * 100 + [1.0] * 400], 3, axis=0))
    found, after = done.convergence, np.log(0.005) / np.log(SMOOTHING)
    assert found.episodes == pytest.approx(100_000 + after, abs=1000)
    assert found.decisions == found.episodes * 10
    assert (found.lower, found.upper, found.untold) == (found.episodes, found.episodes, None)
    assert done.final_return.value == 1.0


def survivors(chance, seeds, rng):
    """What episodes brought of which `chance` (B,) survive, in parts of 1,000."""
    return rng.binomial(1000, np.tile(chance, (seeds, 1))) / 1000


def test_the_noise_of_patients_is_not_taken_for_learning():
    """Of an agent that never changes: read off each seed alone, all of them would converge near the end."""
    found = curve(survivors(np.full(500, 0.86), 20, np.random.default_rng(0))).convergence
    assert found.untold is None
    assert found.episodes < 30_000
    assert found.upper < 100_000


def test_a_curve_that_still_rises_has_not_converged():
    rng = np.random.default_rng(0)
    ramp = curve(survivors(np.linspace(0.78, 0.88, 500), 20, rng)).convergence
    jump = curve(survivors(np.where(np.arange(500) < 485, 0.8, 0.86), 20, rng)).convergence
    for found in (ramp, jump):
        assert (found.episodes, found.decisions, found.upper, found.untold) == (None, None, None, None)


def test_what_the_seeds_disagree_on_is_in_the_interval():
    rng = np.random.default_rng(0)
    rising = [survivors(np.where(np.arange(500) < at, 0.7, 0.8), 1, rng) for at in (50, 60, 200, 220) for _ in range(4)]
    found = curve(np.concatenate(rising)).convergence
    assert found.lower < found.episodes <= found.upper


def test_too_few_seeds_or_episodes_are_said_to_be_too_few():
    rng = np.random.default_rng(0)
    few = curve(survivors(np.full(500, 0.86), 2, rng)).convergence
    short = curve(survivors(np.full(99, 0.86), 20, rng)).convergence
    assert few.episodes is None
    assert "takes more seeds: the standard error" in few.untold
    assert short.episodes is None
    assert f"at least {SHORTEST:,} episodes" in short.untold


def test_a_last_part_that_is_shorter_counts_its_own_episodes(tmp_path):
    done = done_at_once(start(tmp_path, "icu-sepsis", "q-learning", {"episodes": 1001}, [0]))
    assert done.bin == 3
    assert done.returns.shape == (1, 334)
    assert set(np.unique(done.returns[:, -1])) <= {0.0, 0.5, 1.0}
    assert (done.steps >= 1).all()
    assert read_arrays(Path(done.run_dir) / "curves.npz")["looks"][-1] == 1001
