"""Random streams: the numbers of a seed and a name never change, since every recorded result rests on them."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from harness.core.errors import UsageError
from harness.core.seeds import stream


@pytest.mark.parametrize("seed", [0, 100_000, 2**32 - 1, 2**32, 2**70])
def test_a_stream_is_what_numpy_makes_of_the_seed_and_the_name(seed):
    expected = np.random.default_rng([seed, zlib.crc32(b"patient")])
    assert stream(seed, "patient").random(5).tolist() == expected.random(5).tolist()


def test_streams_of_one_seed_differ_by_name():
    assert stream(7, "patient").random() != stream(7, "laboratory").random()


def test_a_negative_seed_is_a_sentence():
    with pytest.raises(UsageError, match="The seed is -1; expected 0 or more"):
        stream(-1, "patient")
