"""`harness reproduce cql-sepsis`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from harness.reproduce.cql_sepsis import Settings

T = TypeVar("T")

HELP = """Print the table of CQL-sepsis beside exact values: its trainings made again, every checkpoint valued exactly,
and which figures its evaluations (the best of 20, of 100 episodes each) would have printed for them.

[bold]Examples[/bold]

  harness reproduce cql-sepsis --plots figures\n
  harness reproduce cql-sepsis --alphas 0,0.5 --seeds 42 --steps 10000\n
  harness reproduce cql-sepsis --resume runs/…-cql-sepsis\n
  harness reproduce cql-sepsis --resume runs/…-cql-sepsis --so-far

Hours on two cores by the published protocol; stops and goes on at any time. Needs torch: pip install 'harness\\[deep]';
figures need matplotlib: pip install 'harness\\[plots]'. A benchmark for research, not medical advice.
"""


def cql_sepsis(
    context: typer.Context,
    seeds: Annotated[str, typer.Option(help="Training seeds of every arm, separated by commas.")] = "42,123,456",
    alphas: Annotated[str, typer.Option(help="Of conservative Q-learning, with commas.")] = "0,0.1,0.5,1,2,5,10",
    steps: Annotated[int, typer.Option(help="Of every training.", min=1)] = 100_000,
    look_every: Annotated[int, typer.Option(help="Steps between two evaluations.", min=1)] = 5_000,
    episodes: Annotated[int, typer.Option(help="Of the clinicians' policy, to learn from.", min=1)] = 5_000,
    repeats: Annotated[int, typer.Option(help="Simulated evaluations of a checkpoint.", min=1)] = 1_000,
    processes: Annotated[int | None, typer.Option(help="Processes at a time; one a core if not given.", min=1)] = None,
    plots: Annotated[Path | None, typer.Option(help="Folder to draw the figure into.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the study's folder.")] = Path("runs"),
    resume: Annotated[Path | None, typer.Option(help="Go on with the study in this folder, or print it.")] = None,
    so_far: Annotated[
        bool, typer.Option("--so-far", help="With --resume: print the arms that are done, and train nothing.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Make the trainings and print what they come to."""
    from harness.cli.resuming import only_resumed, stoppable
    from harness.core.extras import require_deep

    require_deep("`harness reproduce cql-sepsis`")
    from harness.cli.progress import shown_progress
    from harness.cli.reproduce.icu_sepsis import writable
    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.core.errors import UsageError
    from harness.core.run import RunFolder
    from harness.envs.icu_sepsis.environment import icu_sepsis
    from harness.evaluation.references import reference_values
    from harness.reports import cql_sepsis as report
    from harness.reports.plots import save
    from harness.reproduce import cql_sepsis_study as study

    if plots is not None:
        writable(plots)
    if resume is not None:
        only_resumed(context, "processes", "plots", "so_far")
    if so_far:
        if resume is None:
            raise UsageError("--so-far prints a study that is under way; name its folder with --resume.")
        path = resume
        settings, rows = study.so_far(path)
    else:
        if resume is not None:
            folder = RunFolder.resume(resume, study.KIND)
        else:
            folder = study.start(out, _settings(seeds, alphas, steps, look_every, episodes, repeats))
        path = folder.path
        go_on = f"Go on with: harness reproduce cql-sepsis --resume {path}"
        with folder, shown_progress(quiet) as watch, stoppable(lambda: go_on):
            settings, rows = study.carry_out(folder, processes or os.cpu_count() or 1, watch)
    values = reference_values(icu_sepsis())
    references = {name: values[name] for name in ("expert", "optimal")}
    drawn = [] if plots is None else save(report.figure(rows, references), plots / "cql-sepsis")
    if json:
        plain = {"run": str(path), "settings": settings.model_dump(mode="json")}
        print_json({**plain, "rows": [study.plain(row) for row in rows], "plots": [str(path) for path in drawn]})
        return
    print_blocks(report.table(settings, rows, references))
    print_lines([*(f"drawn: {path}" for path in drawn), f"Kept in {path}", report.NOTICE])


def _settings(seeds: str, alphas: str, steps: int, look_every: int, episodes: int, repeats: int) -> Settings:
    from pydantic import ValidationError

    from harness.core.errors import UsageError, first_problem
    from harness.reproduce.cql_sepsis import Settings

    try:
        return Settings(
            seeds=_numbers("--seeds", seeds, int), alphas=_numbers("--alphas", alphas, float), steps=steps,
            look_every=look_every, episodes=episodes, repeats=repeats,
        )  # fmt: skip
    except ValidationError as error:
        raise UsageError(f"The study cannot be made: {first_problem(error)}.") from None


def _numbers(option: str, text: str, kind: Callable[[str], T]) -> tuple[T, ...]:
    from harness.core.errors import UsageError

    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{option} {text} is not understood; expected numbers separated by commas.") from None
