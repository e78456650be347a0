"""The data sets that are known here, by name, and which of them a file looks like."""

from __future__ import annotations

from collections.abc import Iterable

from harness.core.errors import unknown_name
from harness.data.health_gym import hiv, hypotension, sepsis
from harness.data.schemas import Schema

SCHEMAS: dict[str, Schema] = {schema.id: schema for schema in (hypotension.SCHEMA, sepsis.SCHEMA, hiv.SCHEMA)}


def schema(name: str) -> Schema:
    """The schema of a data set.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    if name not in SCHEMAS:
        raise unknown_name("data set", name, SCHEMAS)
    return SCHEMAS[name]


def looks_like(columns: Iterable[str]) -> Schema | None:
    """The data set whose columns are all there; None if there is none."""
    there = set(columns)
    return next((found for found in SCHEMAS.values() if there.issuperset(found.names)), None)
