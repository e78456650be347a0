"""`harness data`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import states
from harness.cli.options import AsJson, Quiet

app = typer.Typer(
    help="Longitudinal patient data: list the data sets, fetch one, check a file, describe it, or make a stand-in.\n\n"
    "Needs the extra: pip install 'harness\\[data]'.\n\n[bold]Examples[/bold]\n\n  harness data list\n\n"
    "  harness data fetch hiv\n\n  harness data synthesize hypotension --patients 500 --seed 0 --out made.csv\n\n"
    "  harness data check hypotension made.csv\n\n  harness data describe hypotension made.csv",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Id = Annotated[str, typer.Argument(metavar="DATASET", help="A data set's id; `harness data list` lists them.")]
DataSet = Annotated[
    str,
    typer.Argument(metavar="DATASET", help="A data set's id, or a TOML file that describes your own."),
]
File = Annotated[
    Path | None,
    typer.Argument(metavar="FILE", help="A CSV or Parquet file; where the data set is kept, if not given."),
]
Root = Annotated[
    Path | None, typer.Option(help="Folder in which data sets are kept, if not that of the user's data.", metavar="DIR")
]

LIST = "List the data sets, who may have them, and which are there.\n\n[bold]Example[/bold]\n\n  harness data list"

FETCH = (
    "Fetch an open data set, once; of the others say where to get them and where to put them.\n\n"
    "The file is taken only if its git blob hash is the published one. A broken download goes on where it broke "
    "off.\n\n"
    "[bold]Examples[/bold]\n\n  harness data fetch hiv\n\n  harness data fetch sepsis"
)

CHECK = (
    "Check a file, and name the first thing that is wrong.\n\n"
    "Columns by name, types, units, ranges, categories, patients and times. What is wrong is named by "
    "file, line, column and value, with what was expected and how to mend it.\n\n"
    "Your own data are described in a TOML file:\n\n"
    '  id = "our-icu"\n\n  title = "Our unit"\n\n  patient = "stay"\n\n  time = "hour"\n\n  hours_per_step = 1\n\n'
    '  \\[\\[columns]]\n\n  name = "map"\n\n  kind = "float"     # float, category, flag, id, time\n\n'
    '  unit = "mmHg"\n\n'
    "  low = 0\n\n  high = 300\n\n  plausible = \\[45, 110]     # where the median may be, or it is in another unit\n\n"
    "and so on for every column that is to be read, also the patient's (kind id) and the time's (kind time).\n\n"
    "[bold]Examples[/bold]\n\n  harness data check sepsis\n\n  harness data check hiv mine.csv\n\n"
    "  harness data check our-icu.toml ours.parquet"
)

DESCRIBE = (
    "Describe a file beside the published figures.\n\n"
    "For every column how many values, how many measured, mean, spread and quartiles or shares.\n\n"
    "[bold]Example[/bold]\n\n  harness data describe hiv mine.csv"
)

SYNTHESIZE = (
    "Write a stand-in for a data set.\n\n"
    "It has its schema and its marginals, and is made by a simulation whose dynamics and treatment "
    "effects are inventions and known. For tests and demonstrations; it is marked as what it is: patients are numbered "
    "from 900000000, and FILE.stand-in.json beside it says so.\n\n"
    "[bold]Example[/bold]\n\n  harness data synthesize sepsis --patients 2164 --seed 0 --out sepsis.csv"
)


@app.command("list", help=LIST)
def listed(root: Root = None, json: AsJson = False) -> None:
    """List the data sets."""
    from harness.cli.tables import print_json, print_table
    from harness.data.catalogue import SCHEMAS
    from harness.data.fetch import place
    from harness.reports import data as report

    places = [place(schema, root) for schema in SCHEMAS.values()]
    if json:
        keys = ("title", "access", "patients", "steps", "hours_per_step", "where", "url", "blob_sha1", "licence")
        found = {
            name: {key: getattr(schema, key) for key in keys} | {"path": str(path), "there": path.exists()}
            for (name, schema), path in zip(SCHEMAS.items(), places, strict=True)
        }
        print_json(found)
        return
    headings = ("id", "patients × steps", "access", "here", "what it is")
    print_table(headings, report.catalogue(list(SCHEMAS.values()), places))


@app.command(help=FETCH)
def fetch(dataset: Id, root: Root = None, quiet: Quiet = False) -> None:
    """Fetch an open data set, or say how to get one that is not."""
    from harness.cli.progress import transfer
    from harness.cli.tables import print_lines
    from harness.data.catalogue import schema
    from harness.data.fetch import fetch as fetched
    from harness.data.fetch import place

    found = schema(dataset)
    if found.url is None and place(found, root).exists():
        _checked(dataset, None, root)
        return
    with transfer(f"{found.title}, from {found.where}", quiet=quiet) as watch:
        path, how = fetched(found, root, watch)
    print_lines([f"{path} ({'was there, hash checked' if how == 'there' else 'fetched, hash checked'})"])


@app.command(help=CHECK)
def check(dataset: DataSet, file: File = None, root: Root = None) -> None:
    """Check a file and say in one line what it is."""
    _checked(dataset, file, root)


def _checked(dataset: str, file: Path | None, root: Path | None) -> None:
    from harness.cli.tables import print_lines
    from harness.data.fetch import existing
    from harness.data.own import schema
    from harness.data.read import read
    from harness.reports import data as report

    found = schema(dataset)
    print_lines([f"{report.summary(read(existing(found, file, root), found))}. All checks passed."])


@app.command(help=DESCRIBE)
def describe(dataset: DataSet, file: File = None, root: Root = None, json: AsJson = False) -> None:
    """Print figures of every column beside the published ones."""
    from harness.cli.tables import print_blocks, print_json
    from harness.data.describe import describe as described
    from harness.data.fetch import existing
    from harness.data.own import schema
    from harness.data.read import read
    from harness.reports import data as report

    found = schema(dataset)
    table = read(existing(found, file, root), found)
    columns = described(table)
    if json:
        print_json(report.as_json(table, columns))
    else:
        print_blocks(report.blocks(table, columns))


@app.command(help=SYNTHESIZE)
def synthesize(
    dataset: Id,
    patients: Annotated[
        int | None, typer.Option(help="How many patients; as many as the published file if not given.", min=1)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the simulation.", min=0)] = 0,
    out: Annotated[
        Path | None, typer.Option(help="The CSV file to write (DATASET-stand-in.csv).", metavar="FILE")
    ] = None,
) -> None:
    """Write a stand-in and its manifest."""
    from harness.cli.tables import print_lines
    from harness.data.stand_ins.catalogue import process
    from harness.data.stand_ins.write import synthesize as write

    made = process(dataset)
    path = out or Path(f"{dataset}-stand-in.csv")
    manifest = write(made, patients or made.schema.patients or 1, seed, path)
    print_lines(
        [
            f"{path}: a stand-in for '{dataset}', {manifest['patients']:,} patients × {manifest['steps']} "
            f"{made.schema.step_name}s, seed {seed}; git blob {manifest['blob_sha1']}.",
            manifest["notice"],
        ]
    )


app.command("states", help=states.HELP)(states.states)
