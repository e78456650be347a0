"""Settings that somebody typed, as a frozen model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from harness.core.errors import UsageError, first_problem, unknown_name

S = TypeVar("S", bound=BaseModel)


def settings_of(kind: type[S], given: Mapping[str, Any], of: str) -> S:
    """The settings of `of`, its defaults where nothing is given.

    Raises
    ------
    UsageError
        If there is no such setting, or a value does not fit.
    """
    for name in given:
        if name not in kind.model_fields:
            raise unknown_name(f"setting of {of}", name, kind.model_fields)
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise UsageError(f"A setting of {of} does not fit: {first_problem(error)}.") from error
