"""A figure that is not known: what is usual, and between what it lies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """The least, the usual and the most of a figure that is not below zero."""

    low: float
    usual: float
    high: float

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.usual + other.usual, self.high + other.high)

    def __mul__(self, other: Range | float) -> Range:
        """The product: with a number, or with a figure that is large or small independently of this one.

        >>> Range(1, 2, 3) * Range(2, 3, 4) + known(1)
        Range(low=3, usual=7, high=13)
        """
        factor = other if isinstance(other, Range) else known(other)
        return Range(self.low * factor.low, self.usual * factor.usual, self.high * factor.high)


def known(value: float) -> Range:
    """A figure that is known."""
    return Range(value, value, value)


def around(value: float, half: float) -> Range:
    """A figure with an interval of `half` to each side, as far as it is not below zero."""
    return Range(max(value - half, 0.0), value, value + half)


def spanning(ranges: Iterable[Range]) -> Range:
    """From the least to the most of several, the first one's usual figure for its own."""
    found = list(ranges)
    return Range(min(r.low for r in found), found[0].usual, max(r.high for r in found))
