"""`harness doubt`."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli import options as o

HELP = """Say how much of what an optimum on an estimated MDP claims is left when other patients judge it.

[bold]Examples[/bold]

  harness doubt --recipe hypotension --data made.csv\n
  harness doubt --recipe hypotension --data made.csv --resamples 100 --json

The policy is found on one half of the patients and judged on the other: in an MDP of theirs, by weighted importance
sampling, doubly robust, and by fitted Q evaluation; then the halves change places. Then patients are resampled, with
the whole construction each time. On a stand-in the true value is simulated too. Takes minutes. A benchmark, not medical
advice.
"""


def doubt(
    recipe: o.Recipe,
    data: o.Patients = None,
    states: o.States = None,
    visits: o.Visits = None,
    resamples: Annotated[int, typer.Option(help="Of the patients.", min=0)] = 20,
    seed: Annotated[int, typer.Option(help="Of the halves and resamples.", min=0)] = 0,
    json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Read, judge, print."""
    from harness.cli.progress import told
    from harness.cli.tables import print_blocks, print_json
    from harness.construction.recipe import changed, load
    from harness.data.fetch import existing
    from harness.data.read import read
    from harness.data.sharing import provenance
    from harness.evaluation.doubt import doubt as doubted
    from harness.reports import doubt as report

    wanted = changed(load(recipe), states=states, visits=visits, seed=None)
    schema = wanted.schema_of_data(recipe)
    with told(quiet=quiet) as tell:
        tell("reading")
        table = read(existing(schema, data), schema)
        found = doubted(table, wanted, resamples=resamples, seed=seed, tell=tell)
    origin = provenance(table)
    if json:
        print_json({
            "recipe": wanted.id, "provenance": origin.model_dump(), "patients": table.n_patients,
            "judged": report.as_json(found),
        })  # fmt: skip
        return
    print_blocks(report.blocks(found, f"{wanted.title}, made of {origin.in_words()}", wanted.value_name))
