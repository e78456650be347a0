"""The task that policies are of: what was asked for, or what a run's folder among them says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.agents import registry as agents
from harness.agents.trained import is_folder
from harness.core.run import DECISIONS, read_manifest


def task_of(policies: Sequence[str]) -> tuple[str, Mapping[str, Any]] | None:
    """The environment and its options of the first run by exact or certify among these; None if there is none.

    Raises
    ------
    RunError
        If a run's manifest cannot be read.
    """
    for who in policies:
        if who not in agents.AGENTS.entries() and is_folder(who) and (Path(who) / DECISIONS).is_file():
            config = read_manifest(Path(who)).get("config", {})
            return config["env"], config.get("env_options", {})
    return None
