"""The package itself: loaded when one of its environments is made, and only in the version that was read."""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from harness.core.errors import UsageError

VERSION = "0.2.2"
"""Scalings, the audit and the published figures are those of this version. Its own `__version__` says 0.2.0."""


def load(module: str, name: str) -> Any:
    """Something of the package, e.g. ('envs.warfarin_dosing', 'WarfarinDosingEnv').

    Raises
    ------
    UsageError
        If the package is not installed, or in another version.
    """
    require("This environment")
    return getattr(importlib.import_module(f"hemosim.{module}"), name)


def require(what: str) -> None:
    """See that the package is there, without importing it.

    Raises
    ------
    UsageError
        Naming what needs it, and how it is installed.
    """
    try:
        found = version("hemosim")
    except PackageNotFoundError:
        raise UsageError(
            f"{what} needs the package hemosim, not installed here; install with: pip install 'harness[hemosim]'."
        ) from None
    if found != VERSION:
        raise UsageError(
            f"{what} was written for hemosim {VERSION}, and {found} is installed; its units may be others. Install "
            "with: pip install 'harness[hemosim]'."
        )
