"""Every failure that a user can cause or meet, each one clear sentence and an exit status.

The command line prints the sentence and leaves; nothing below it catches these to hide them. A message says what
was wrong, what was expected, and how to mend it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

INTERRUPTED = 130
"""Exit status of what Ctrl-C stopped, as shells have it."""


class HarnessError(Exception):
    """A failure with a message meant for the user.

    `exit_status` is what the command returns. A failure that is not `hopeless` may concern one request alone: others
    are then still tried, until several fail in a row.
    """

    exit_status = 1
    hopeless = True


class UsageError(HarnessError):
    """What the user typed, or a file the user named, is not what was expected."""

    exit_status = 2


class InvalidMDP(UsageError):
    """Arrays that do not describe a Markov decision process; the message names the offending index."""


class InvalidPolicy(UsageError):
    """An array that is not a policy for the MDP at hand; the message names the offending state."""


class InvalidDataset(UsageError):
    """Columns that are no logged transitions, or of another environment; the message names the row and column."""


class IllegalAction(HarnessError):
    """An action that the environment refuses to carry out."""


class ModelServerError(HarnessError):
    """The model server failed in a way that asking again will not mend; what was decided so far is kept."""

    def __init__(self, message: str, *, hopeless: bool = True) -> None:
        super().__init__(message)
        self.hopeless = hopeless


class BudgetSpent(HarnessError):
    """A limit on calls, tokens, money or time was reached; what is known by then is reported."""

    exit_status = 3


class WeightsError(HarnessError):
    """Model weights could not be fetched, or are not the bytes they should be."""


class DataError(HarnessError):
    """A data set could not be fetched, or is not the bytes it should be."""


class RunError(HarnessError):
    """A run folder is missing, damaged, in use, or of another kind than was asked for."""


class StoppedRun(HarnessError):
    """A run that had to stop; its folder keeps what was done, and the message says how to go on."""

    def __init__(self, message: str, exit_status: int) -> None:
        super().__init__(message)
        self.exit_status = exit_status


def first_problem(error: ValidationError) -> str:
    """The first thing that is wrong with data, in one line: where, and what."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"])) or "all of it"
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"


def unknown_name(kind: str, name: str, valid: Iterable[str]) -> UsageError:
    """One sentence for a name that nothing is registered under, with the nearest and all valid names."""
    names = sorted(valid)
    begun = [valid_name for valid_name in names if name and valid_name.startswith(name)]
    near = begun or difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return UsageError(f"There is no {kind} '{name}'.{hint} Valid: {', '.join(names) or 'none'}.")
