"""Going on with what a folder tells of: what may be typed beside --resume, who gets a key, and how to go on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import typer

from harness.cli.options import flag, given

if TYPE_CHECKING:
    from harness.evaluation.config import RunConfig

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


def prepare_again(command: str, run: Path, config: RunConfig, base_url: str | None, *, quiet: bool) -> None:
    """Say who gets which key before the model of a run's folder is asked, and fetch weights that are not there.

    The folder may be somebody else's. A key goes to an address that it names only if that may have the key anyway
    (`harness.llm.registry.may_have_key`), or if the user names it too.

    Parameters
    ----------
    command : str
        What is typed before the folder.
    run : Path
    config : RunConfig
        What its manifest says.
    base_url : str or None
        The address that the user named.

    Raises
    ------
    UsageError
        If the user named another address, or none where one is needed; the message has the command to type.
    """
    from harness.cli.progress import prepare
    from harness.core.errors import UsageError
    from harness.core.text import harmless
    from harness.evaluation.cast import entry_of
    from harness.llm.registry import key_receiver

    address = _address(config)
    if base_url is not None and base_url != address:
        asked = "names no address" if address is None else f"asks {harmless(address)}"
        raise UsageError(f"--base-url is {base_url}, and the run {run} {asked}; leave it out, or start a new run.")
    if base_url is None and (needed := _to_be_named(config)):
        raise UsageError(
            f"The folder {run} would have {entry_of(config).key_env} sent to {harmless(needed)}, an address that "
            f"nobody named here; if it may have the key, type: {command} {run} --base-url {quote(harmless(needed))}"
        )
    if address is not None and (receiver := key_receiver(entry_of(config))):
        sys.stderr.write(f"Note: {receiver}.\n")
    elif address is None and config.agent is None and config.model is not None:
        prepare(config.model, quiet=quiet)


def resume_command(run: Path) -> str:
    """What is typed to go on with a run, with its address where that has to be named."""
    from harness.evaluation.manifest import opened

    needed = _to_be_named(opened(run)[1])
    return f"harness eval --resume {run}" + (f" --base-url {quote(needed)}" if needed else "")


def _address(config: RunConfig) -> str | None:
    """The address that a run's model is asked at, where the run and no model file names it."""
    return config.base_url if config.agent is None and config.model_id is not None else None


def _to_be_named(config: RunConfig) -> str | None:
    """That address, if a key would go there that it may not have unless the user names it."""
    from harness.evaluation.cast import entry_of
    from harness.llm.registry import key_receiver, may_have_key

    address = _address(config)
    if address is None or key_receiver(entry_of(config)) is None or may_have_key(entry_of(config)):
        return None
    return address


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
