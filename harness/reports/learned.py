"""A learned tabular policy beside the reference policies, in a table."""

from __future__ import annotations

from harness.evaluation.table_trainings import Learned
from harness.reports.block import Block
from harness.reports.text import number


def table(done: Learned) -> Block:
    """The policies by their exact value, the best first."""
    values = {done.algorithm: done.value, **done.references}
    best = done.references["optimal"]
    said = ", ".join(
        f"{name.replace('_', ' ')} {value:g}" for name, value in done.settings.items() if name != "episodes"
    )
    source = "" if done.transitions is None else f" ({done.transitions:,} transitions)"
    return Block(
        " · ".join(
            part for part in (f"{done.algorithm} in {done.env}", f"{done.episodes:,} episodes{source}", said) if part
        ),
        ("policy", done.value_name, "regret"),
        [
            (name, number(value), number(best - value))
            for name, value in sorted(values.items(), key=lambda item: -item[1])
        ],
        ("Exact: one linear solve a policy, no sampling. What was learned belongs to these data.",),
    )
