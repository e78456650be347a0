"""`harness reproduce icu-sepsis`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.reports.block import Block

HELP = """Print published figures of ICU-Sepsis beside exact ones; nothing is sampled but which actions are removed.

With --table 3 the paper's five tabular agents are trained, over an hour on two cores, and judged exactly.

[bold]Parts[/bold]

  table2        survival and length of the baselines, table 2 of the paper\n
  admissible    number of admissible actions of a state, figure 3\n
  perturbation  admissible actions removed at random, appendix B.3\n
  strategies    every treatment of inadmissible actions\n
  protocol      what 100 episodes for each of 3 seeds can tell

[bold]Examples[/bold]

  harness reproduce icu-sepsis\n
  harness reproduce icu-sepsis --part table2 --json\n
  harness reproduce icu-sepsis --part perturbation --repeats 8 --plots figures\n
  harness reproduce icu-sepsis --table 3 --processes 2

A benchmark for research, not medical advice.
"""


class Part(StrEnum):
    """What `--part` takes."""

    table2 = "table2"
    admissible = "admissible"
    perturbation = "perturbation"
    strategies = "strategies"
    protocol = "protocol"


TABLES = (2, 3)
"""What `--table` takes."""

TRAINING = ("seeds", "processes", "episodes", "out", "resume")
"""What goes with table 3 alone."""

AGENTS = "Table 3"

DRAWN = (Part.admissible, Part.perturbation, Part.protocol)


def icu_sepsis(
    context: typer.Context,
    part: Annotated[Part | None, typer.Option(help="Only this part.")] = None,
    repeats: Annotated[int, typer.Option(help="Perturbed MDPs for each probability of removal.")] = 32,
    plots: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Draw figures into this folder, as PNG and SVG.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    table: Annotated[int | None, typer.Option(help="Only this table of the paper, 2 or 3.")] = None,
    seeds: Annotated[
        str, typer.Option(help="How many training seeds, or which: 20 or 0-19.", rich_help_panel=AGENTS)
    ] = "20",
    processes: Annotated[int, typer.Option(help="Trained beside each other.", min=1, rich_help_panel=AGENTS)] = 2,
    episodes: Annotated[
        int | None, typer.Option(help="Of every seed; the paper's if not given.", min=1, rich_help_panel=AGENTS)
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the runs' folders.", rich_help_panel=AGENTS)] = Path("runs"),
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the newest such runs there.", rich_help_panel=AGENTS)
    ] = False,
) -> None:
    """Compute, print and draw the parts asked for."""
    from harness.cli.options import flag, given
    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.core.errors import UsageError
    from harness.reports.reproduce import NOTICE

    if table is not None:
        if table not in TABLES or part is not None:
            raise UsageError(f"--table {table} is not printed; expected --table 2 or --table 3, without --part.")
        part = Part.table2
    if table == 3:
        from harness.cli.reproduce.table_3 import table_3

        for name in given(context):
            if name in ("plots", "repeats"):
                raise UsageError(f"{flag(name)} does not go with --table 3.")
        table_3(out, seeds, processes, episodes, resume, json)
        return
    for name in given(context):
        if name in TRAINING:
            raise UsageError(f"{flag(name)} goes with --table 3 alone.")
    parts = tuple(Part) if part is None else (part,)
    if repeats < 1:
        raise UsageError(f"--repeats {repeats} perturbs nothing; expected at least 1.")
    if plots is not None:
        _check_plots(parts, plots)
    printed: dict[str, Any] = {}
    written: list[Path] = []
    for name in parts:
        found, plain, blocks = _part(name, repeats)
        printed[name.value] = plain
        if not json:
            print_blocks(blocks)
        if plots is not None and name in DRAWN:
            written += _draw(name, found, plots)
    if json:
        print_json({**printed, **({"plots": [str(path) for path in written]} if plots is not None else {})})
        return
    print_lines([*(f"drawn: {path}" for path in written), NOTICE])


def _part(part: Part, repeats: int) -> tuple[Any, Any, Iterable[Block]]:
    """What was found, the same as plain data, and as tables."""
    from dataclasses import asdict

    from harness.reports import reproduce as report
    from harness.reproduce import icu_sepsis, perturbation, protocol

    if part is Part.table2:
        figures = icu_sepsis.table_2()
        return figures, [asdict(f) for f in figures], report.table_2(figures)
    if part is Part.admissible:
        counted = icu_sepsis.admissible()
        return counted, asdict(counted), report.admissible(counted)
    if part is Part.perturbation:
        from harness.cli.progress import shown_progress
        from harness.envs.icu_sepsis.environment import icu_sepsis as environment

        with shown_progress(quiet=False) as watch:
            study = perturbation.study(environment(), repeats=repeats, watch=watch)
        rows = perturbation.rows(study)
        plain = {"repeats": repeats, "rows": [asdict(row) for row in rows]}
        return study, plain, report.perturbation(rows, repeats)
    if part is Part.strategies:
        values = icu_sepsis.strategies()
        plain_values = {s: {name: v.model_dump() for name, v in by.items()} for s, by in values.items()}
        return values, plain_values, report.strategies(values)
    examined = protocol.examine()
    return examined, asdict(examined), report.protocol(examined)


def _check_plots(parts: tuple[Part, ...], folder: Path) -> None:
    """Find out before the work that nothing could be drawn after it."""
    from harness.core.errors import UsageError

    if not set(parts) & set(DRAWN):
        raise UsageError(f"--part {parts[0]} has nothing to draw; --plots goes with: {', '.join(DRAWN)}.")
    writable(folder)


def writable(folder: Path) -> None:
    """See that figures can be drawn into a folder.

    Raises
    ------
    UsageError
        If matplotlib is not installed, or the folder cannot be made.
    """
    from harness.core.errors import UsageError
    from harness.reports.plots import new_figure

    new_figure(1, 1)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"Cannot write figures into {folder} ({error.strerror}); expected a folder.") from error


def _draw(part: Part, found: Any, folder: Path) -> list[Path]:
    from harness.reports import plots

    if part is Part.admissible:
        figure = plots.admissible_actions(found.actions, found.states, found.mean)
    elif part is Part.perturbation:
        figure = plots.perturbation(found.probabilities, found.values, found.lengths)
    else:
        from harness.reproduce.protocol import BEST_SELECTED, SELECTED, SINGLE, selections

        shares = selections(found.random_value)
        figure = plots.sampling(
            {name: (shares[name].values, shares[name].probabilities) for name in (SINGLE, SELECTED, BEST_SELECTED)},
            {p.arm: p.published for p in found.positions},
            {"random, exactly": found.random_value, "optimum, exactly": found.optimal_value},
            supposed="If every policy were worth what random is, and every evaluation were independent:",
        )
    return plots.save(figure, folder / f"icu-sepsis-{part}")
