"""What a user is told who has not got what an extra brings."""

from __future__ import annotations

import sys

import pytest

from harness.core.errors import UsageError
from harness.core.extras import require, require_deep


def test_what_is_missing_is_named_with_its_extra_and_what_is_there_is_not():
    require("This", "deep", "json")
    with pytest.raises(UsageError, match=r"^This needs no_such_package, .*pip install 'harness\[deep\]'"):
        require("This", "deep", "json", "no_such_package")


def test_nothing_is_imported_to_find_out(monkeypatch):
    monkeypatch.delitem(sys.modules, "antigravity", raising=False)
    require("This", "deep", "antigravity")
    assert "antigravity" not in sys.modules


def test_torch_is_of_the_extra_deep(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UsageError, match=r"^This needs torch.*pip install 'harness\[deep\]'"):
        require_deep("This")
