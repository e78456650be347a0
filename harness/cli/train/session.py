"""What every training shares: going on with an interrupted one, and saying how when something stops it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from harness.cli.options import flag, given

RESUMABLE = ("resume", "json", "quiet")
"""What may stand beside --resume."""


def only_resumed(context: typer.Context, *also: str) -> None:
    """See that nothing was typed beside --resume that the run's folder knows already; `also` may be typed too.

    Raises
    ------
    UsageError
        Naming the first option that was.
    """
    from harness.core.errors import UsageError

    for name in given(context):
        if name not in (*RESUMABLE, *also):
            raise UsageError(f"{flag(name)} does not go with --resume: a run goes on as it began.")


@contextmanager
def stoppable(name: str, folder: Path, *, of: str = "harness train") -> Iterator[None]:
    """What stops a training, or another command `of name`, says how to go on with it.

    Raises
    ------
    StoppedRun
        Naming the command that goes on.
    """
    from harness.core.errors import INTERRUPTED, HarnessError, StoppedRun

    try:
        yield
    except (HarnessError, KeyboardInterrupt) as error:
        sentence = str(error) or "Interrupted."
        status = error.exit_status if isinstance(error, HarnessError) else INTERRUPTED
        raise StoppedRun(f"{sentence} Go on with: {of} {name} --resume {folder}", status) from None
