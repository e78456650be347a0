"""What every training shares: options, going on with an interrupted one, saying how when it is stopped, and the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from harness.cli.options import flag, given

if TYPE_CHECKING:
    from harness.core.run import RunFolder
    from harness.evaluation.tabular import Progress
    from harness.evaluation.trainings import Trained
    from harness.reports.block import Block

Out = Annotated[Path, typer.Option(help="Folder for the run's folder.")]
Resume = Annotated[Path | None, typer.Option(help="Go on with this interrupted run; what it was told is in it.")]
AsJson = Annotated[bool, typer.Option("--json", help="The whole curve as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]

RESUMABLE = ("resume", "json", "quiet")
"""What may stand beside --resume."""

T = TypeVar("T")


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


def resumed(context: typer.Context, resume: Path | None) -> RunFolder | None:
    """The run to go on with, beside which `only_resumed` was typed; None if a new one was asked for."""
    from harness.core.run import TRAINING, RunFolder

    if resume is None:
        return None
    only_resumed(context)
    return RunFolder.resume(resume, TRAINING)


def carried_out(
    algorithm: str,
    folder: RunFolder,
    carry_out: Callable[[RunFolder, Callable[..., None]], T],
    progress: Callable[..., Progress],
    *,
    quiet: bool,
) -> T:
    """Carry a training out, `stoppable` and telling how far it is.

    Parameters
    ----------
    carry_out : function of the folder and of whom to tell
        Of `harness.evaluation`.
    progress : function of what is told
    """
    from harness.cli.progress import shown_progress

    with folder, shown_progress(quiet) as watch, stoppable(algorithm, folder.path):
        return carry_out(folder, lambda *told: watch(progress(*told)))


def evaluate_with(env: str, options: Mapping[str, str], agent: str) -> str:
    """The line that says how what was learned is evaluated."""
    given = "".join(f" --option {name}={value}" for name, value in options.items())
    return f"evaluate with: harness eval --env {env}{given} --agent {agent}"


def print_trained(done: Trained[Any], table: Callable[[Any], Block], how: str, *, json: bool) -> None:
    """Print the curve, and the command that evaluates the agent, which takes `how` beside its names."""
    from dataclasses import asdict

    from harness.cli.tables import print_blocks, print_json, print_lines

    if json:
        print_json(asdict(done) | {"settings": done.settings.model_dump(mode="json")})
        return
    print_blocks([table(done)])
    print_lines(
        [
            f"{evaluate_with(done.env, {}, done.run_dir)} {how}",
            "A benchmark, not medical advice.",
        ]
    )
