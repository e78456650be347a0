"""`harness rank`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

HELP = """Put finished runs of one task or of several into one table: a row for every agent, a column for every task.

[bold]Examples[/bold]

  harness rank runs/*polypharmacy*\n
  harness rank runs/*icu-sepsis* --format markdown

Every value with its interval and sample size. Tasks whose constants are assumed are named, not ranked. How sure the
difference of two runs is, `harness compare` says. Benchmarks for research, not medical advice.
"""

FormatName = Literal["text", "markdown", "json"]


def rank(
    runs: Annotated[list[Path], typer.Argument(help="Folders of finished runs; files among them are passed over.")],
    written: Annotated[FormatName, typer.Option("--format", help="text, markdown or json.")] = "text",
) -> None:
    """Read the summaries and print the table."""
    import sys

    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.core.errors import UsageError
    from harness.evaluation.compare import read_finished
    from harness.reports import rank as report
    from harness.reports.written import markdown

    folders = [path for path in runs if not path.is_file()] or runs  # runs/* has a README.md too
    summaries = [read_finished(path)[1] for path in folders]
    if written == "json":
        print_json(report.plain(summaries))
        return
    if all(s.assumption_based for s in summaries):
        raise UsageError("There is nothing to rank: all these runs are of tasks whose constants are assumed.")
    block = report.ranked(summaries)
    if written == "markdown":
        sys.stdout.write(markdown([block]))
        return
    print_blocks([block])
    print_lines(["A benchmark, not medical advice."])
