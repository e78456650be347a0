"""`harness play`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import options as o

if TYPE_CHECKING:
    from harness.cli.runs import Work
    from harness.evaluation.config import RunConfig
    from harness.evaluation.summary import Summary

HELP = """Decide yourself, in the terminal, and be graded as any other agent.

[bold]Examples[/bold]

  harness play\n
  harness play --env sepsis-os --episodes 3 --seed 100010\n
  harness play --teach\n
  harness play --resume runs/2026-01-31T12-00-00-icu-sepsis-human

You are asked for each value of an action: ? explains it, q stops. What you decided is in the run's folder: read it with
[bold]harness trace[/bold], or compare it with another run on the same seeds.

A benchmark for research, not medical advice.
"""


def play(
    context: typer.Context,
    env: o.Env = "icu-sepsis",
    mdp: o.Mdp = None,
    discount: o.Discount = None,
    inadmissible: o.Inadmissible = None,
    option: o.EnvOption = None,
    seed: Annotated[int, typer.Option(help="Seed of the first episode; evaluation seeds start at 100000.")] = 100_000,
    episodes: Annotated[int, typer.Option(help="How many patients.")] = 1,
    teach: Annotated[
        bool, typer.Option("--teach", help="After each decision tell its regret and what was best.")
    ] = False,
    out: o.Out = Path("runs"),
    resume: Annotated[Path | None, typer.Option(help="Go on with this interrupted run.")] = None,
) -> None:
    """Parse, play, print the report."""
    from functools import partial

    from harness.cli.tables import console
    from harness.cli.task import env_id, env_options
    from harness.evaluation import evaluate as evaluation
    from harness.evaluation.config import Method, configured
    from harness.reports.summary import print_report

    if resume is not None:
        config, work = _begun(context, resume), partial(evaluation.resume, resume)
    else:
        config = configured(
            env=env_id(context, env, mdp),
            env_options=env_options(inadmissible, discount, option),
            agent="human",
            teach=teach,
            method=Method.ROLLOUT,
            episodes=episodes,
            seed_start=seed,
        )
        work = partial(evaluation.run, config, out)
    summary = _played(config, work)
    sys.stdout.write("\n")
    print_report(console(), summary)


def _begun(context: typer.Context, path: Path) -> RunConfig:
    """The configuration of a run that a human began.

    Raises
    ------
    UsageError
        If somebody else did, or other options were given.
    """
    from harness.cli.resuming import only_resumed
    from harness.core.errors import UsageError
    from harness.evaluation.manifest import opened

    only_resumed(context)
    _, config = opened(path)
    if config.agent != "human":
        raise UsageError(f"The run {path} is not one that you played; go on with: harness eval --resume {path}")
    return config


def _played(config: RunConfig, work: Work) -> Summary:
    """Play; what stops it says how to go on."""
    from harness.cli.runs import resumable
    from harness.core.errors import StoppedRun
    from harness.evaluation.cast import check
    from harness.evaluation.job import Observers
    from harness.reports.play import Narrator

    narrator = Narrator(check(config), config.teach)

    def tell(event: Any) -> None:
        for line in narrator.words(event):
            sys.stdout.write(line + "\n")
        sys.stdout.flush()

    try:
        go_on = "Go on, from the beginning of this episode, with: harness play --resume"
        return resumable(work, Observers(at_once=tell), lambda run: f"{go_on} {run}")
    except StoppedRun:
        sys.stdout.write("\n")
        raise
