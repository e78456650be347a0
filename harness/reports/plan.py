"""What a run will take, in a table and sentences."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from harness.core.range import Range
from harness.core.text import harmless
from harness.evaluation.forecast import Forecast
from harness.reports.block import Block
from harness.reports.text import duration, percent


def blocks(found: Sequence[Forecast], caption: str, notes: Sequence[str]) -> Iterator[Block]:
    """What every way sends, and below it what that costs, as far as it is known."""
    yield _table(
        caption,
        {
            "method": [harmless(f.way) for f in found],
            "episodes": [whole(f.episodes) for f in found],
            "calls": [whole(f.calls) for f in found],
            "from cache": [f"{f.from_cache:,.0f}" if round(f.from_cache) else "" for f in found],
            "prompt tokens": [whole(f.prompt_tokens) for f in found],
            "repeated": [_share(f) for f in found],
            "reply tokens": [whole(f.completion_tokens) for f in found],
        },
    )
    spent = {
        "USD": [money(f.cost) if f.cost is not None else per_token(f) for f in found],
        "time": [time(f.seconds) for f in found],
    }
    if any(any(cells) for cells in spent.values()):
        yield _table("What that costs", {"method": [harmless(f.way) for f in found], **spent})
    yield Block("How this was found", (), (), (*notes, *_ranges(found)))


def _table(caption: str, columns: Mapping[str, Sequence[str]]) -> Block:
    """Columns without anything in them are left out."""
    kept = {name: cells for name, cells in columns.items() if any(cells)}
    return Block(caption, tuple(kept), list(zip(*kept.values(), strict=True)))


def _share(found: Forecast) -> str:
    usual = found.prompt_tokens.usual
    return percent(found.shared_tokens.usual / usual) if usual else ""


def _ranges(found: Sequence[Forecast]) -> Iterator[str]:
    """What the ranges span."""
    policies = max((f.policies for f in found), key=len)
    if len(policies) > 1:
        yield f"What the model decides is not known: ranges span {' and '.join(policies)}; they are no bounds."
    else:
        yield "Ranges are no bounds."
    played = [f for f in found if f.rehearsed is not None]
    if played:
        yield (
            f"{' and '.join(f.way for f in played)}: from {max(f.rehearsed or 0 for f in played):,} episodes of "
            "training seeds with each policy; 95 % intervals of the sum over the run's own."
        )
    yield (
        "repeated: what of the prompts begins like one that was sent before; whether a server reads that from its own "
        "cache, and for less, is its own rule."
    )


def whole(value: Range | None) -> str:
    """'713', or '8,120 – 94.0k': three digits of each end, rounded outward.

    >>> whole(Range(8123.4, 9000, 93942)), whole(Range(713, 713, 713)), whole(Range(1.2e6, 2e6, 2.345e6))
    ('8,120 – 94.0k', '713', '1.20M – 2.35M')
    """
    if value is None:
        return ""
    if round(value.low) == round(value.high):
        return f"{value.usual:,.0f}"
    return f"{_digits(value.low, math.floor)} – {_digits(value.high, math.ceil)}"


def _digits(value: float, towards: Callable[[float], int]) -> str:
    scale = 10.0 ** max(math.floor(math.log10(value)) - 2, 0) if value >= 1 else 1.0
    rounded = towards(value / scale) * scale
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if rounded >= (unit if unit > 1e3 else 10 * unit):
            size = rounded / unit
            return f"{size:.{max(2 - math.floor(math.log10(size)), 0)}f}{name}"
    return f"{rounded:,.0f}"


def money(value: Range | None) -> str:
    """'0.20 (0.12 – 0.31)', rounded outward; two digits at least of what is below a tenth.

    >>> money(Range(0.1234, 0.2, 0.3021)), money(Range(12.341, 12.341, 12.341)), money(Range(0, 0, 0))
    ('0.20 (0.12 – 0.31)', '12.35', '0.00')
    """
    if value is None:
        return ""
    decimals = 2 if value.high >= 0.1 or value.high <= 0 else 1 - math.floor(math.log10(value.high))
    scale = 10.0**decimals
    low, high = math.floor(value.low * scale) / scale, math.ceil(value.high * scale) / scale
    if value.low == value.high:
        return f"{high:.{decimals}f}"
    return f"{value.usual:.{decimals}f} ({low:.{decimals}f} – {high:.{decimals}f})"


def per_token(found: Forecast) -> str:
    """The cost as a function of the mean reply's tokens T; nothing without a price."""
    if found.prompt_cost is None or found.cost_per_reply_token is None:
        return ""
    return f"{money(found.prompt_cost)} + T × {money(found.cost_per_reply_token)}"


def time(value: Range | None) -> str:
    """'2:10 – 3:05'; one where both are the same."""
    if value is None:
        return ""
    low, high = duration(value.low), duration(value.high)
    return low if low == high else f"{low} – {high}"
