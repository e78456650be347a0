"""`harness screen`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

HELP = """Ask a trained search which drug combinations are dangerous.

[bold]Examples[/bold]

  harness screen --checkpoint runs/…-optim-neural-ts --combination d3,d17,d240\n
  harness screen --checkpoint runs/…-optim-neural-ts/seed-0 --file combinations.txt --json

A file has one combination a line, its drugs separated by commas; `#` begins a comment. Each combination is shown by
the snapshot that is surest of its danger; it is flagged if that snapshot's μ - 3 σ is above 1.1.
"""


def screen(
    checkpoint: Annotated[Path, typer.Option(help="Folder of a search, or of a run with one seed.")],
    combination: Annotated[
        list[str] | None, typer.Option(metavar="DRUGS", help="Drugs separated by commas; may be given several times.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="A file of combinations, one a line.")] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Print mean, standard deviation, lower bound and flag of each combination."""
    from dataclasses import asdict

    from harness.agents.bandits import ensemble
    from harness.cli.tables import print_json, print_lines, print_table
    from harness.core.errors import UsageError
    from harness.core.text import harmless
    from harness.reports.searches import NOTICE

    if (combination is None) == (file is None):
        raise UsageError("Say what to screen: --combination d3,d17 or --file FILE, one of them.")
    sets = [_drugs(text) for text in combination or ()] if file is None else _read(file)
    trained = ensemble.load_ensemble(ensemble.search_folder(checkpoint))
    scores = ensemble.screen(trained, sets)
    if json:
        found = [{"drugs": drugs} | asdict(score) for drugs, score in zip(sets, scores, strict=True)]
        print_json({"data": trained.data, "n_sigmas": trained.n_sigmas, "combinations": found})
        return
    print_table(
        ("mean", "sigma", "lower", "flagged", "combination"),
        (
            (f"{s.mean:.3f}", f"{s.sigma:.3f}", f"{s.lower:.3f}", "yes" if s.flagged else "no", ", ".join(drugs))
            for drugs, s in zip(sets, scores, strict=True)
        ),
    )
    print_lines([f"Trained on: {harmless(trained.data)}. Lower: mean - {trained.n_sigmas:g} sigma.", NOTICE])


def _drugs(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _read(file: Path) -> list[list[str]]:
    from harness.core.errors import UsageError

    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Cannot read {file} ({error}); expected a text file with a combination a line.") from error
    sets = [drugs for line in lines if (drugs := _drugs(line.partition("#")[0]))]
    if not sets:
        raise UsageError(f"{file} holds no combinations; expected one a line, its drugs separated by commas.")
    return sets
