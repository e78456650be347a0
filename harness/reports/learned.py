"""A learned tabular policy beside the reference policies, in a table."""

from __future__ import annotations

from harness.reports.block import Block
from harness.reports.text import number, policy_name, with_options
from harness.training.tables import Learned


def table(done: Learned) -> Block:
    """The policies by their exact value, the best first."""
    values = {done.algorithm: done.value, **done.references}
    best = done.references["optimal"]
    told = {name.replace("_", " "): value for name, value in done.settings.items() if name != "episodes"}
    said = ", ".join(f"{name} {value:g}" for name, value in told.items())
    source = "" if done.transitions is None else f" ({done.transitions:,} transitions)"
    title = (f"{done.algorithm} in {done.env}{with_options(done.options)}", f"{done.episodes:,} episodes{source}", said)
    return Block(
        " · ".join(part for part in title if part),
        ("policy", done.value_name, "regret"),
        [
            (policy_name(name, done.reference_kind), number(value), number(best - value))
            for name, value in sorted(values.items(), key=lambda item: -item[1])
        ],
        ("Exact: one linear solve a policy, no sampling. What was learned belongs to these data.",),
    )
