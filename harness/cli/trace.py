"""`harness trace`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

HELP = """Read the decisions of a run: patient, prompt, reply, action, regret.

[bold]Examples[/bold]

  harness trace runs/2026-01-31T12-00-00-icu-sepsis-qwen\n
  harness trace runs/2026-01-31T12-00-00-icu-sepsis-qwen --worst 20\n
  harness trace runs/2026-01-31T12-00-00-icu-sepsis-qwen --episode 0\n
  harness trace runs/2026-01-31T12-00-00-warfarin-qwen --vetoes
"""


def trace(
    run: Annotated[Path, typer.Argument(help="Folder of the run.")],
    episode: Annotated[int | None, typer.Option(help="Show this episode step by step.")] = None,
    worst: Annotated[int | None, typer.Option(help="Show the N decisions that cost most.")] = None,
    vetoes: Annotated[
        bool, typer.Option("--vetoes", help="Show every decision that a shield vetoed, and why.")
    ] = False,
) -> None:
    """Print an episode, the worst decisions, what was vetoed, or what there is."""
    from harness.cli.tables import print_lines
    from harness.core.errors import UsageError
    from harness.reports import trace as report

    if sum((episode is not None, worst is not None, vetoes)) > 1:
        raise UsageError("--episode, --worst and --vetoes show different things; give one of them.")
    if episode is not None:
        print_lines(report.episode(run, episode))
    elif worst is not None:
        print_lines(report.worst(run, worst))
    elif vetoes:
        print_lines(report.vetoed(run))
    else:
        print_lines(report.overview(run))
