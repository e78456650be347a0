"""`harness train reinforce`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.train.session import AsJson, Out, Quiet, Resume, carried_out, print_trained, resumed

HELP = """Train a policy by REINFORCE with a learned baseline, masks and an entropy bonus.

[bold]Examples[/bold]

  harness train reinforce --env polypharmacy/easy-screening\n
  harness train reinforce --env polypharmacy/complex-tradeoff --episodes 16000 --seed 1\n
  harness train reinforce --resume runs/2026-01-31T12-00-00-polypharmacy-easy-screening-reinforce\n
  harness eval --env polypharmacy/easy-screening --agent runs/…-reinforce --method rollout --episodes 500

Learns from training seeds alone, on one core. Needs torch: pip install 'harness\\[deep]'.
A benchmark for research, not medical advice.
"""


def train(
    context: typer.Context,
    env: Annotated[str, typer.Option(help="Environment to learn in.")] = "polypharmacy/easy-screening",
    episodes: Annotated[int, typer.Option(help="Episodes to learn from.", min=1)] = 8_000,
    seed: Annotated[int, typer.Option(help="Of the weights, the order of patients and the actions drawn.")] = 0,
    batch: Annotated[int, typer.Option(help="Episodes an update.", min=2)] = 32,
    learning_rate: Annotated[float, typer.Option(help="Of Adam.", min=1e-9)] = 1e-3,
    entropy: Annotated[float, typer.Option(help="Weight of the entropy bonus.", min=0)] = 0.01,
    out: Out = Path("runs"),
    resume: Resume = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Parse, train, print the curve."""
    from harness.core.extras import require_deep

    require_deep("`harness train reinforce`")
    from harness.agents.rl.reinforce import Settings, Training
    from harness.evaluation.tabular import Progress
    from harness.reports.trainings import table
    from harness.training.reinforce import carry_out, start

    folder = resumed(context, resume)
    if folder is None:
        settings = Settings(seed=seed, episodes=episodes, batch=batch, learning_rate=learning_rate, entropy=entropy)
        folder = start(out, env, settings)

    def progress(training: Training) -> Progress:
        told = training.settings
        return Progress(training.updates * told.batch, told.updates * told.batch, "episodes")

    done = carried_out("reinforce", folder, carry_out, progress, quiet=quiet)
    print_trained(done, table, "--method rollout --episodes 500", json=json)
