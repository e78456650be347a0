"""A run at work: what it was asked to do, with whom, where it writes, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from harness.core.run import Clock, RunFolder
from harness.evaluation.cast import Cast
from harness.evaluation.config import RunConfig
from harness.evaluation.rollout import Listener
from harness.evaluation.tabular import Progress, Watch


def _nobody(_: Path | Progress) -> None:
    pass


@dataclass(frozen=True)
class Observers:
    """Who is told what while a run goes on.

    Attributes
    ----------
    watch : function of a Progress
    listen : function of an event, optional
        Told the events of a whole episode when it has ended.
    at_once : function of an event, optional
        Told each event of a rollout as it happens.
    began : function of the run's folder
        Called once the run can be resumed.
    """

    watch: Watch = _nobody
    listen: Listener | None = None
    at_once: Listener | None = None
    began: Callable[[Path], None] = _nobody


@dataclass(frozen=True)
class Job:
    """A run at work."""

    config: RunConfig
    run_id: str
    cast: Cast
    folder: RunFolder
    observers: Observers = field(default_factory=Observers)
    clock: Clock = field(default_factory=Clock)
