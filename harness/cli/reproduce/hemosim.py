"""`harness reproduce hemosim`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

HELP = """Run the published baselines of the package hemosim again (extra hemosim), on its held-out seeds, and say where
published and measured differ.

[bold]Parts[/bold]

  table         return and time in range of the baselines, published twice, beside what the package gives\n
  trivial       what it is worth to do the same whatever is shown, in all five tasks

[bold]Examples[/bold]

  harness reproduce hemosim\n
  harness reproduce hemosim --part table --json\n
  harness reproduce hemosim --part trivial --episodes 20

A benchmark of software, not of medicine, and not medical advice.
"""

FEWEST = 5
"""Episodes below which intervals say nothing."""


class Part(StrEnum):
    """What `--part` takes."""

    table = "table"
    trivial = "trivial"


def hemosim(
    part: Annotated[Part | None, typer.Option(help="Only this part.")] = None,
    episodes: Annotated[int, typer.Option(help="trivial: episodes of each policy; the published table has 100.")] = 100,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Run and print the parts asked for."""
    from harness.cli.progress import shown_progress
    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.core.errors import UsageError
    from harness.envs.hemosim.package import require

    if episodes < FEWEST:
        raise UsageError(f"--episodes {episodes} measures nothing; expected at least {FEWEST}.")
    require("harness reproduce hemosim")
    from harness.reports import hemosim as report
    from harness.reproduce import hemosim as found

    printed: dict[str, Any] = {}
    for name in tuple(Part) if part is None else (part,):
        with shown_progress(quiet=json) as watch:
            if name is Part.table:
                figures = found.table(watch)
                printed[name.value], blocks = [report.plain_figure(f) for f in figures], report.table(figures)
            else:
                arms = found.trivial(episodes, watch)
                printed[name.value], blocks = [report.plain_arm(a) for a in arms], report.trivial(arms)
        if not json:
            print_blocks(blocks)
    if json:
        print_json(printed)
        return
    print_lines([report.NOTICE])
