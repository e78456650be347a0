"""`harness train linucb | thompson`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as o
from harness.cli.train.session import evaluate_with

if TYPE_CHECKING:
    from harness.agents.bandits.contextual import Settings

HEADS = {
    "linucb": "Train LinUCB, a contextual bandit, on the features of a tabular task (Li et al. 2010).",
    "thompson": "Train linear Thompson sampling, a contextual bandit, on a tabular task (Agrawal and Goyal 2013).",
}


def help_of(name: str) -> str:
    """The text of `--help`."""
    return f"""{HEADS[name]}

[bold]Examples[/bold]

  harness train {name} --env icu-sepsis\n
  harness train {name} --env icu-sepsis --episodes 100000 --seed 3 --json\n
  harness eval --env icu-sepsis --agent runs/…-{name}

Myopic: it learns the mean return that follows a decision in a state, under its own later decisions, and never looks at
the value of the next state; the reward paid at once is 0 almost everywhere. Learns on simulated patients of a training
seed; the value printed is exact. A benchmark for research, not medical advice.
"""


Env = Annotated[str, typer.Option(help="Tabular environment to learn in.")]
Episodes = Annotated[int, typer.Option(help="Patients to learn from.", min=1)]
Batch = Annotated[int, typer.Option(help="Patients a round, a multiple of 4.", min=4)]
Ridge = Annotated[float, typer.Option(help="λ of the regression.", min=1e-9)]
Seed = Annotated[int, typer.Option(help="Training seed: of the patients and of what is drawn.")]
Out = Annotated[Path, typer.Option(help="Folder for the run's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]


def linucb(
    context: typer.Context,
    env: Env = "icu-sepsis",
    mdp: o.Mdp = None,
    option: o.EnvOption = None,
    episodes: Episodes = 20_000,
    batch: Batch = 100,
    alpha: Annotated[float, typer.Option(help="Widths added to the mean, in units of the return.", min=0)] = 1.0,
    ridge: Ridge = 1.0,
    seed: Seed = 0,
    out: Out = Path("runs"),
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Parse, train, print."""
    from harness.agents.bandits.linucb import LinUCB

    told = {"seed": seed, "episodes": episodes, "batch": batch, "ridge": ridge, "alpha": alpha}
    _train("linucb", lambda: LinUCB.model_validate(told), context, env, mdp, option, out, json, quiet)


def thompson(
    context: typer.Context,
    env: Env = "icu-sepsis",
    mdp: o.Mdp = None,
    option: o.EnvOption = None,
    episodes: Episodes = 20_000,
    batch: Batch = 100,
    v: Annotated[float, typer.Option(help="Spread of the draws, in units of the return.", min=0)] = 0.5,
    draws: Annotated[int, typer.Option(help="Draws that make up the policy of a round.", min=1)] = 32,
    ridge: Ridge = 1.0,
    seed: Seed = 0,
    out: Out = Path("runs"),
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Parse, train, print."""
    from harness.agents.bandits.thompson import Thompson

    told = {"seed": seed, "episodes": episodes, "batch": batch, "ridge": ridge, "v": v, "draws": draws}
    _train("thompson", lambda: Thompson.model_validate(told), context, env, mdp, option, out, json, quiet)


COMMANDS: dict[str, Callable[..., None]] = {"linucb": linucb, "thompson": thompson}


def _train(
    name: str, settings: Callable[[], Settings], context: typer.Context, env: str, mdp: str | None,
    option: list[str] | None, out: Path, json: bool, quiet: bool,
) -> None:  # fmt: skip
    from dataclasses import asdict

    from pydantic import ValidationError

    from harness.cli.progress import shown_progress
    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.cli.task import env_id, env_options
    from harness.core.errors import UsageError, first_problem
    from harness.evaluation.tabular import Progress
    from harness.reports.learned import table
    from harness.training.tables import train_bandit

    try:
        told = settings()
    except ValidationError as error:
        raise UsageError(f"--{first_problem(error)}.") from None
    with shown_progress(quiet) as watch:
        done = train_bandit(
            env_id(context, env, mdp),
            name,
            told,
            out,
            lambda seen: watch(Progress(seen, told.episodes, "episodes")),
            env_options(others=option),
        )
    if json:
        print_json(asdict(done))
        return
    print_blocks([table(done)])
    print_lines([evaluate_with(done.env, done.options, done.run_dir), "A benchmark, not medical advice."])
