"""A user's own data set, described in TOML by the fields of `Schema` and `Column`.

    id = "our-icu"
    title = "Our unit, 2019 to 2023"
    patient = "stay"
    time = "hour"
    hours_per_step = 1
    step_name = "hour"

    [[columns]]
    name = "map"
    kind = "float"
    unit = "mmHg"
    low = 0
    high = 300
    plausible = [45, 110]

    [[columns]]
    name = "rate"
    kind = "category"
    categories = [0, 1, { code = "2", meaning = "high" }]

`stay` and `hour` are columns too, of kind 'id' and 'time'. Access is 'own' unless it says otherwise: such data are
shown to no hosted model without the user's word.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.core.errors import UsageError, first_problem
from harness.data import catalogue
from harness.data.schemas import Schema

SUFFIX = ".toml"
ANY = "any"
"""As `time_step`: the time column rises, and steps may be missing; TOML has no word for None."""


def schema_from(described: Mapping[str, Any], where: str) -> Schema:
    """The schema that a mapping describes; `where` it stands, for messages.

    Raises
    ------
    UsageError
        Naming the first field that is not as expected.
    """
    try:
        given = dict(described)
        if given.get("time_step") == ANY:
            given["time_step"] = None
        return Schema.model_validate(given)
    except ValidationError as error:
        raise UsageError(f"{where}: {first_problem(error)}. `harness data check --help` shows an example.") from None


def schema(name: str) -> Schema:
    """A known data set by its name, or the one that a TOML file describes.

    Raises
    ------
    UsageError
        If there is no such data set, or the file does not describe one.
    """
    if not name.endswith(SUFFIX):
        return catalogue.schema(name)
    path = Path(name)
    try:
        described = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read as TOML: {error}.") from None
    return schema_from(described, str(path))
