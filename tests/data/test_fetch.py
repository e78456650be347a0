"""Fetching: a real server that breaks off in the middle; what has come is used, and hashes decide."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from dataclasses import dataclass, field
from hashlib import sha1

import pytest

from harness.core.errors import DataError, UsageError
from harness.data import download as downloads
from harness.data.catalogue import schema
from harness.data.fetch import fetch, place
from harness.data.source import blob_sha1
from tests.listener import Listener

BODY = os.urandom(300_000)
BLOB = sha1(b"blob %d\0" % len(BODY) + BODY).hexdigest()


@dataclass
class FileServer(Listener):
    """Serves BODY, by parts if asked for them, and breaks off after as many bytes as `breaks` says, one a request."""

    body: bytes = BODY
    breaks: list[int] = field(default_factory=list)
    ranges: bool = True
    statuses: list[int] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.base_url.removesuffix("/v1") + "/file"

    def _serve(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        head = b""
        while (line := stream.readline()) not in (b"\r\n", b""):
            head += line
        asked = re.search(rb"(?mi)^range: *(bytes=(\d+)-)", head)
        self.asked.append(asked[1].decode() if asked else None)
        first = int(asked[2]) if asked and self.ranges else 0
        status = self.statuses.pop(0) if self.statuses else 206 if first else 200
        if first >= len(self.body):
            status = 416
        body = self.body[first:] if status in (200, 206) else b""
        headers = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        if status == 206:
            headers += f"Content-Range: bytes {first}-{len(self.body) - 1}/{len(self.body)}\r\n"
        cut = self.breaks.pop(0) if self.breaks else len(body)
        connection.sendall(headers.encode() + b"\r\n" + body[:cut])
        stream.close()
        connection.close()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(downloads, "PAUSE_S", 0.01)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def open_data(server, blob=BLOB):
    return schema("hiv").model_copy(update={"url": server.url, "blob_sha1": blob})


def test_a_download_that_breaks_off_goes_on_where_it_was(tmp_path):
    told = []
    with FileServer(breaks=[100_000, 50_000]) as server:
        path, how = fetch(open_data(server), tmp_path, lambda *progress: told.append(progress))
    assert how == "fetched"
    assert path.read_bytes() == BODY
    assert server.asked == [None, "bytes=100000-", "bytes=150000-"]
    assert told[-1] == (300_000, 300_000)
    assert [p.name for p in path.parent.iterdir() if not p.name.endswith(".lock")] == [path.name]


def test_there_is_no_second_download(tmp_path):
    with FileServer() as server:
        assert fetch(open_data(server), tmp_path)[1] == "fetched"
        assert fetch(open_data(server), tmp_path)[1] == "there"
    assert server.asked == [None]


def test_what_has_come_is_used_by_the_next_command(tmp_path):
    with FileServer(breaks=[120_000], statuses=[200, 503, 503, 503, 503]) as server:
        found = open_data(server)
        with pytest.raises(DataError, match="the server answered 503.*120,000 bytes, is kept; run the command again"):
            fetch(found, tmp_path)
        assert not place(found, tmp_path).exists()
        assert fetch(found, tmp_path)[0].read_bytes() == BODY
    assert server.asked[-1] == "bytes=120000-"


def test_a_server_without_parts_is_asked_for_the_whole(tmp_path):
    with FileServer(breaks=[100_000], ranges=False) as server:
        path, _ = fetch(open_data(server), tmp_path)
    assert path.read_bytes() == BODY
    assert len(server.asked) == 2


def test_a_partial_file_that_is_whole_is_taken(tmp_path):
    with FileServer() as server:
        found = open_data(server)
        partial = place(found, tmp_path).with_name(f"{found.file}.partial")
        partial.parent.mkdir(parents=True)
        partial.write_bytes(BODY)
        assert fetch(found, tmp_path)[0].read_bytes() == BODY
    assert server.asked == ["bytes=300000-"]


def test_other_bytes_are_kept_apart_and_refused(tmp_path):
    with FileServer() as server:
        found = open_data(server, blob="0" * 40)
        with pytest.raises(DataError, match=f"git blob hash {BLOB}; expected 0000.*kept as .*unknown"):
            fetch(found, tmp_path)
    assert not place(found, tmp_path).exists()
    assert place(found, tmp_path).with_name(f"{found.file}.unknown").read_bytes() == BODY


def test_a_file_of_the_user_is_not_overwritten(tmp_path):
    with FileServer() as server:
        found = open_data(server)
        place(found, tmp_path).parent.mkdir(parents=True)
        place(found, tmp_path).write_text("mine")
        with pytest.raises(UsageError, match="Move it away"):
            fetch(found, tmp_path)
    assert place(found, tmp_path).read_text() == "mine"
    assert server.asked == []


@pytest.mark.parametrize(("status", "words"), [(404, "answered 404"), (202, "answered 202, which is no file")])
def test_a_refusal_is_not_asked_again(tmp_path, status, words):
    with FileServer(statuses=[status]) as server, pytest.raises(DataError, match=words):
        fetch(open_data(server), tmp_path)
    assert len(server.asked) == 1


def test_a_server_that_is_not_there_is_a_sentence(tmp_path):
    with FileServer() as server:
        found = open_data(server)
    with pytest.raises(DataError, match="could not be fetched: .*Nothing has come"):
        fetch(found, tmp_path)


@pytest.mark.parametrize("name", ["hypotension", "sepsis"])
def test_of_credentialed_data_it_is_said_where_they_are_and_where_to_put_them(tmp_path, name):
    with pytest.raises(UsageError) as told:
        fetch(schema(name), tmp_path)
    assert "PhysioNet" in str(told.value)
    assert str(place(schema(name), tmp_path)) in str(told.value)


def test_the_hash_is_that_of_git(tmp_path):
    (tmp_path / "file").write_bytes(BODY)
    printed = subprocess.run(["git", "hash-object", "file"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert blob_sha1(tmp_path / "file") == printed.stdout.strip() == BLOB
