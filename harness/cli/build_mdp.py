"""`harness build-mdp`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options as o

HELP = """Make a tabular MDP of patients' trajectories, to be played, solved and learned from like any other.

[bold]Examples[/bold]

  harness build-mdp --recipe hypotension --data made.csv --out my/hypotension\n
  harness build-mdp --recipe mine.toml --data ours.parquet --out my/ward --diagnose\n
  harness optimum --mdp my/hypotension\n
  harness eval --mdp my/hypotension --model smollm2

A recipe says what the treatments, the features, the states and the reward are; built in are ai-clinician, art-hiv,
hypotension, hypotension-pls and sepsis. One of your own is a TOML file; harness/construction/recipes has examples.
Needs the extra: pip install 'harness\\[data]'. A benchmark for research, not medical advice.
"""


def build_mdp(
    recipe: o.Recipe,
    out: Annotated[Path, typer.Option(help="Folder to write the MDP to.", metavar="FOLDER")],
    data: o.Patients = None,
    states: o.States = None,
    visits: o.Visits = None,
    seed: Annotated[int | None, typer.Option(help="Of the clustering, if not the recipe's.", min=0)] = None,
    diagnose: Annotated[
        bool, typer.Option("--diagnose", help="Also how far it can be trusted, in tables and plots; takes minutes.")
    ] = False,
    json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Read, build, write, print."""
    from harness.cli.progress import told
    from harness.cli.tables import print_blocks, print_json
    from harness.construction.build import build
    from harness.construction.folder import check_target
    from harness.construction.recipe import changed, load
    from harness.construction.write import write
    from harness.data.fetch import existing
    from harness.data.read import read
    from harness.reports import construction as report
    from harness.reports.block import Block

    wanted = changed(load(recipe), states=states, visits=visits, seed=seed)
    check_target(out)
    schema = wanted.schema_of_data(recipe)
    with told(quiet=quiet) as tell:
        tell("reading")
        table = read(existing(schema, data), schema)
        built = build(table, wanted, tell)
        tell("writing")
        before = _hash(out)
        manifest = write(built, out)
        replaced = before not in (None, _hash(out))
        if diagnose:
            from harness.construction.diagnostics import diagnose as diagnosed
            from harness.reports.diagnostics import write as written

            found = diagnosed(built, tell)
            written(found, out)
    if json:
        print_json({"out": str(out), "replaced": replaced, **manifest})
        return
    blocks = report.blocks(out, manifest)
    if diagnose:
        from harness.reports.diagnostics import blocks as doubts

        blocks += doubts(found)
    if replaced:
        said = f"Another MDP was in {out} and is replaced: runs and trainings of that one were made with other files."
        blocks.append(Block("", (), (), (said,)))
    print_blocks(blocks)


def _hash(folder: Path) -> str | None:
    """Of the MDP in a folder, if there is one."""
    from hashlib import sha256

    from harness.mdp.arrays import ARCHIVE

    archive = folder / ARCHIVE
    return sha256(archive.read_bytes()).hexdigest() if archive.is_file() else None
