"""What the extra `deep` brings, asked for before it is needed."""

from __future__ import annotations

from importlib.util import find_spec

from harness.core.errors import UsageError

PACKAGES = ("torch", "safetensors")


def require_deep(what: str) -> None:
    """See that the extra is installed, without importing it.

    Raises
    ------
    UsageError
        Naming what needs it, and how it is installed.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"{what} needs {' and '.join(missing)}, not installed here; install with: pip install 'harness[deep]'."
        )
