"""The task that policies are of: what was asked for, or what a folder among them says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.agents import registry as agents
from harness.agents.tabular_policy import home
from harness.agents.trained import is_folder
from harness.core.run import DECISIONS, MANIFEST, TRAINING, kind_of, read_manifest
from harness.evaluation.manifest import opened


def task_of(policies: Sequence[str]) -> tuple[str, Mapping[str, Any]] | None:
    """The environment and its options of the first run or training among these; None if there is none.

    Raises
    ------
    RunError
        If its manifest cannot be read.
    """
    for who in policies:
        if who in agents.AGENTS.entries() or not is_folder(who):
            continue
        if (Path(who) / DECISIONS).is_file():
            _, config = opened(Path(who))
            return config.env, config.env_options
        training, _ = home(Path(who))
        if (training / MANIFEST).is_file() and kind_of(training) == TRAINING:
            manifest = read_manifest(training, TRAINING)
            if "env" in manifest:
                return manifest["env"], manifest.get("options", {})
    return None
