"""Learning curves of finished trainings: what is one curve, what it is called, and what cannot be drawn together."""

from __future__ import annotations

import json

import numpy as np
import pytest

from harness.core.errors import RunError, UsageError
from harness.training.curves import CURVE, EPISODES, STEPS, curves, interval
from harness.training.lockstep import carry_out, start


def network(folder, name, values, *, algorithm="double-dqn", env="icu-sepsis", sha256="a", **settings):
    """A finished training of a network, as its files say."""
    run = folder / name
    run.mkdir()
    manifest = {
        "kind": "training",
        "algorithm": algorithm,
        "env": env,
        "settings": settings,
        "data": {"sha256": sha256},
    }
    (run / "manifest.json").write_text(json.dumps(manifest))
    rows = [{"steps": 10 * (i + 1), "loss": 0.5, "value": value, "length": 9.0} for i, value in enumerate(values)]
    (run / CURVE).write_text(json.dumps({"looks": rows}))
    return run


def test_runs_that_differ_in_their_seeds_alone_are_one_curve(tmp_path):
    runs = [network(tmp_path, f"run-{seed}", [0.7, 0.7 + seed / 100], seed=seed, hidden=8) for seed in (1, 2, 3)]
    found = curves(runs)
    assert list(found) == ["double-dqn"]
    curve = found["double-dqn"]
    assert (curve.env, curve.along, curve.at.tolist()) == ("icu-sepsis", STEPS, [10, 20])
    assert curve.values.tolist() == [[0.7, 0.71], [0.7, 0.72], [0.7, 0.73]]
    assert curve.lengths.tolist() == [[9.0, 9.0]] * 3
    mean, lower, upper = interval(curve.values)
    assert mean[1] == pytest.approx(0.72)
    assert upper[1] - mean[1] == pytest.approx(4.302653 * 0.01 / np.sqrt(3), rel=1e-5)
    assert lower[1] == pytest.approx(2 * mean[1] - upper[1])


def test_names_tell_apart_what_differs(tmp_path):
    cql = {"algorithm": "neural-conservative-q", "steps": 20}
    runs = [
        network(tmp_path, "one", [0.7], **cql, seed=1, alpha=0.5),
        network(tmp_path, "two", [0.7], **cql, seed=1, alpha=1.0),
        network(tmp_path, "three", [0.7], seed=1, hidden=8),
        network(tmp_path, "four", [0.7], seed=1, hidden=8, sha256="of other data"),
    ]
    assert set(curves(runs)) == {
        "neural-conservative-q alpha=0.5",
        "neural-conservative-q alpha=1",
        "double-dqn (three)",
        "double-dqn (four)",
    }


def test_one_seed_has_no_interval_and_a_policy_that_never_ends_no_value(tmp_path):
    curve = curves([network(tmp_path, "run", [None, 0.8], seed=0)])["double-dqn"]
    mean, lower, upper = interval(curve.values)
    assert np.isnan(mean[0])
    assert mean[1] == 0.8
    assert np.isnan([lower, upper]).all()


def test_what_cannot_be_drawn_together_is_told(tmp_path):
    folder = start(tmp_path, "icu-sepsis", "q-learning", {"episodes": 40}, [0, 1])
    with folder:
        carry_out(folder, 1, lambda done: None)
    ours = network(tmp_path, "ours", [0.7], seed=0)
    assert curves([folder.path])["q-learning"].along == EPISODES
    with pytest.raises(UsageError, match=f"along different things \\({STEPS}, {EPISODES}\\); draw each alone"):
        curves([folder.path, ours])
    with pytest.raises(UsageError, match="in different tasks \\(icu-sepsis, sepsis-os\\); draw each alone"):
        curves([ours, network(tmp_path, "theirs", [0.7], env="sepsis-os", seed=0)])


def test_runs_without_a_curve_are_told(tmp_path):
    with pytest.raises(RunError, match="is of fitted-q, which has no curve of exact values"):
        curves([network(tmp_path, "table", [], algorithm="fitted-q")])
    (tmp_path / "online").mkdir()
    online = network(tmp_path / "online", "begun", [], algorithm="q-learning")
    (online / CURVE).unlink()
    with pytest.raises(RunError, match="has not finished; go on with: harness train q-learning --resume"):
        curves([online])
    begun = network(tmp_path, "begun", [0.7], seed=0)
    whole = (begun / CURVE).read_text()
    (begun / CURVE).write_text(whole[:-9])
    with pytest.raises(RunError, match="cannot be read"):
        curves([begun])
    (begun / CURVE).unlink()
    with pytest.raises(RunError, match="has not finished; go on with: harness train double-dqn --resume"):
        curves([begun])
