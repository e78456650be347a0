"""Names to things: built-in entries and those of installed packages, listed without importing any of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from harness.core.errors import UsageError, unknown_name


@dataclass(frozen=True)
class Registry:
    """Factories by id.

    Attributes
    ----------
    kind : str
        What is registered, for messages: 'environment', 'agent'.
    group : str
        Entry-point group in which other packages register theirs.
    builtin : mapping of id to 'module:function'
    """

    kind: str
    group: str
    builtin: Mapping[str, str]

    def targets(self) -> dict[str, str]:
        """Every id with its 'module:function'. A built-in id cannot be replaced by an installed package."""
        return {e.name: e.value for e in entry_points(group=self.group)} | dict(self.builtin)

    def load(self, name: str) -> Any:
        """The factory registered under `name`.

        Raises
        ------
        UsageError
            If there is none of that name, or it cannot be imported.
        """
        targets = self.targets()
        if name not in targets:
            raise unknown_name(self.kind, name, targets)
        module, _, attribute = targets[name].partition(":")
        try:
            return getattr(import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise UsageError(
                f"The {self.kind} '{name}' is registered as '{targets[name]}', which cannot be imported: {error}."
            ) from error
