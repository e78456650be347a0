"""Model entries: built in, overridden by files, by the environment; wrong ones are named."""

from __future__ import annotations

import pytest

from harness.core.errors import UsageError
from harness.llm import registry
from harness.llm.keys import api_key_of


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
        ('[x]\ntitle="t"\nbase_url="http://h/v1"\nmodel_id="m"\nkey_env="gsk_0123secret"\n', "key_env: String should"),
        ('[x]\ntitle="t"\nbase_url="http://u:secret@h/v1"\nmodel_id="m"\n', "a base_url holds a user name"),
        ('[x]\ntitle="t"\nbase_url="http://h/v1"\nmodel_id="m"\ntimeout_s=0\n', "timeout_s: Input should be greater"),
        ('[x]\ntitle="t"\nbase_url="http://h/v1"\nmodel_id="m"\nurl="y"\n', "url: Extra inputs"),
        ('x = "y"\n', r"entry \[x\]"),
    ],
)
def test_a_faulty_file_is_named_with_its_entry(text, sentence):
    registry.PROJECT_FILE.write_text(text)
    with pytest.raises(UsageError, match=sentence) as caught:
        registry.resolve("qwen")
    assert str(registry.PROJECT_FILE) in str(caught.value)
    assert "secret" not in str(caught.value)


SERVERS = {
    "openai": ("https://api.openai.com/v1", "OPENAI_API_KEY"),
    "hf": ("https://router.huggingface.co/v1", "HF_TOKEN"),
    "groq": ("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "openrouter": ("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "vllm": ("http://127.0.0.1:8000/v1", "VLLM_API_KEY"),
    "ollama": ("http://127.0.0.1:11434/v1", None),
    "llama.cpp": ("http://127.0.0.1:8080/v1", "LLAMA_API_KEY"),
}


@pytest.mark.parametrize("server", SERVERS)
def test_any_model_of_a_known_server_has_a_name(server, monkeypatch):
    monkeypatch.setenv("MODEL_NAME", "another")
    entry = registry.resolve(f"{server}:meta-llama/llama-3:8b")
    assert (entry.base_url, entry.key_env) == SERVERS[server]
    assert (entry.alias, entry.model_id) == (f"{server}:meta-llama/llama-3:8b", "meta-llama/llama-3:8b")


def test_a_server_without_a_model_says_how_to_name_one(monkeypatch):
    with pytest.raises(UsageError, match="'groq' is a server; name a model on it, as in groq:NAME."):
        registry.resolve("groq")
    with pytest.raises(UsageError, match="vllm:NAME, or set MODEL_NAME"):
        registry.resolve("vllm")
    monkeypatch.setenv("MODEL_NAME", "mine")
    assert registry.resolve("vllm").model_id == "mine"
    with pytest.raises(UsageError, match="no model 'gpt-4o-mini:other'"):
        registry.resolve("gpt-4o-mini:other")


def test_an_example_in_the_models_file_is_an_entry(tmp_path):
    lines = registry.BUILTIN_FILE.read_text().splitlines()
    start = lines.index("#   [sonnet]")
    example = [line[4:] for line in lines[start : lines.index("#", start)]]
    registry.PROJECT_FILE.write_text("\n".join(example))
    entry = registry.resolve("sonnet")
    assert (entry.timeout_s, entry.more_key_envs, entry.price_completion) == (600, ("OPENROUTER_API_KEY_2",), 15.0)


def test_it_is_said_who_gets_a_key_if_that_is_not_who_is_known_for_it(monkeypatch):
    monkeypatch.setenv("GROQ_API_KEY", "gsk_0")
    assert registry.key_receiver(registry.resolve("groq:llama")) is None
    registry.PROJECT_FILE.write_text('[groq]\ntitle="t"\nbase_url="http://elsewhere/v1"\nkey_env="GROQ_API_KEY"\n')
    assert "GROQ_API_KEY is sent to http://elsewhere/v1" in registry.key_receiver(registry.resolve("groq:llama"))


def test_an_address_from_the_environment_is_looked_at_too(monkeypatch):
    monkeypatch.setenv("API_BASE_URL", "https://user:secret@host/v1")
    with pytest.raises(UsageError, match="variable API_BASE_URL.*holds a user name") as caught:
        registry.resolve("qwen2.5-72b")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("key", ["two words", "line\nend", "schlüssel"])
def test_what_cannot_be_a_key_is_not_sent(monkeypatch, key):
    monkeypatch.setenv("HF_TOKEN", key)
    with pytest.raises(UsageError, match="HF_TOKEN holds no key: it has blanks, line ends") as caught:
        api_key_of(registry.resolve("qwen2.5-72b"))
    assert key not in str(caught.value)


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
