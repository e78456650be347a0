"""`harness train dqn`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.train.session import AsJson, Out, Quiet, Resume, carried_out, print_trained, resumed

HELP = """Train a deep Q-network with experience replay and a target network (after Nemati et al. 2016).

[bold]Examples[/bold]

  harness train dqn --env heparin-labs\n
  harness train dqn --env heparin --ahead 2 --lag 0 --lag 1\n
  harness train dqn --resume runs/2026-01-31T12-00-00-heparin-labs-dqn\n
  harness eval --env heparin-labs --agent runs/…-dqn --episodes 500

Learns from what it tries on simulated patients of training seeds alone, on one core; the published one learned from the
doses that clinicians had given. Needs torch: pip install 'harness[deep]'.
A benchmark for research, not medical advice.
"""


def train(
    context: typer.Context,
    env: Annotated[str, typer.Option(help="Environment to learn in.")] = "heparin-labs",
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
    out: Out = Path("runs"),
    resume: Resume = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Parse, train, print the curve."""
    from harness.agents.rl.deep import require_deep

    require_deep("`harness train dqn`")
    from harness.agents.rl.dqn import Settings, Training
    from harness.evaluation.dqn_trainings import carry_out, start
    from harness.evaluation.tabular import Progress
    from harness.reports.trainings import dqn_table

    folder = resumed(context, resume)
    if folder is None:
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
