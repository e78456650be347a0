"""How much of an episode an agent that is asked anew each time is reminded of: `none`, `window:K` or `full`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

from harness.core.errors import UsageError

NONE = "none"

T = TypeVar("T")


def most_remembered(memory: str) -> int | None:
    """How many of the last decisions `memory` keeps; None where it keeps all of the episode.

    Raises
    ------
    UsageError
        If it is written otherwise.

    >>> most_remembered("none"), most_remembered("window:3"), most_remembered("full")
    (0, 3, None)
    """
    if memory == NONE:
        return 0
    if memory == "full":
        return None
    window = re.fullmatch(r"window:([1-9][0-9]{0,5})", memory)
    if window is None:
        raise UsageError(f"The memory '{memory}' is not understood; expected none, full, or window:K, e.g. window:3.")
    return int(window[1])


def last(history: Sequence[T], most: int | None) -> Sequence[T]:
    """The last `most` of a history, oldest first; all of it for None."""
    return history if most is None else history[max(len(history) - most, 0) :]
