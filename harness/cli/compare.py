"""`harness compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

HELP = """Compare finished runs of the same task: every run against the first.

[bold]Examples[/bold]

  harness compare runs/…-qwen runs/…-smollm2\n
  harness compare runs/…-random runs/…-expert runs/…-qwen --top 10 --json\n
  harness compare runs/…-qwen runs/…-qwen-2 --flips

Runs without sampling differ exactly, or certainly lie between two numbers; rollouts are paired by seed. For two runs
without sampling the list below says where the difference comes from.
"""


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders of finished runs; the first is the base.")],
    top: Annotated[int, typer.Option(help="How many states to list.")] = 5,
    flips: Annotated[
        bool,
        typer.Option("--flips", help="Instead of that list: which states flipped, from what to what, and their worth."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Print the differences, and where they come from."""
    from dataclasses import asdict

    from harness.cli.tables import print_blocks, print_json, print_lines, print_table
    from harness.envs.ids import short_name
    from harness.evaluation.compare import contributions, differences, load_runs
    from harness.evaluation.config import Method
    from harness.evaluation.flips import between as flips_between
    from harness.reports import compare as table
    from harness.reports.flips import blocks
    from harness.reports.text import between, not_for_ranking, number

    loaded = load_runs(runs)
    found = differences(loaded)
    flipped = [flips_between(loaded[0], run) for run in loaded[1:]] if flips else []
    without_sampling = [
        run for run in loaded[1:] if Method.ROLLOUT not in (run.summary.method, loaded[0].summary.method)
    ]
    shares = {} if flips else {run.label: contributions(loaded[0], run)[: max(top, 0)] for run in without_sampling}
    if json:
        where = {"flips": [asdict(f) for f in flipped]} if flips else {}
        listed_shares = {"contributions": {label: [asdict(c) for c in listed] for label, listed in shares.items()}}
        mark = {"assumption_based": True} if loaded[0].summary.assumption_based else {}
        print_json({**mark, "differences": [asdict(d) for d in found], **(where or listed_shares)})
        return
    base = loaded[0].summary
    task = f"{short_name(base.env)} v{base.env_version}"
    limits = "" if base.interval == "none" else between(base.lower, base.upper)
    worth = limits if base.interval == "certain" else f"{number(base.value)}{limits and f', {limits}'}"
    print_lines([f"{task}: {base.value_name} beyond {loaded[0].label} ({worth})"])
    print_table(table.HEADINGS, table.rows(found))
    for pair in flipped:
        print_blocks(blocks(pair, base.value_name, max(top, 0)))
    unasked = ", states that were not asked being decided optimally" if any(d.kind == "certain" for d in found) else ""
    for label, listed in shares.items():
        if listed:
            print_lines([f"Where {label} differs, {base.value_name} per 1,000 patients{unasked}:"])
            print_table(
                ("state", "patient", loaded[0].label, label, "worth"),
                [(str(c.state), c.description, c.base, c.other, f"{1000 * c.worth:+.2f}") for c in listed],
            )
    if base.assumption_based:
        print_lines([not_for_ranking(base.env)])
    print_lines(["A benchmark, not medical advice."])
