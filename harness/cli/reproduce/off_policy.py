"""`harness reproduce off-policy`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

HELP = """Measure off-policy estimators where the truth is known: bias, RMSE and coverage of IS, WIS, PDIS, WPDIS, DR,
WDR, FQE and the empirical MDP on ICU-Sepsis, from episodes of the clinicians' policy, with the behaviour policy known
and estimated. Nobody has published this table; minutes on two cores.

[bold]Examples[/bold]

  harness reproduce off-policy\n
  harness reproduce off-policy --sizes 1000,5000 --repeats 50 --json\n
  harness reproduce off-policy --resume runs/…-off-policy

A benchmark for research, not medical advice.
"""


def off_policy(
    context: typer.Context,
    sizes: Annotated[
        str, typer.Option(help="Episodes of the datasets, separated by commas.")
    ] = "1000,5000,10000,50000",
    repeats: Annotated[int, typer.Option(help="Datasets of each size.")] = 200,
    resamples: Annotated[int, typer.Option(help="Resamples of a bootstrap.")] = 200,
    processes: Annotated[int | None, typer.Option(help="Processes at a time; one a core if not given.", min=1)] = None,
    out: Annotated[Path, typer.Option(help="Folder for the study's folder.")] = Path("runs"),
    resume: Annotated[Path | None, typer.Option(help="Go on with the study in this folder, or print it.")] = None,
    detail: Annotated[
        bool, typer.Option("--detail/--headline", help="Bias, coverage with its interval, width and ESS of each too.")
    ] = True,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Carry out the study and print what it found."""
    from pydantic import ValidationError

    from harness.cli.progress import shown_progress
    from harness.cli.resuming import only_resumed, stoppable
    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.core.errors import UsageError, first_problem
    from harness.core.run import RunFolder
    from harness.reports import off_policy as report
    from harness.reproduce import off_policy_study as study
    from harness.reproduce.off_policy import Settings

    if resume is not None:
        only_resumed(context, "processes", "detail")
        folder = RunFolder.resume(resume, study.KIND)
    else:
        try:
            settings = Settings(sizes=_numbers(sizes), repeats=repeats, resamples=resamples)
        except ValidationError as error:
            raise UsageError(f"The study cannot be made: {first_problem(error)}.") from None
        folder = study.start(out, settings)
    go_on = f"Go on with: harness reproduce off-policy --resume {folder.path}"
    with folder, shown_progress(quiet) as watch, stoppable(lambda: go_on):
        settings, found = study.carry_out(folder, processes or os.cpu_count() or 1, watch)
    if json:
        plain = {"settings": settings.model_dump(mode="json"), "scores": [study.plain(score) for score in found]}
        print_json({"run": str(folder.path), **plain})
        return
    print_blocks(report.study(settings, found, detail=detail))
    print_lines([f"Kept in {folder.path}", report.NOTICE])


def _numbers(text: str) -> tuple[int, ...]:
    from harness.core.errors import UsageError

    try:
        return tuple(sorted(int(part) for part in text.split(",")))
    except ValueError:
        raise UsageError(f"--sizes {text} is not understood; expected numbers of episodes, e.g. 1000,5000.") from None
