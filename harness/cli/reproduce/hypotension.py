"""`harness reproduce health-gym-hypotension`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options as o

HELP = """Run Health Gym's tutorial on acute hypotension, and its correction beside it.

[bold]Examples[/bold]

  harness reproduce health-gym-hypotension --data made.csv\n
  harness reproduce health-gym-hypotension --data made.csv --plot pressures.png

The tutorial reads the value of its policy off the Q that it has learned. Corrected, other patients judge, and on a
stand-in the truth. Takes minutes. A benchmark, not medical advice.
"""


def hypotension(
    data: o.Patients = None,
    states: Annotated[int, typer.Option(help="Number of states.", min=2)] = 100,
    restarts: Annotated[int, typer.Option(help="Beginnings of k-means; fewer are faster.", min=1)] = 10,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the next hour's pressure by treatment.", metavar="FILE")
    ] = None,
    json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Read, run both, print."""
    from harness.cli.progress import told
    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.data.catalogue import schema
    from harness.data.fetch import existing
    from harness.data.read import read
    from harness.data.sharing import provenance
    from harness.reports import hypotension as report
    from harness.reproduce.hypotension import STATES, tutorial

    wanted = schema("hypotension")
    with told(quiet=quiet) as tell:
        tell("reading")
        table = read(existing(wanted, data), wanted)
        chosen = STATES.model_copy(update={"n": states, "restarts": restarts})
        found = tutorial(table, states=chosen, tell=tell)
    if plot is not None:
        written = report.plot(found, plot)
        print_lines([f"drawn: {', '.join(map(str, written))}"], stderr=True)
    origin = provenance(table)
    if json:
        print_json({"provenance": origin.model_dump(), **report.as_json(found)})
        return
    print_blocks(report.blocks(found, origin.in_words()))
