"""Collected episodes in Minari's format and in d3rlpy: the same transitions, whoever reads them."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from harness.core.errors import InvalidDataset, RunError, UsageError
from harness.evaluation import datasets
from harness.mdp.dataset import COLUMNS, checked


@pytest.fixture(scope="module")
def collected():
    return datasets.collect("icu-sepsis", "expert", 30, seed=7)


@pytest.fixture
def local(tmp_path, monkeypatch):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    return tmp_path / "minari"


def test_without_minari_the_package_is_named(collected, monkeypatch):
    import sys

    from harness.evaluation import minari_format

    monkeypatch.setitem(sys.modules, "minari", None)
    with pytest.raises(UsageError, match=r"pip install 'harness\[offline\]'"):
        minari_format.write("icu-sepsis/expert-v0", *collected)


def test_minari_reads_what_was_written(collected, local):
    minari = pytest.importorskip("minari")
    pytest.importorskip("h5py")
    from harness.evaluation import minari_format

    about, data = collected
    folder = minari_format.write("icu-sepsis/expert-v0", about, data)
    assert folder == local / "icu-sepsis" / "expert-v0"
    assert not list(local.glob(".partial*"))
    read = minari.load_dataset("icu-sepsis/expert-v0")
    assert (read.total_episodes, read.total_steps) == (data.n_episodes, len(data))
    assert (read.observation_space.n, read.action_space.n) == (716, 25)
    assert datasets.About.model_validate_json(read.storage.metadata["description"]) == about
    for number, episode in enumerate(read.iterate_episodes()):
        rows = np.flatnonzero(data.episode == number)
        assert np.array_equal(episode.observations, [*data.state[rows], data.next_state[rows[-1]]])
        assert np.array_equal(episode.actions, data.action[rows])
        assert np.array_equal(episode.rewards, data.reward[rows])
        assert np.array_equal(episode.terminations, data.terminated[rows])
        assert not episode.truncations.any()
        assert np.array_equal(episode.infos["propensity"][1:], data.propensity[rows])
    with pytest.raises(UsageError, match="There is a Minari data set"):
        minari_format.write("icu-sepsis/expert-v0", about, data)
    for name in ("what is this", "no-version", ""):
        with pytest.raises(UsageError, match="no id of a Minari data set"):
            minari_format.write(name, about, data)


@pytest.fixture
def kept(collected, local):
    """A data set on disk."""
    pytest.importorskip("minari")
    pytest.importorskip("h5py")
    from harness.evaluation import minari_format

    return minari_format.write("icu-sepsis/expert-v0", *collected)


def changed(kept, name, value):
    """The same, with another array of its second episode; or without it."""
    import h5py

    with h5py.File(kept / "data" / "main_data.hdf5", "a") as file:
        del file[f"episode_1/{name}"]
        if value is not None:
            file[f"episode_1/{name}"] = value
    return kept


def said(kept, **changed):
    """The same, with another word about itself; or without it."""
    path = kept / "data" / "metadata.json"
    words = json.loads(path.read_text()) | changed
    path.write_text(json.dumps({name: word for name, word in words.items() if word is not None}))
    return kept


def test_the_harness_reads_what_it_wrote(collected, kept):
    for path in (kept, kept / "data", kept / "data" / "main_data.hdf5"):
        env, about, found = datasets.read(path, "icu-sepsis")
        assert (env.spec.id, about) == ("icu-sepsis", collected[0])
        for name in COLUMNS:
            given = getattr(collected[1], name)
            assert getattr(found, name).dtype == given.dtype
            assert np.array_equal(getattr(found, name), given, equal_nan=True)


def test_from_parquet_through_minari_and_back_is_the_same_file(collected, local, tmp_path):
    pytest.importorskip("minari")
    pytest.importorskip("pyarrow")
    from harness.evaluation import minari_format

    about, data = collected
    long = next(n for n in range(data.n_episodes) if (data.episode == n).sum() > 1)
    keep = np.ones(len(data), dtype=bool)
    keep[np.flatnonzero(data.episode == long)[-1]] = False  # so that this episode was cut off
    propensity = np.where(data.step % 3 == 1, np.nan, data.propensity)
    columns = {name: getattr(data, name) for name in COLUMNS} | {"propensity": propensity}
    sizes = {"n_states": data.n_states, "n_actions": data.n_actions, "discount": data.discount}
    given = checked(**{name: column[keep] for name, column in columns.items()}, **sizes)
    assert not given.terminated[given.episode == long].any()
    datasets.write(tmp_path / "before.parquet", about, given)
    _, said, found = datasets.read(tmp_path / "before.parquet")
    _, said, found = datasets.read(minari_format.write("there-v0", said, found))
    datasets.write(tmp_path / "after.parquet", said, found)
    _, after, back = datasets.read(tmp_path / "after.parquet")
    assert after == about
    assert all(np.array_equal(getattr(back, name), getattr(given, name), equal_nan=True) for name in COLUMNS)
    assert (tmp_path / "after.parquet").read_bytes() == (tmp_path / "before.parquet").read_bytes()


def test_a_learner_learns_the_same_from_it(collected, kept, tmp_path):
    from harness.agents.offline.learners import learner
    from harness.training.tables import train

    datasets.write(tmp_path / "data.npz", *collected)
    settings = learner("pessimistic-vi").settings()
    one, other = (train(path, "pessimistic-vi", settings, tmp_path / "runs") for path in (tmp_path / "data.npz", kept))
    assert one.value == other.value
    manifest = json.loads((Path(other.run_dir) / "manifest.json").read_text())
    file = kept / "data" / "main_data.hdf5"
    assert manifest["data"]["sha256"] == sha256(file.read_bytes()).hexdigest()
    assert manifest["data"]["about"] == collected[0].model_dump()


def test_what_others_made_needs_the_environments_name_and_no_propensity(kept, collected):
    import h5py

    said(kept, description="Somebody's episodes.")
    with h5py.File(kept / "data" / "main_data.hdf5", "a") as file:
        for episode in file.values():
            del episode["infos"]
    with pytest.raises(UsageError, match="does not say of which environment it is; name it with --env"):
        datasets.read(kept)
    _, about, found = datasets.read(kept, "icu-sepsis")
    assert about is None
    assert np.isnan(found.propensity).all()
    assert np.array_equal(found.state, collected[1].state)


def test_the_same_is_checked_as_in_files(kept, collected):
    row = int(collected[1].first[1])
    n = int((collected[1].episode == 1).sum())
    with pytest.raises(InvalidDataset, match="expected data of sepsis-os"):
        datasets.read(kept, "sepsis-os")
    with pytest.raises(InvalidDataset, match=f"{kept}: Row {row}, column 'action' is 25; expected 0 to 24"):
        datasets.read(changed(kept, "actions", np.full(n, 25)))
    with pytest.raises(InvalidDataset, match=f"Episode 1 of .* has {n + 1} actions, and its observations are for {n};"):
        datasets.read(changed(kept, "actions", np.zeros(n + 1, dtype=int)))
    old = collected[0].model_copy(update={"env_version": 1})
    with pytest.raises(InvalidDataset, match="v1 with 716 states.*this is v2"):
        datasets.read(said(changed(kept, "actions", np.zeros(n, dtype=int)), description=old.model_dump_json()))


def test_what_is_no_data_set_is_named(kept, tmp_path):
    with pytest.raises(RunError, match=r"The folder '.*' is no data set of Minari: it has no data/main_data\.hdf5"):
        datasets.read(tmp_path, "icu-sepsis")
    alone = tmp_path / "alone.hdf5"
    alone.write_bytes((kept / "data" / "main_data.hdf5").read_bytes())
    with pytest.raises(RunError, match=r"There is no metadata\.json beside"):
        datasets.read(alone, "icu-sepsis")
    box = json.dumps({"type": "Box", "dtype": "float32", "shape": [2], "low": [0.0, 0.0], "high": [1.0, 1.0]})
    before = json.loads((kept / "data" / "metadata.json").read_text())["observation_space"]
    with pytest.raises(InvalidDataset, match=r"The observations in .* are Box.*; expected numbers from 0, Discrete"):
        datasets.read(said(kept, observation_space=box))
    said(kept, observation_space=before)
    with pytest.raises(RunError, match="cannot be read .*damaged"):
        datasets.read(changed(kept, "rewards", None))
    (kept / "data" / "main_data.hdf5").write_bytes(alone.read_bytes()[:5_000])
    with pytest.raises(RunError, match="cannot be read .*damaged"):
        datasets.read(kept)
    (kept / "data" / "metadata.json").write_text("{")
    with pytest.raises(RunError, match="cannot be read .*damaged"):
        datasets.read(kept)


def test_d3rlpy_reads_our_columns(collected):
    d3rlpy = pytest.importorskip(
        "d3rlpy", reason="needs d3rlpy, in no extra because it pins gymnasium 1.0.0: make test-all"
    )
    _, data = collected
    last = np.append(data.first[1:], len(data)) - 1
    cut_off = np.zeros(len(data), dtype=bool)
    cut_off[last] = ~data.terminated[last]
    read = d3rlpy.dataset.MDPDataset(
        observations=data.state[:, None].astype(np.float32),
        actions=data.action[:, None],
        rewards=data.reward,
        terminals=data.terminated,
        timeouts=cut_off,
        action_space=d3rlpy.ActionSpace.DISCRETE,
        action_size=data.n_actions,
    )
    assert len(read.episodes) == data.n_episodes
    for episode, first, end in zip(read.episodes, data.first, last + 1, strict=True):
        assert episode.terminated == data.terminated[end - 1]
        assert np.array_equal(episode.observations[:, 0], data.state[first:end])
        assert np.array_equal(episode.actions[:, 0], data.action[first:end])
        assert episode.rewards.sum() == data.reward[first:end].sum()
    assert read.dataset_info.action_size == 25
