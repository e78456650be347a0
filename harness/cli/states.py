"""`harness data states`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import AsJson

HELP = (
    "Say which states of a built MDP new patients are in, and what its optimum does there.\n\n"
    "Of every patient the last row, or all with --every. The file needs the columns of the features alone, and those "
    "of the patient and the time.\n\n"
    "[bold]Examples[/bold]\n\n  harness data states new.csv --mdp my/hypotension\n\n"
    "  harness data states new.csv --mdp my/hypotension --every --out states.csv\n\n"
    "A benchmark for research, not medical advice: the optimum is that of an estimate, see `harness doubt`."
)

SHOWN = 20
"""Rows that are printed; all are in the file and in JSON."""


def states(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV or Parquet file of patients.")],
    mdp: Annotated[Path, typer.Option(help="Folder of a built MDP.", metavar="PATH")],
    every: Annotated[bool, typer.Option("--every", help="Every row, not only the last of each patient.")] = False,
    out: Annotated[Path | None, typer.Option(help="A CSV file to write too.", metavar="FILE")] = None,
    json: AsJson = False,
) -> None:
    """Read, place, print."""
    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.construction.kept import load
    from harness.construction.newcomers import best_supported, place
    from harness.core.errors import UsageError
    from harness.envs.own import own_mdp
    from harness.reports import states as report
    from harness.reports.written import comma_separated

    kept = load(mdp)
    env = own_mdp(str(mdp))
    rows = report.records(place(file, kept), env, best_supported(env), every=every)
    if out is not None:
        try:
            out.write_text(comma_separated(rows), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"Cannot write {out} ({error.strerror}); give another file with --out.") from error
    if json:
        print_json(rows)
        return
    print_blocks(report.blocks(rows[:SHOWN], len(rows), env))
    if out is not None:
        print_lines([f"written: {out}"])
