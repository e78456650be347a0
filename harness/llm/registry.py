"""Which models there are: built-in entries, overridden by the user's file, overridden by the project's."""

from __future__ import annotations

import os
import tomllib
from enum import StrEnum
from functools import cache
from hashlib import file_digest
from pathlib import Path
from urllib.parse import urlsplit

from platformdirs import user_config_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness.core.errors import UsageError, unknown_name

BUILTIN_FILE = Path(__file__).with_name("models.toml")
PROJECT_FILE = Path("harness.models.toml")


def user_file() -> Path:
    """The user's own model file."""
    return user_config_path("harness") / "models.toml"


class ReplyFormat(StrEnum):
    """How a model is asked to write an action."""

    JSON = "json"
    """A JSON object that fits the action's schema."""
    SHORT = "short"
    """The same with the fields' short names, `{"iv":2,"vp":1}`: half the tokens, for embedded models."""
    LABEL = "label"
    """One letter an action, from a list in the prompt, so that one token holds the whole answer."""


class HubSource(BaseModel):
    """One file of a model hub's repository at a fixed revision."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    repo: str
    revision: str
    file: str


class PackageSource(BaseModel):
    """The same bytes, cut in pieces that Python packages carry as data. `{n}` counts from 1 to `count`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    member: str
    count: int = Field(ge=1)


class Weights(BaseModel):
    """What the weights are (size and hash decide, whatever the source) and where they can be had."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    licence: str
    size: int = Field(gt=0, description="bytes")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    hub: HubSource | None = None
    packages: PackageSource | None = None
    path: Path | None = Field(None, description="a file of the user's own; nothing is then fetched")


class ModelEntry(BaseModel):
    """One model: either weights to run here, or a server to ask."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alias: str
    title: str
    context: int | None = Field(None, description="longest prompt and reply together, tokens")
    reply: ReplyFormat = ReplyFormat.JSON
    max_tokens: int | None = Field(None, ge=1, description="longest reply; a model that thinks first needs thousands")
    weights: Weights | None = None
    base_url: str | None = None
    more_urls: tuple[str, ...] = Field((), description="further servers of the same model, asked in turn")
    base_url_env: str | None = Field(None, description="environment variable that overrides base_url")
    model_id: str | None = None
    model_id_env: str | None = Field(None, description="environment variable that overrides model_id")
    key_env: str | None = Field(None, description="environment variable that holds the key; none is needed if unset")
    more_key_envs: tuple[str, ...] = Field((), description="variables with further keys, used in turn")
    key_optional: bool = Field(False, description="whether to go on without a key if that variable is not set")
    requests_per_minute: int | None = Field(None, ge=1)
    tokens_per_minute: int | None = Field(None, ge=1)
    reasoning_effort: str | None = Field(None, description="sent to models that think first, e.g. 'low'")
    schema_constrained: bool = Field(True, description="whether to ask the server to enforce the JSON schema")
    price_prompt: float | None = Field(None, ge=0, description="USD per million prompt tokens")
    price_cached: float | None = Field(
        None,
        ge=0,
        description="USD per million prompt tokens that the server read from its cache; as price_prompt if unset",
    )
    price_completion: float | None = Field(None, ge=0, description="USD per million completion tokens")

    @model_validator(mode="after")
    def _one_home(self) -> ModelEntry:
        if (self.weights is None) == (self.base_url is None):
            raise ValueError("an entry has either [weights] or a base_url")
        if self.base_url and not self.model_id:
            raise ValueError("an entry with a base_url needs a model_id")
        urls = [urlsplit(url) for url in (self.base_url, *self.more_urls) if url]
        if any(url.username or url.query for url in urls):
            raise ValueError("a base_url holds no user name, password or query: keys belong into a variable (key_env)")
        return self

    def with_environment(self) -> ModelEntry:
        """The entry with `base_url_env` and `model_id_env` honoured."""
        update = {
            field: os.environ[name]
            for field, name in (("base_url", self.base_url_env), ("model_id", self.model_id_env))
            if name and os.environ.get(name)
        }
        return self.model_copy(update=update)


def key_of(entry: ModelEntry) -> str | None:
    """The key that the entry's server wants, from the environment; None where it wants none.

    Raises
    ------
    UsageError
        If the variable is not set and the server cannot do without.
    """
    key = os.environ.get(entry.key_env, "").strip() if entry.key_env else ""
    if not key and entry.key_env and not entry.key_optional:
        raise UsageError(
            f"The model '{entry.alias}' needs a key: set the environment variable {entry.key_env} to yours."
        )
    return key or None


def more_keys_of(entry: ModelEntry) -> tuple[str, ...]:
    """Further keys for the same model, from the environment; variables that are not set are passed over."""
    return tuple(key for name in entry.more_key_envs if (key := os.environ.get(name, "").strip()))


def key_receiver(entry: ModelEntry) -> str | None:
    """Who gets which key, where that is not what the built-in entry says; None otherwise.

    A model file in the working directory, or a variable, may send a key somewhere else: that should be seen.
    """
    builtin = _read(BUILTIN_FILE).get(entry.alias)
    if entry.key_env is None or not os.environ.get(entry.key_env) or builtin == entry:
        return None
    return f"{entry.key_env} is sent to {entry.base_url} (model '{entry.alias}')"


def entries() -> dict[str, ModelEntry]:
    """Every entry by alias: built in, then the user's file, then the project's.

    Raises
    ------
    UsageError
        If a file is not TOML, or an entry has a missing, unknown or wrong field; the message names file and entry.
    """
    found: dict[str, ModelEntry] = {}
    for path in (BUILTIN_FILE, user_file(), PROJECT_FILE):
        if path.is_file():
            found |= _read(path)
    return found


def _read(path: Path) -> dict[str, ModelEntry]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"The model file {path} cannot be read: {error}.") from error
    found = {}
    for alias, table in tables.items():
        try:
            found[alias] = ModelEntry.model_validate({"alias": alias, **table})
        except (ValidationError, TypeError) as error:
            detail = str(error)
            if isinstance(error, ValidationError):
                first = error.errors()[0]
                detail = f"{'.'.join(map(str, first['loc'])) or 'entry'}: {first['msg']}"
            raise UsageError(f"The model file {path}, entry [{alias}]: {detail}.") from None
    return found


def resolve(model: str) -> ModelEntry:
    """The entry of an alias, or one made for the path of a GGUF file.

    Raises
    ------
    UsageError
        If there is neither, or the file is no GGUF.
    """
    known = entries()
    if model in known:
        return known[model].with_environment()
    path = Path(model).expanduser()
    if path.suffix == ".gguf" or path.is_file():
        return _from_file(path)
    raise unknown_name("model", model, known)


def served(base_url: str, model_id: str) -> ModelEntry:
    """An entry for any OpenAI-compatible server; the key, if it wants one, is in OPENAI_API_KEY."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("The --base-url is not a URL; expected http://… or https://…, ending in /v1.")
    if parts.username or parts.query:
        raise UsageError("The --base-url holds a user name or a query; put the key into OPENAI_API_KEY instead.")
    return ModelEntry(
        alias=model_id,
        title=model_id,
        base_url=base_url,
        model_id=model_id,
        key_env="OPENAI_API_KEY",
        key_optional=True,
    )


def _from_file(path: Path) -> ModelEntry:
    try:
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise UsageError(f"{path} is not a GGUF file (it does not begin with 'GGUF').")
        size = path.stat().st_size
    except OSError as error:
        raise UsageError(f"The model file {path} cannot be read: {error.strerror}.") from error
    weights = Weights(licence="unknown", size=size, sha256=hash_file(path.resolve()), path=path.resolve())
    return ModelEntry(alias=path.stem, title=path.name, reply=ReplyFormat.SHORT, weights=weights)


def hash_file(path: Path) -> str:
    """SHA-256 of a file; not read again while its size and time stay the same."""
    stat = path.stat()
    return _hash(path, stat.st_size, stat.st_mtime_ns)


@cache
def _hash(path: Path, size: int, mtime_ns: int) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
