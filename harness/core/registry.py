"""Names to things: built-in entries and those of installed packages, listed without importing any of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from harness.core.errors import UsageError, unknown_name


@dataclass(frozen=True)
class Entry:
    """Where a factory is, 'module:function', and one line on what it makes."""

    target: str
    summary: str


@dataclass(frozen=True)
class Registry:
    """Factories by id.

    Attributes
    ----------
    kind : str
        What is registered, for messages: 'environment', 'agent'.
    group : str
        Entry-point group in which other packages register theirs.
    builtin : mapping of id to Entry
    """

    kind: str
    group: str
    builtin: Mapping[str, Entry]

    def entries(self) -> dict[str, Entry]:
        """Every id with its entry. A built-in id cannot be replaced by an installed package."""
        installed = {
            point.name: Entry(point.value, f"from the package {point.dist.name}" if point.dist else "installed")
            for point in entry_points(group=self.group)
        }
        return installed | dict(self.builtin)

    def load(self, name: str) -> Any:
        """The factory registered under `name`.

        Raises
        ------
        UsageError
            If there is none of that name, or it cannot be imported.
        """
        found = self.entries()
        if name not in found:
            raise unknown_name(self.kind, name, found)
        module, _, attribute = found[name].target.partition(":")
        try:
            return getattr(import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise UsageError(
                f"The {self.kind} '{name}' is registered as '{found[name].target}', which cannot be imported: {error}."
            ) from error
