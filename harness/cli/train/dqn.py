"""`harness train dqn`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options as o
from harness.cli.options import flag, given
from harness.cli.resuming import only_resumed
from harness.cli.train import tabular
from harness.cli.train.session import AsJson, Out, Quiet, Resume, carried_out, print_trained

HELP = """Train a deep Q-network with experience replay and a target network (after Nemati et al. 2016).

Where the environment is tabular the network is a table, with the settings of the ICU-Sepsis paper.

[bold]Examples[/bold]

  harness train dqn --env heparin-labs\n
  harness train dqn --env heparin --ahead 2 --lag 0 --lag 1\n
  harness train dqn --resume runs/2026-01-31T12-00-00-heparin-labs-dqn\n
  harness eval --env heparin-labs --agent runs/…-dqn --episodes 500\n
  harness train dqn --env icu-sepsis --seeds 20 --set learning_rate=0.002

Learns from what it tries on simulated patients of training seeds alone, on one core; the published one learned from the
doses that clinicians had given. A network needs torch: pip install 'harness\\[deep]'.
A benchmark for research, not medical advice.
"""


TABLE = "Where the environment is tabular"

NETWORKS = ("seed", "patients", "updates", "learning_rate", "ahead", "lag", "double")
TABLES = ("mdp", "option", "seeds", "set_", "processes")
"""What goes with the one alone."""


def train(
    context: typer.Context,
    env: Annotated[str, typer.Option(help="Environment to learn in.")] = "heparin-labs",
    mdp: o.Mdp = None,
    option: o.EnvOption = None,
    episodes: Annotated[int, typer.Option(help="Episodes to learn from.", min=1)] = 38_400,
    seed: Annotated[int, typer.Option(help="Of the weights, the patients, the actions and transitions drawn.")] = 0,
    patients: Annotated[int, typer.Option(help="Episodes a round, side by side.", min=1)] = 128,
    updates: Annotated[int, typer.Option(help="Steps of Adam a round.", min=1)] = 100,
    learning_rate: Annotated[float, typer.Option(help="Of Adam at first; it falls to 0.", min=1e-9)] = 5e-4,
    ahead: Annotated[int, typer.Option(help="Steps whose rewards are added up before the network's value.", min=1)] = 4,
    lag: Annotated[
        list[int] | None,
        typer.Option(help="Steps back whose features are shown, several times; 0, 3, 6 and 12 if not given.", min=0),
    ] = None,
    double: Annotated[
        bool, typer.Option(help="Double DQN: the network chooses what the target network values.")
    ] = True,
    seeds: Annotated[str, typer.Option(help=tabular.SEEDS, rich_help_panel=TABLE)] = "20",
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help=tabular.SETTING, rich_help_panel=TABLE)
    ] = None,
    processes: Annotated[int, typer.Option(help=tabular.SHARED, min=1, rich_help_panel=TABLE)] = 1,
    out: Out = Path("runs"),
    resume: Resume = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Parse, train, print the curve."""
    if resume is not None:
        only_resumed(context, "processes")
    on_a_table = mdp is not None or _on_a_table(env, resume)
    _fitting(context, on_a_table)
    if on_a_table:
        count = episodes if "episodes" in given(context) else None
        tabular.carry_out(
            context, "tabular-dqn", env, mdp, option, seeds, count, set_, processes, out, resume, json, quiet
        )
        return
    from harness.core.extras import require_deep
    from harness.core.run import TRAINING, RunFolder

    require_deep("`harness train dqn`")
    from harness.agents.rl.dqn import Settings, Training
    from harness.evaluation.tabular import Progress
    from harness.reports.trainings import dqn_table
    from harness.training.dqn import carry_out, start

    if resume is not None:
        folder = RunFolder.resume(resume, TRAINING)
    else:
        settings = Settings(
            seed=seed, episodes=episodes, patients=patients, updates=updates, learning_rate=learning_rate, ahead=ahead,
            double=double, **({"lags": tuple(lag)} if lag else {}),
        )  # fmt: skip
        folder = start(out, env, settings)

    def progress(training: Training) -> Progress:
        told = training.settings
        return Progress(training.rounds * told.patients, told.rounds * told.patients, "episodes")

    done = carried_out("dqn", folder, carry_out, progress, quiet=quiet)
    print_trained(done, dqn_table, "--episodes 500", json=json)


def _on_a_table(env: str, resume: Path | None) -> bool:
    """Whether it is a table that learns: by the run to go on with, else by the environment."""
    from harness.core.run import TRAINING, read_manifest
    from harness.envs import registry as envs
    from harness.mdp.environment import TabularEnvironment

    if resume is not None:
        return read_manifest(resume, TRAINING).get("algorithm") == "tabular-dqn"
    return isinstance(envs.make(env), TabularEnvironment)


def _fitting(context: typer.Context, on_a_table: bool) -> None:
    from harness.core.errors import UsageError

    for name in given(context):
        if on_a_table and name in NETWORKS:
            raise UsageError(f"{flag(name)} is of networks, and this is a table; use --seeds, and --set NAME=VALUE.")
        if not on_a_table and name in TABLES:
            raise UsageError(f"{flag(name)} is of tables, and this is a network; see `harness train dqn --help`.")
