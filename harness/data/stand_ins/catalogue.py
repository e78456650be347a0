"""The processes, by the name of the data set that they stand in for."""

from __future__ import annotations

from collections.abc import Callable

from harness.data.catalogue import schema
from harness.data.stand_ins.process import Process


def _hypotension() -> Process:
    from harness.data.stand_ins.hypotension import PROCESS

    return PROCESS


def _sepsis() -> Process:
    from harness.data.stand_ins.sepsis import PROCESS

    return PROCESS


def _hiv() -> Process:
    from harness.data.stand_ins.hiv import PROCESS

    return PROCESS


PROCESSES: dict[str, Callable[[], Process]] = {"hypotension": _hypotension, "sepsis": _sepsis, "hiv": _hiv}


def process(name: str) -> Process:
    """The process behind the stand-in of a data set.

    Raises
    ------
    UsageError
        If there is no such data set.
    """
    return PROCESSES[schema(name).id]()
