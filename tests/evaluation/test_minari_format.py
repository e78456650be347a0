"""Collected episodes in Minari's format and in d3rlpy: the same transitions, whoever reads them."""

from __future__ import annotations

import numpy as np
import pytest

from harness.core.errors import UsageError
from harness.evaluation import datasets


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
    with pytest.raises(UsageError, match="no id of a Minari data set"):
        minari_format.write("what is this", about, data)


def test_d3rlpy_reads_our_columns(collected):
    d3rlpy = pytest.importorskip("d3rlpy")
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
