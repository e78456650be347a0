"""A search goes on exactly where it stopped, and refuses what is not its own."""

from __future__ import annotations

import json
from shutil import copytree

import numpy as np
import pytest

from harness.agents.bandits import train as loop
from harness.agents.bandits.checkpoint import ABOUT, CURVE, SNAPSHOTS, STATE, open_search
from harness.agents.bandits.combinations import Disjoint, Simulation, simulate
from harness.agents.bandits.optim_neural_ts import Settings
from harness.agents.bandits.train import train
from harness.agents.bandits.training import Schedule
from harness.core.errors import RunError, UsageError

SIMULATION = Simulation(seed=4, drugs=30, combinations=500, patterns=3, mean_size=3)
DATA = simulate(SIMULATION)
SETTINGS = Settings(steps=130, warm_up=30, hidden=16, snapshot_every=20)


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_EVERY", 40)


class Killed(Exception):
    pass


def interrupted(folder, at, settings=SETTINGS):
    def watch(search):
        if search.step == at:
            raise Killed

    with pytest.raises(Killed):
        train(folder, DATA, settings, 0, watch)


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """What an interrupted search leaves."""
    folder = tmp_path_factory.mktemp("left")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(loop, "CHECKPOINT_EVERY", 40)
        interrupted(folder, 90)
    return folder


@pytest.fixture
def begun(left, tmp_path):
    """The same, to be changed."""
    return copytree(left, tmp_path, dirs_exist_ok=True)


def contents(folder):
    """Every array of a search's folder but the seconds, as bytes."""
    found = {}
    for path in sorted(folder.rglob("*.npz")):
        with np.load(path) as file:
            found |= {(path.name, n): file[n].tobytes() for n in file.files if n != "cpu_seconds"}
    return found


@pytest.mark.parametrize("schedule", Schedule)
def test_a_search_that_was_interrupted_twice_ends_as_if_it_never_was(tmp_path, schedule):
    settings = SETTINGS.model_copy(update={"schedule": schedule, "hidden": 8})
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train(whole, DATA, settings, 0)
    interrupted(broken, 33, settings)
    interrupted(broken, 109, settings)
    assert open_search(broken, DATA, settings, 0).step == 80
    train(broken, DATA, settings, 0)
    assert contents(broken) == contents(whole)
    assert (broken / CURVE).read_text() == (whole / CURVE).read_text()
    assert len(list((whole / SNAPSHOTS).iterdir())) == 7  # after the warm-up, every 20 steps, and at the end


def test_a_finished_search_is_not_done_again(tmp_path):
    first = train(tmp_path, DATA, SETTINGS, 0)
    steps = []
    again = train(tmp_path, DATA, SETTINGS, 0, lambda search: steps.append(search.step))
    assert steps == []
    assert again.curve == first.curve
    assert (again.flagged == first.flagged).all()


@pytest.mark.parametrize(
    ("data", "settings", "seed", "what"),
    [
        (SIMULATION.model_copy(update={"seed": 5}), SETTINGS, 0, "data, data_sha256"),
        (SIMULATION.model_copy(update={"disjoint": Disjoint.PROTECTIVE}), SETTINGS, 0, "data, data_sha256"),
        (SIMULATION, SETTINGS.model_copy(update={"nu": 2.0}), 0, "settings"),
        (SIMULATION, SETTINGS, 1, "seed"),
    ],
)
def test_another_search_is_refused(tmp_path, data, settings, seed, what):
    open_search(tmp_path, DATA, SETTINGS, 0)
    with pytest.raises(RunError, match=f"differs in {what}"):
        open_search(tmp_path, simulate(data), settings, seed)


def test_another_version_is_refused(tmp_path):
    open_search(tmp_path, DATA, SETTINGS, 0)
    known = json.loads((tmp_path / ABOUT).read_text())
    (tmp_path / ABOUT).write_text(json.dumps(known | {"checkpoint_version": 99}))
    with pytest.raises(RunError, match="has version 99; this harness reads version 2"):
        open_search(tmp_path, DATA, SETTINGS, 0)


@pytest.mark.parametrize("keep", [0, 100, 5_000])
def test_a_torn_state_is_a_sentence(begun, tmp_path, keep):
    (tmp_path / STATE).write_bytes((tmp_path / STATE).read_bytes()[:keep])
    with pytest.raises(RunError, match=r"state\.npz cannot be read"):
        open_search(tmp_path, DATA, SETTINGS, 0)


def test_pickled_objects_are_never_unpickled(begun, tmp_path):
    with np.load(tmp_path / STATE) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(tmp_path / STATE, **(arrays | {"U": np.array([{"a": 1}], dtype=object)}))
    with pytest.raises(RunError, match="objects, which are never loaded"):
        open_search(tmp_path, DATA, SETTINGS, 0)


def test_writing_never_leaves_a_half_written_file(begun, tmp_path, monkeypatch):
    before = contents(tmp_path)

    def full(*args, **kwargs):
        args[0].write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(RunError, match="No space left on device"):
        train(tmp_path, DATA, SETTINGS, 0)
    assert contents(tmp_path) == before


def test_evaluation_seeds_do_not_train(tmp_path):
    with pytest.raises(UsageError, match="training seeds are 0 to 9999"):
        train(tmp_path, DATA, SETTINGS, 100_000)
