"""What policies do to whom, in tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from harness.core.text import harmless
from harness.evaluation.policies import NamedPolicy
from harness.evaluation.safety import DoseMap, Safety
from harness.reports.block import Block
from harness.reports.text import percent

NOTICE = "A benchmark, not medical advice."

NOTES = (
    "All shares are of the policy's own decisions, by exact occupancy; nothing is simulated.",
    "extreme: top level of either drug (fluids, vasopressor). variation: mean total variation distance from the "
    "clinicians' policy. distance: mean Wasserstein-1 distance from their doses, in levels; more: mean dose above "
    "theirs. Before the slash fluids, after it vasopressor.",
    "abrupt: vasopressor two levels or more from the decision before, of the decisions that follow one. inadmissible: "
    "actions that the data do not support. SOFA: mean of the state's patients.",
)


def blocks(found: Sequence[tuple[NamedPolicy, Sequence[Safety]]]) -> Iterator[Block]:
    """A table for every policy."""
    for policy, rows in found:
        caption = harmless(f"{policy.name} ({policy.caveat})" if policy.caveat else policy.name)
        yield Block(
            caption,
            (
                "patients",
                "decisions",
                "extreme",
                "(of each)",
                "variation",
                "distance",
                "more",
                "abrupt",
                "inadmissible",
            ),
            [_row(row) for row in rows],
        )
    yield Block("", (), (), NOTES)


def records(found: Sequence[tuple[NamedPolicy, Sequence[Safety]]]) -> list[dict[str, Any]]:
    """The same as plain values."""
    return [
        {"policy": policy.name, "caveat": policy.caveat or None} | asdict(row) for policy, rows in found for row in rows
    ]


def doses(found: Sequence[tuple[NamedPolicy, Mapping[str, DoseMap]]]) -> list[dict[str, Any]]:
    """The maps as plain values: share of the decisions in the band, and mean Q, of every dose."""
    return [
        {"policy": policy.name, "band": band, "fluids": fluids, "vasopressor": vasopressor}
        | {"share": float(share), "Q": float(known.Q[fluids, vasopressor]), "V": known.V}
        for policy, maps in found
        for band, known in maps.items()
        for (fluids, vasopressor), share in np.ndenumerate(known.share)
    ]


def _row(row: Safety) -> tuple[str, ...]:
    return (
        row.band,
        percent(row.decisions),
        _percent(row.extreme),
        f"{_percent(row.extreme_fluids)} / {_percent(row.extreme_vasopressor)}",
        _levels(row.variation),
        f"{_levels(row.fluids_distance)} / {_levels(row.vasopressor_distance)}",
        f"{_levels(row.fluids_more, sign=True)} / {_levels(row.vasopressor_more, sign=True)}",
        _percent(row.abrupt),
        _percent(row.inadmissible),
    )


def _percent(share: float) -> str:
    return percent(None if math.isnan(share) else share)


def _levels(value: float | None, *, sign: bool = False) -> str:
    if value is None or math.isnan(value):
        return "–"
    return f"{value + 0.0:+.2f}" if sign else f"{value:.2f}"
