"""`harness recheck`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options as o

HELP = """Ask decisions of a finished run again: has the model drifted, what flipped, and what are the flips worth?

[bold]Examples[/bold]

  harness recheck runs/2026-01-31T12-00-00-icu-sepsis-gpt-4o-mini\n
  harness recheck runs/… --states 100 --seed 1 --max-cost 0.5\n
  harness recheck runs/… --all --json

The model is asked as the run's manifest names it, with the same prompts and past the cache. States are drawn by what is
at stake in them: how often they are met, times the most that another action could change. --all asks every state that
the run asked, and tells the change of the value exactly. The result stays beside the run, in recheck-TIME.json.

A benchmark for research, not medical advice.
"""

STATES = 50
"""Drawn if nothing is said: enough to see, with a probability of 92 %, that a twentieth of what is at stake flipped."""


def recheck(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(help="Folder of the run.")],
    states: Annotated[
        int | None,
        typer.Option(help="How many decisions to draw (50); a state drawn twice is asked once.", show_default=False),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Ask all of them.")] = False,
    seed: Annotated[int, typer.Option(help="By which they are drawn; the same one draws the same ones.")] = 0,
    base_url: Annotated[
        str | None, typer.Option(help="The address that the run asked, to let it have the key in OPENAI_API_KEY again.")
    ] = None,
    top: Annotated[int, typer.Option(help="How many flips to list.")] = 5,
    max_calls: o.MaxCalls = None,
    max_tokens_total: o.MaxTokensTotal = None,
    max_cost: o.MaxCost = None,
    max_minutes: o.MaxMinutes = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON, with every flip and reply.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No announcement and no progress.")] = False,
) -> None:
    """Ask, print, and write the result beside the run."""
    import asyncio

    from harness.cli.progress import shown_progress
    from harness.cli.resuming import prepare_again
    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.core.errors import UsageError
    from harness.evaluation import recheck as evaluation
    from harness.evaluation.again import Plan
    from harness.reports import recheck as report
    from harness.reports.summary import NOTICE

    if everything and states is not None:
        raise UsageError("--states and --all contradict each other; give one of them.")
    limits = o.limits(context)
    opened = evaluation.open_run(run)
    prepare_again("harness recheck", run, opened.config, base_url, quiet=quiet)

    def tell(plan: Plan) -> None:
        if not quiet:
            sys.stderr.write(f"{report.announcement(plan)}\n")

    with shown_progress(quiet) as watch:
        found = asyncio.run(
            evaluation.recheck(
                opened,
                n=None if everything else STATES if states is None else states,
                seed=seed,
                watch=watch,
                tell=tell,
                limits=limits,
            )
        )
    if json:
        print_json(found.model_dump(mode="json"))
    else:
        print_lines([*report.head(found), ""])
        print_blocks(report.blocks(found, max(top, 0)))
        print_lines([report.foot(found)])
    sys.stdout.flush()
    written = evaluation.save(found)
    if not json:
        print_lines([f"all of it: {written}", NOTICE])
    if found.stopped:
        sys.stdout.flush()
        sys.stderr.write(f"harness: {found.stopped} What was answered is in {written}.\n")
        sys.exit(found.exit_status)
