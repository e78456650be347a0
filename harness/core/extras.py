"""What is installed by the package's extras, asked for before it is needed and without importing it."""

from __future__ import annotations

from importlib.util import find_spec

from harness.core.errors import UsageError


def require(what: str, extra: str, *modules: str) -> None:
    """See that modules are installed.

    Parameters
    ----------
    what : str
        What needs them, to begin the sentence with.
    extra : str
        Which extra brings them.
    *modules : str
        Names they are imported by.

    Raises
    ------
    UsageError
        Naming those that are not, and how they are installed.
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"{what} needs {' and '.join(missing)}, not installed here; install with: pip install 'harness[{extra}]'."
        )


def require_deep(what: str) -> None:
    """See that networks can be trained and run (extra `deep`)."""
    require(what, "deep", "torch", "safetensors")
