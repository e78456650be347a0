"""Random streams: the numbers of a seed and a name never change, since every recorded result rests on them."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from harness.core.errors import UsageError
from harness.core.seeds import MOST_EPISODES, evaluation_seeds, stream, streams


@pytest.mark.parametrize("seed", [0, 100_000, 2**32 - 1, 2**32, 2**70])
def test_a_stream_is_what_numpy_makes_of_the_seed_and_the_name(seed):
    expected = np.random.default_rng([seed, zlib.crc32(b"patient")])
    assert stream(seed, "patient").random(5).tolist() == expected.random(5).tolist()


def test_streams_of_one_seed_differ_by_name():
    assert stream(7, "patient").random() != stream(7, "laboratory").random()


def test_a_negative_seed_is_a_sentence():
    with pytest.raises(UsageError, match="The seed is -1; expected 0 or more"):
        stream(-1, "patient")


@pytest.mark.parametrize("seeds", [range(20), range(100_000, 100_020), [2**32 - 1, 0, 7], [2**32, 5], []])
def test_streams_of_many_seeds_are_those_of_each(seeds):
    found = 0
    for seed, generator in zip(seeds, streams(seeds, "patient"), strict=True):
        alone = stream(seed, "patient")
        assert generator.random(5).tolist() == alone.random(5).tolist()
        assert generator.integers(9, size=3).tolist() == alone.integers(9, size=3).tolist()
        assert generator.standard_normal(5).tolist() == alone.standard_normal(5).tolist()
        found += 1
    assert found == len(seeds)


def test_streams_refuse_what_a_stream_refuses():
    with pytest.raises(UsageError, match="The seed is -1; expected 0 or more"):
        list(streams([3, -1], "patient"))


@pytest.mark.parametrize(
    ("n", "sentence"),
    [(0, "expected at least 1"), (99_999_999_999, "99,999,999,999 episodes were asked for; expected")],
)
def test_more_episodes_than_can_be_kept_are_refused_as_none_are(n, sentence):
    assert len(evaluation_seeds(100_000, MOST_EPISODES)) == MOST_EPISODES
    with pytest.raises(UsageError, match=sentence):
        evaluation_seeds(100_000, n)
