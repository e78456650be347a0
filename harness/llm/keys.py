"""Keys of model servers, from the variables that entries name; they stand nowhere else."""

from __future__ import annotations

import os

from harness.core.errors import UsageError
from harness.llm.registry import ModelEntry


def api_key_of(entry: ModelEntry) -> str | None:
    """The key that the entry's server wants, from the environment; None where it wants none.

    Raises
    ------
    UsageError
        If the variable is not set and the server cannot do without, or what it holds cannot be a key.
    """
    key = _key_in(entry.key_env) if entry.key_env else None
    if key is None and entry.key_env and not entry.key_optional:
        raise UsageError(
            f"The model '{entry.alias}' needs a key: set the environment variable {entry.key_env} to yours."
        )
    return key


def more_keys_of(entry: ModelEntry) -> dict[str | None, str]:
    """Further keys for the same model by their variables; variables that are not set are passed over.

    Raises
    ------
    UsageError
        If what one holds cannot be a key.
    """
    return {name: key for name in entry.more_key_envs if (key := _key_in(name)) is not None}


def _key_in(variable: str) -> str | None:
    """What an environment variable holds, if that can stand in a header."""
    key = os.environ.get(variable, "").strip()
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        raise UsageError(f"The variable {variable} holds no key: it has blanks, line ends, or characters beyond ASCII.")
    return key or None
