"""`harness calibrate`."""

from __future__ import annotations

from typing import Annotated

import typer

HELP = """Print what a simulator amounts to beside what is published of patients: targets, measurements with their
intervals, and which were fitted and which predicted.

[bold]Examples[/bold]

  harness calibrate warfarin\n
  harness calibrate warfarin --patients 500 --json\n
  harness calibrate warfarin-maintenance\n
  harness calibrate heparin-labs\n
  harness calibrate doac --patients 20000

A benchmark for research, not medical advice.
"""

FEWEST = 100
"""Patients below whom intervals say nothing."""


def calibrate(
    env: Annotated[
        str, typer.Argument(metavar="ID", help="A simulated environment, such as warfarin, heparin, doac or dic.")
    ],
    patients: Annotated[int, typer.Option(help="Simulated patients for each policy.")] = 2_000,
    seed_start: Annotated[int, typer.Option(help="First seed; evaluation seeds start at 100000.")] = 100_000,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Measure and print."""
    from harness.cli.progress import shown_progress
    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.core.errors import UsageError
    from harness.core.seeds import evaluation_seeds
    from harness.reports import calibration as report
    from harness.reproduce.calibration import CALIBRATIONS

    if patients < FEWEST:
        raise UsageError(f"--patients {patients} measures nothing; expected at least {FEWEST}.")
    measure = CALIBRATIONS.load(env)
    with shown_progress(quiet=json) as watch:
        found = measure(evaluation_seeds(seed_start, patients), watch)
    if json:
        print_json(report.plain(found))
        return
    print_lines([found.title, ""])
    print_blocks(report.blocks(found))
    print_lines([report.NOTICE])
