"""`harness sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as o

if TYPE_CHECKING:
    from harness.core.run import RunFolder

HELP = """Offline learners over their settings, sizes of the data and seeds; every policy is valued exactly.

[bold]Examples[/bold]

  harness sweep --env icu-sepsis --agent expert\n
  harness sweep --learner conservative-q --alpha 0 --alpha 1 --size 5000 --seeds 20 --json\n
  harness sweep --resume runs/2026-01-31T12-00-00-icu-sepsis-sweep --processes 8

Interrupted or killed, it goes on with --resume; no cell is computed or counted twice. Quick planners on the same data
are printed beside. A benchmark for research, not medical advice.
"""


def sweep(
    context: typer.Context,
    env: o.Env = "icu-sepsis",
    mdp: o.Mdp = None,
    discount: o.Discount = None,
    inadmissible: o.Inadmissible = None,
    option: o.EnvOption = None,
    agent: Annotated[str, typer.Option(help="Who collects the data: an id, or the folder of a training.")] = "expert",
    learner: Annotated[
        list[str] | None,
        typer.Option(
            help="A learner as `harness train` calls it, several times; all if not given.", show_default=False
        ),
    ] = None,
    alpha: Annotated[
        list[float] | None,
        typer.Option(help="α of conservative-q, several times; 0, .1, .5, 1, 2, 5 and 10 if not given.", min=0),
    ] = None,
    size: Annotated[
        list[int] | None,
        typer.Option(help="Episodes, several times; 1000, 5000, 10000, 50000 and 100000 if not given.", min=1),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Data sets of each size: training seeds 0, 1, 2, …", min=1)] = 10,
    processes: Annotated[
        int | None, typer.Option(help="At a time; one a core if not given.", min=1, show_default=False)
    ] = None,
    out: o.Out = Path("runs"),
    resume: Annotated[
        Path | None, typer.Option(help="Go on with this interrupted sweep; what it was told is in it.")
    ] = None,
    json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Parse, sweep, print."""
    import os

    from harness.agents.offline.learners import LEARNERS
    from harness.cli.resuming import only_resumed
    from harness.cli.task import env_id, env_options
    from harness.cli.train.offline import SHORT
    from harness.core.errors import UsageError
    from harness.core.run import RunFolder
    from harness.evaluation.sweep.plan import ALPHAS, SIZES, standard_arms
    from harness.evaluation.sweep.run import SWEEP, start

    if resume is not None:
        only_resumed(context, "processes")
        folder = RunFolder.resume(resume, SWEEP)
    else:
        in_full = {short: name for name, short in SHORT.items()}
        learners = tuple(in_full.get(name, name) for name in learner or LEARNERS)
        if alpha and "conservative-q" not in learners:
            raise UsageError("--alpha belongs to --learner conservative-q, and no such learner is here; leave it out.")
        folder = start(
            out,
            env_id(context, env, mdp),
            agent,
            standard_arms(tuple(alpha or ALPHAS), learners),
            sizes=tuple(size or SIZES),
            seeds=tuple(range(seeds)),
            options=env_options(inadmissible, discount, option),
        )
    _carried_out(folder, processes or os.cpu_count() or 1, quiet)
    _print(folder.path, json)


def _carried_out(folder: RunFolder, processes: int, quiet: bool) -> None:
    from harness.cli.progress import shown_progress
    from harness.cli.resuming import stoppable
    from harness.evaluation.sweep.run import carry_out

    go_on = f"Go on with: harness sweep --resume {folder.path}"
    with folder, shown_progress(quiet) as watch, stoppable(lambda: go_on):
        carry_out(folder.path, processes, watch)


def _print(path: Path, json: bool) -> None:
    from dataclasses import asdict

    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.envs.registry import make_tabular
    from harness.evaluation.references import reference_values
    from harness.evaluation.sweep.results import cells, held, rows
    from harness.evaluation.sweep.run import plan_of
    from harness.reports.sweep import blocks
    from harness.reports.text import policy_name

    plan = plan_of(path)
    there = cells(path, plan)
    found, compared = rows(plan, there), held(plan, there)
    known = reference_values(make_tabular(plan.env, **plan.options))
    references = {name: one.value for name, one in known.items()}
    if json:
        print_json(
            {
                "run": str(path),
                "plan": plan.model_dump(mode="json"),
                "references": references,
                "rows": [
                    {
                        "learner": row.arm.learner,
                        "settings": row.arm.settings,
                        "planner": row.arm.planner,
                        "size": row.size,
                        "seconds": row.seconds,
                        **asdict(row.value),
                    }
                    for row in found
                ],
                "best": [
                    {
                        "size": pair.size,
                        "learner": pair.learner.arm.name,
                        "planner": pair.planner.arm.name,
                        "difference": asdict(pair.difference),
                    }
                    for pair in compared
                ],
            }
        )
        return
    shown = {policy_name(name, one.kind): one.value for name, one in known.items()}
    print_blocks(blocks(plan, found, compared, shown))
    print_lines([f"run {path}", f"figure: harness plot {path}", "A benchmark, not medical advice."])
