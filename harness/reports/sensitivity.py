"""How much of a model's value is the wording, in a table."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.text import harmless
from harness.evaluation.sensitivity import Sensitivity
from harness.reports.block import Block
from harness.reports.text import between, number, percent


def block(found: Sensitivity, value_name: str) -> Block:
    """Every wording beside the original."""
    rows = [(harmless(found.original.label), between(found.original.lower, found.original.upper), "", "", "")]
    rows += [
        (
            harmless(w.label),
            between(w.lower, w.upper),
            f"{w.value - found.original.value:+.4f}",
            f"{w.flipped} of {w.both}",
            percent(w.share_flipped),
        )
        for w in found.wordings
    ]
    return Block(
        f"Sensitivity to wording: {value_name} under {len(rows)} wordings that mean the same",
        ("wording", value_name, "difference", "states flipped", "of its decisions"),
        rows,
        tuple(_notes(found, value_name)),
    )


def _notes(found: Sensitivity, value_name: str) -> Iterator[str]:
    range_ = between(found.least_range, found.most_range)
    part = ""
    if found.regret and found.least_range == found.most_range:
        part = f", {percent(found.most_range / found.regret)} of the original's regret of {number(found.regret)}"
    yield f"The best wording's {value_name} is {range_} above the worst's{part}: so much of it is the wording."
    for variant, reason in found.left_out.items():
        yield f"Left out: {variant}, because {reason}."
