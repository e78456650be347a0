"""How fast a model answered in earlier runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.core.errors import HarnessError
from harness.core.range import Range
from harness.core.run import MANIFEST
from harness.evaluation.manifest import opened, part_of
from harness.evaluation.summary import summary_of

FEWEST_CALLS = 20
"""A run with fewer calls says more about how long a model takes to load."""


def seconds_per_call(
    runs: Path, identity: Mapping[str, Any], prompt: str, concurrency: int | None
) -> tuple[Range, int, int] | None:
    """Seconds of a run for each of its calls: the slowest run's, all together, the fastest's; how many calls and runs.

    Parameters
    ----------
    runs : Path
        Folder of run folders.
    identity : mapping
        Which weights on which engine, or which model on which server.
    prompt : str
        Its label.
    concurrency : int or None
        Of the runs that count; None for an embedded model, which answers one after the other.

    Returns
    -------
    (Range, int, int) or None
        None if no finished run is of this kind.
    """
    found = []
    for manifest in sorted(runs.glob(f"*/{MANIFEST}")):
        try:
            (made, config), summary = opened(manifest.parent), summary_of(manifest.parent)
        except HarnessError:
            continue
        same = part_of(made, ("model", "answers_from")) == dict(identity)
        same = same and part_of(made, ("prompt", "label")) == prompt
        same = same and concurrency in (None, config.concurrency)
        if same and summary is not None and summary.llm_calls >= FEWEST_CALLS:
            found.append((summary.wall_seconds, summary.llm_calls))
    if not found:
        return None
    each = [wall / calls for wall, calls in found]
    calls = sum(n for _, n in found)
    return Range(min(each), sum(wall for wall, _ in found) / calls, max(each)), calls, len(found)
