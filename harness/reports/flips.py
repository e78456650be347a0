"""Which states flipped between two runs, in tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.core.text import harmless
from harness.evaluation.flips import DIFFERENCE, Divergences, Flips
from harness.reports.block import Block
from harness.reports.text import number, percent

PER = 1_000
"""Worths are shown for so many patients."""

FREQUENT = 8
"""Kinds of flips that are listed."""


def blocks(found: Flips | Divergences, value_name: str, top: int) -> Iterator[Block]:
    """The tables of one pair of runs: the dearest flips, the most frequent ones, and what they add up to."""
    if isinstance(found, Flips):
        yield from tables(found, value_name, top, _unseen(found))
    else:
        yield from _divergences(found, value_name, top)


def tables(found: Flips, value_name: str, top: int, notes: Sequence[str] = ()) -> Iterator[Block]:
    """The tables of flips of states, with `notes` below the first."""
    shown = found.flips[:top]
    yield Block(
        f"{len(found.flips)} of {found.both} states flipped from {harmless(found.base)} to {harmless(found.other)}, "
        f"{percent(found.share_flipped)} of its decisions; worth in {value_name} per {PER:,} patients",
        ("state", "visits", "worth", harmless(found.base), harmless(found.other), "patient"),
        [
            (
                str(f.state),
                number(f.visits),
                _worth(f.worth),
                harmless(f.base),
                harmless(f.other),
                harmless(f.description),
            )
            for f in shown
        ],
        (*_sums(found, len(shown)), *notes),
    )
    if found.transitions:
        yield _frequent(found, [_worth(t.worth) for t in found.transitions])


def _sums(found: Flips, shown: int) -> Iterator[str]:
    if shown < len(found.flips):
        yield f"Shown: the {shown} flips worth most or least; all of them with --json or --top."
    more = f", {_worth(found.rest)} where no state flipped" if abs(found.rest) > 1e-12 else ""
    exactly = "" if found.adds_up_to != DIFFERENCE else ", exactly"
    yield (
        f"Flips gained {_worth(found.gained)} and lost {_worth(found.lost)}{more}: {_worth(found.total)} in all, "
        f"{found.adds_up_to}{exactly}."
    )


def _unseen(found: Flips) -> tuple[str, ...]:
    if found.both == max(found.base_asked, found.other_asked):
        return ()
    return (
        f"Only states that both asked can be seen to flip: {found.both} of the {found.base_asked} and "
        f"{found.other_asked} asked, {percent(found.share_both)} of the decisions; --method exact asks all.",
    )


def _divergences(found: Divergences, value_name: str, top: int) -> Iterator[Block]:
    shown = found.divergences[:top]
    rows = [
        (
            str(d.seed),
            str(d.step),
            "" if d.state is None else str(d.state),
            "–" if d.at_once is None else f"{d.at_once:+.4f}",
            f"{d.worth:+.4f}",
            harmless(d.base),
            harmless(d.other),
            harmless(d.description),
        )
        for d in shown
    ]
    base, other = harmless(found.base), harmless(found.other)
    yield Block(
        f"{len(found.divergences)} of {found.episodes} episodes diverge from {base} to {other}; worth in {value_name} "
        "of the episode",
        ("seed", "step", "state", "at once", "worth", base, other, "patient"),
        rows,
        (
            f"Episodes gained {found.gained:+.4f} and lost {found.lost:+.4f}, {found.mean:+.4f} on average over all "
            f"{found.episodes}: the paired difference, an estimate.",
            "at once: what the other action is worth by the reference's values, where the episodes part; worth: what "
            "the whole episode gained, with whatever came after.",
        ),
    )
    if found.transitions:
        yield _frequent(found, [f"{t.worth:+.4f}" for t in found.transitions])


def _frequent(found: Flips | Divergences, worths: Sequence[str]) -> Block:
    left = len(found.transitions) - FREQUENT
    pairs = zip(found.transitions[:FREQUENT], worths, strict=False)
    return Block(
        "The most frequent, by how many times one action became the other",
        ("times", "worth", harmless(found.base), harmless(found.other)),
        [(str(t.count), worth, harmless(t.base), harmless(t.other)) for t, worth in pairs],
        (f"And {left} more of them.",) if left > 0 else (),
    )


def _worth(value: float) -> str:
    return f"{round(PER * value, 2) + 0.0:+.2f}"
