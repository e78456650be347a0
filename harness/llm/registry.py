"""Which models there are: built-in entries, overridden by the user's file, overridden by the project's.

An entry is a model; or, with a `base_url` and no `model_id`, a server, whose models are called `SERVER:MODEL`.
"""

from __future__ import annotations

import os
import tomllib
from contextlib import suppress
from enum import StrEnum
from functools import cache
from hashlib import file_digest
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from platformdirs import user_config_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness.core.errors import UsageError, first_problem, unknown_name
from harness.core.text import harmless

BUILTIN_FILE = Path(__file__).with_name("models.toml")
PROJECT_FILE = Path("harness.models.toml")


def user_file() -> Path:
    """The user's own model file."""
    return user_config_path("harness") / "models.toml"


Variable = Annotated[str, Field(pattern="^[A-Z_][A-Z0-9_]*$")]
"""Name of an environment variable. In capitals, so that a key written in its place is not taken for a name."""


class ReplyFormat(StrEnum):
    """How a model is asked to write an action."""

    JSON = "json"
    """A JSON object that fits the action's schema."""
    SHORT = "short"
    """The same with the fields' short names, `{"iv":2,"vp":1}`: half the tokens, for embedded models."""
    LABEL = "label"
    """One letter an action, from a list in the prompt, so that one token holds the whole answer."""


WHO_GETS_KEYS = ("base_url", "more_urls", "key_env", "more_key_envs")
"""Fields of an entry that say which key goes where."""


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
    """One model: either weights to run here, or a server to ask. Without a model on it, that server."""

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
    key_env: Variable | None = Field(None, description="variable that holds the key; none is needed if unset")
    more_key_envs: tuple[Variable, ...] = Field((), description="variables with further keys, used in turn")
    key_optional: bool = Field(False, description="whether to go on without a key if that variable is not set")
    requests_per_minute: int | None = Field(None, ge=1)
    tokens_per_minute: int | None = Field(
        None, ge=1, description="a request counts with its longest reply until it is answered"
    )
    timeout_s: float | None = Field(None, gt=0, description="longest that a request may take; 180 if unset")
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
        for url in (self.base_url, *self.more_urls):
            if url is not None and (fault := _fault_of(url)):
                raise ValueError(f"a base_url {fault}")
        return self

    @property
    def is_server(self) -> bool:
        """Whether a model has yet to be named."""
        return self.base_url is not None and self.model_id is None

    def with_environment(self) -> ModelEntry:
        """The entry with `base_url_env` and `model_id_env` honoured.

        Raises
        ------
        UsageError
            If the variable holds no base URL.
        """
        update = {
            field: os.environ[name]
            for field, name in (("base_url", self.base_url_env), ("model_id", self.model_id_env))
            if name and os.environ.get(name)
        }
        if "base_url" in update and (fault := _fault_of(update["base_url"])):
            raise UsageError(f"The variable {self.base_url_env}, for the model '{self.alias}', {fault}.")
        return self.model_copy(update=update)


def _fault_of(url: str) -> str | None:
    """What is wrong with a base URL, without repeating it: it may hold a secret."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if host is None or parts.scheme not in ("http", "https"):
        return "is not a URL; expected http://… or https://…, ending in /v1"
    if "@" in parts.netloc or parts.query or parts.fragment:
        return "holds a user name or a query; keys belong into a variable (key_env, or OPENAI_API_KEY)"
    return None


def key_receiver(entry: ModelEntry) -> str | None:
    """Who gets which key, where that is not what the built-in entry says; None otherwise.

    A model file in the working directory, or a variable, may send a key somewhere else: that should be seen.
    """
    builtin = _read(BUILTIN_FILE).get(entry.alias.partition(":")[0])
    if entry.key_env is None or not os.environ.get(entry.key_env):
        return None
    if builtin is not None and all(getattr(builtin, name) == getattr(entry, name) for name in WHO_GETS_KEYS):
        return None
    return harmless(f"{entry.key_env} is sent to {entry.base_url} (model '{entry.alias}')")


def may_have_key(entry: ModelEntry) -> bool:
    """Whether an address may have the key although nobody named it in this command, but a run's folder did.

    It may where the key stays on this machine, or where a built-in entry or one of the user's own file sends the same
    key there. The file in the working directory says nothing here: it may have come with the run.
    """
    host = urlsplit(entry.base_url or "").hostname or ""
    with suppress(ValueError):
        if host == "localhost" or ip_address(host).is_loopback:
            return True
    known = _read(BUILTIN_FILE) | (_read(user_file()) if user_file().is_file() else {})
    return any((k.base_url, k.key_env) == (entry.base_url, entry.key_env) for k in known.values())


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
            detail = first_problem(error) if isinstance(error, ValidationError) else str(error)
            raise UsageError(f"The model file {path}, entry [{alias}]: {detail}.") from None
    return found


def resolve(model: str) -> ModelEntry:
    """The entry of an alias or of `SERVER:MODEL`, or one made for the path of a GGUF file.

    Raises
    ------
    UsageError
        If there is none, the alias is that of a server and names no model on it, or the file is no GGUF.
    """
    known = entries()
    if model in known:
        entry = known[model].with_environment()
        if entry.is_server:
            variable = f", or set {entry.model_id_env}" if entry.model_id_env else ""
            raise UsageError(f"'{model}' is a server; name a model on it, as in {model}:NAME{variable}.")
        return entry
    server, _, name = model.partition(":")
    if name and server in known and known[server].is_server:
        entry = known[server].with_environment()
        return entry.model_copy(update={"alias": model, "title": f"{name} on {entry.title}", "model_id": name})
    path = Path(model).expanduser()
    if path.suffix == ".gguf" or path.is_file():
        return _from_file(path)
    raise unknown_name(
        "model", model, (f"{alias}:NAME" if entry.is_server else alias for alias, entry in known.items())
    )


def served(base_url: str, model_id: str) -> ModelEntry:
    """An entry for any OpenAI-compatible server; the key, if it wants one, is in OPENAI_API_KEY."""
    if fault := _fault_of(base_url):
        raise UsageError(f"The --base-url {fault}.")
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
