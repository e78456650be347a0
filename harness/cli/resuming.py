"""Going on with work that was stopped: what may be typed beside --resume, and the sentence that says how."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from harness.cli.options import flag, given

RESUMABLE = ("resume", "json", "quiet")
"""What may stand beside --resume."""


def only_resumed(context: typer.Context, *also: str) -> None:
    """See that nothing was typed beside --resume that the folder knows already; `also` may be typed too.

    Raises
    ------
    UsageError
        Naming the first option that was.
    """
    from harness.core.errors import UsageError

    for name in given(context):
        if name not in (*RESUMABLE, *also):
            raise UsageError(
                f"{flag(name)} does not go with --resume: a run goes on as it began; start a new run instead."
            )


@contextmanager
def stoppable(go_on: Callable[[], str]) -> Iterator[None]:
    """What stops a piece of work says how to go on with it, but for what the user typed wrongly.

    Parameters
    ----------
    go_on : function without arguments
        The sentence that says how; empty while there is nothing to go on with.

    Raises
    ------
    StoppedRun
        With that sentence.
    """
    from harness.core.errors import INTERRUPTED, HarnessError, StoppedRun, UsageError

    try:
        yield
    except UsageError:
        raise
    except (HarnessError, KeyboardInterrupt) as error:
        how = go_on()
        if not how:
            raise
        status = error.exit_status if isinstance(error, HarnessError) else INTERRUPTED
        raise StoppedRun(f"{str(error) or 'Interrupted.'} {how}", status) from None
