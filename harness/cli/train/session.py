"""What every training shares: options, going on with an interrupted one, carrying it out, and the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from harness.cli.resuming import only_resumed, stoppable

if TYPE_CHECKING:
    from harness.core.run import RunFolder
    from harness.evaluation.tabular import Progress
    from harness.reports.block import Block
    from harness.training.reinforce import Trained

Out = Annotated[Path, typer.Option(help="Folder for the run's folder.")]
Resume = Annotated[Path | None, typer.Option(help="Go on with this interrupted run; what it was told is in it.")]
AsJson = Annotated[bool, typer.Option("--json", help="The whole curve as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]

T = TypeVar("T")


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

    go_on = f"Go on with: harness train {algorithm} --resume {folder.path}"
    with folder, shown_progress(quiet) as watch, stoppable(lambda: go_on):
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
