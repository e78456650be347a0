"""Model entries: built in, overridden by files, by the environment; wrong ones are named."""

from __future__ import annotations

import pytest

from harness.core.errors import UsageError
from harness.llm import registry


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_built_in_models_are_there():
    entries = registry.entries()
    assert {"qwen", "qwen-1.5b", "smollm2", "qwen2.5-72b"} <= set(entries)
    assert entries["qwen"].weights.sha256 == "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"


def test_a_later_file_replaces_an_entry(tmp_path):
    user = registry.user_file()
    user.parent.mkdir(parents=True)
    user.write_text('[mine]\ntitle="user"\nbase_url="http://127.0.0.1:1/v1"\nmodel_id="m"\n')
    assert registry.resolve("mine").title == "user"
    registry.PROJECT_FILE.write_text('[mine]\ntitle="project"\nbase_url="http://127.0.0.1:1/v1"\nmodel_id="m"\n')
    assert registry.resolve("mine").title == "project"


def test_the_environment_overrides_where_the_entry_says_so(monkeypatch):
    monkeypatch.setenv("API_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("MODEL_NAME", "another")
    entry = registry.resolve("qwen2.5-72b")
    assert (entry.base_url, entry.model_id) == ("http://127.0.0.1:9/v1", "another")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[x\n", "cannot be read"),
        ('[x]\ntitle="t"\n', r"entry \[x\]: .*either \[weights\] or a base_url"),
        ('[x]\ntitle="t"\nbase_url="http://h/v1"\n', "needs a model_id"),
        ('[x]\ntitle="t"\nbase_url="http://h/v1"\nmodel_id="m"\nurl="y"\n', "url: Extra inputs"),
        ('x = "y"\n', r"entry \[x\]"),
    ],
)
def test_a_faulty_file_is_named_with_its_entry(text, sentence):
    registry.PROJECT_FILE.write_text(text)
    with pytest.raises(UsageError, match=sentence) as caught:
        registry.resolve("qwen")
    assert str(registry.PROJECT_FILE) in str(caught.value)


def test_an_unknown_model_is_named_with_the_nearest():
    with pytest.raises(UsageError, match="no model 'qwenn'. Did you mean 'qwen'?"):
        registry.resolve("qwenn")


def test_a_gguf_file_is_a_model_by_its_hash(tmp_path):
    path = tmp_path / "own.gguf"
    path.write_bytes(b"GGUF" + b"\0" * 60)
    entry = registry.resolve(str(path))
    assert entry.alias == "own"
    assert entry.weights.size == 64
    path.write_bytes(b"GGUF" + b"\1" * 60)
    assert registry.resolve(str(path)).weights.sha256 != entry.weights.sha256


@pytest.mark.parametrize("content", [b"PK\3\4", b""])
def test_a_file_that_is_no_gguf_is_refused(tmp_path, content):
    path = tmp_path / "own.gguf"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="is not a GGUF file"):
        registry.resolve(str(path))


def test_a_missing_file_and_a_bad_url_are_named(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        registry.resolve(str(tmp_path / "none.gguf"))
    with pytest.raises(UsageError, match="expected http"):
        registry.served("localhost:8000", "m")
