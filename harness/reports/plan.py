"""What a run will take, in a table and sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from harness.core.range import Range
from harness.core.text import harmless
from harness.evaluation.forecast import Forecast
from harness.reports.block import Block
from harness.reports.text import duration


def block(found: Sequence[Forecast], caption: str, notes: Sequence[str]) -> Block:
    """Every way in a row; columns without anything in them are left out."""
    columns = {
        "method": [harmless(f.way) for f in found],
        "episodes": [whole(f.episodes) for f in found],
        "calls": [whole(f.calls) for f in found],
        "from cache": [f"{f.from_cache:,.0f}" if round(f.from_cache) else "" for f in found],
        "prompt tokens": [whole(f.prompt_tokens) for f in found],
        "repeated": [whole(f.shared_tokens) for f in found],
        "reply tokens": [whole(f.completion_tokens) for f in found],
        "USD": [money(f.cost) if f.cost is not None else per_token(f) for f in found],
        "time": [time(f.seconds) for f in found],
    }
    kept = {name: cells for name, cells in columns.items() if any(cells)}
    return Block(caption, tuple(kept), list(zip(*kept.values(), strict=True)), (*notes, *_ranges(found)))


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
        "repeated: what of the prompts begins like one sent before; whether a server reads that from its own cache, "
        "and for less, is its own rule."
    )


def whole(value: Range | None) -> str:
    """'713', or '8,120 – 9,400', rounded outward to three digits.

    >>> whole(Range(8123.4, 9000, 9394.2)), whole(Range(713, 713, 713))
    ('8,120 – 9,400', '713')
    """
    if value is None:
        return ""
    if round(value.low) == round(value.high):
        return f"{value.usual:,.0f}"
    low, high = _outward(value.low, value.high)
    return f"{low:,.0f} – {high:,.0f}"


def _outward(low: float, high: float) -> tuple[float, float]:
    """Three digits of each, rounded away from each other."""
    scales = [10.0 ** max(math.floor(math.log10(v)) - 2, 0) if v >= 1 else 1.0 for v in (low, high)]
    return math.floor(low / scales[0]) * scales[0], math.ceil(high / scales[1]) * scales[1]


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
