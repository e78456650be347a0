"""`harness reproduce cql-sepsis`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

T = TypeVar("T")

HELP = """Print the table of CQL-sepsis beside exact values: its trainings made again, every checkpoint valued exactly,
and which figures its evaluations (the best of 20, of 100 episodes each) would have printed for them.

[bold]Examples[/bold]

  harness reproduce cql-sepsis --plots figures\n
  harness reproduce cql-sepsis --alphas 0,0.5 --seeds 42 --steps 10000\n
  harness reproduce cql-sepsis --resume runs/…-cql-sepsis

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
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Make the trainings and print what they come to."""
    from harness.cli.train.session import only_resumed
    from harness.core.extras import require_deep

    require_deep("`harness reproduce cql-sepsis`")
    from pydantic import ValidationError

    from harness.cli.progress import shown_progress
    from harness.cli.reproduce.icu_sepsis import writable
    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.cli.train.session import stoppable
    from harness.core.errors import UsageError, first_problem
    from harness.core.run import RunFolder
    from harness.envs.icu_sepsis.environment import icu_sepsis
    from harness.evaluation.references import reference_values
    from harness.reports import cql_sepsis as report
    from harness.reports.plots import save
    from harness.reproduce import cql_sepsis_study as study
    from harness.reproduce.cql_sepsis import Settings

    if plots is not None:
        writable(plots)
    if resume is not None:
        only_resumed(context, "processes", "plots")
        folder = RunFolder.resume(resume, study.KIND)
    else:
        try:
            settings = Settings(
                seeds=_numbers("--seeds", seeds, int), alphas=_numbers("--alphas", alphas, float), steps=steps,
                look_every=look_every, episodes=episodes, repeats=repeats,
            )  # fmt: skip
        except ValidationError as error:
            raise UsageError(f"The study cannot be made: {first_problem(error)}.") from None
        folder = study.start(out, settings)
    with folder, shown_progress(quiet) as watch, stoppable("cql-sepsis", folder.path, of="harness reproduce"):
        settings, rows = study.carry_out(folder, processes or os.cpu_count() or 1, watch)
    values = reference_values(icu_sepsis())
    references = {name: values[name] for name in ("expert", "optimal")}
    drawn = [] if plots is None else save(report.figure(rows, references), plots / "cql-sepsis")
    if json:
        plain = {"run": str(folder.path), "settings": settings.model_dump(mode="json")}
        print_json({**plain, "rows": [study.plain(row) for row in rows], "plots": [str(path) for path in drawn]})
        return
    print_blocks(report.table(settings, rows, references))
    print_lines([*(f"drawn: {path}" for path in drawn), f"Kept in {folder.path}", report.NOTICE])


def _numbers(option: str, text: str, kind: Callable[[str], T]) -> tuple[T, ...]:
    from harness.core.errors import UsageError

    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{option} {text} is not understood; expected numbers separated by commas.") from None
