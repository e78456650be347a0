"""`harness train optim-neural-ts`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from harness.cli.options import flag, given
from harness.cli.train.session import Out, Quiet, Resume, carried_out, resumed

HELP = """Search simulated drug combinations for dangerous ones: neural Thompson sampling, differential evolution.

[bold]Examples[/bold]

  harness train optim-neural-ts --seeds 0,1,2\n
  harness train optim-neural-ts --arm no-search --seeds 0,1,2\n
  harness train optim-neural-ts --steps 3000 --warm-up 1000 --schedule published\n
  harness train optim-neural-ts --env polypharmacy/complex-tradeoff --steps 6000 --warm-up 4000\n
  harness train optim-neural-ts --resume runs/2026-01-31T12-00-00-optim-neural-ts

The published data and algorithm (Larouche, Durand, Khoury, Sirois 2023) unless told otherwise, with a shorter
retraining. One core; `harness screen` then uses what was trained. With --env the combinations are those that the
environment's training patients took, and the run is an agent there: `harness eval --agent runs/…-optim-neural-ts`
asks what the search suspects. Simulated risks, not medical advice.
"""

ArmName = Literal["optim-neural-ts", "no-search", "random"]  # harness.agents.bandits.optim_neural_ts.Arm
ScheduleName = Literal["warm", "published"]  # harness.agents.bandits.training.Schedule
DisjointName = Literal["neutral", "protective"]  # harness.agents.bandits.combinations.Disjoint

DATA = "Data set"

SIMULATED = ("data_seed", "drugs", "combinations", "patterns", "mean_size", "disjoint")
"""What does not go with --env."""


def train(
    context: typer.Context,
    seeds: Annotated[str, typer.Option(help="Training seeds, one search each: 0,1,2 or 0-4.")] = "0",
    steps: Annotated[int, typer.Option(help="Observations, the warm-up among them.", min=1)] = 30_000,
    warm_up: Annotated[int, typer.Option(help="Uniform draws before the first suggestion.", min=1)] = 10_000,
    nu: Annotated[float, typer.Option(help="Exploration: a Thompson draw has standard deviation ν σ.", min=0)] = 1.0,
    arm: Annotated[
        ArmName,
        typer.Option(
            help="What suggests: differential evolution, as many draws from existing combinations, or chance alone."
        ),
    ] = "optim-neural-ts",
    schedule: Annotated[
        ScheduleName,
        typer.Option(help="Retraining every 10 steps: 300 batches from where it was, or the published 100 epochs."),
    ] = "warm",
    env: Annotated[
        str | None,
        typer.Option(help="Drug lists of this medication review's patients instead.", rich_help_panel=DATA),
    ] = None,
    data_seed: Annotated[int, typer.Option(help="Which simulated data set.", min=0, rich_help_panel=DATA)] = 1,
    drugs: Annotated[int, typer.Option(help="Drugs.", min=1, rich_help_panel=DATA)] = 500,
    combinations: Annotated[int, typer.Option(help="Distinct combinations.", min=1, rich_help_panel=DATA)] = 100_000,
    patterns: Annotated[int, typer.Option(help="Dangerous patterns.", min=1, rich_help_panel=DATA)] = 10,
    mean_size: Annotated[float, typer.Option(help="Drugs in a combination, in the mean.", rich_help_panel=DATA)] = 8.7,
    disjoint: Annotated[
        DisjointName, typer.Option(help="Risk apart from the patterns: about 1, or about 0.15.", rich_help_panel=DATA)
    ] = "neutral",
    out: Out = Path("runs"),
    resume: Resume = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Parse, carry out the searches, print the table."""
    from harness.agents.bandits.optim_neural_ts import Arm, Search, Settings
    from harness.agents.bandits.records import Records
    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.core.errors import UsageError
    from harness.core.run import TRAINING, read_manifest
    from harness.evaluation.tabular import Progress
    from harness.reports.searches import NOTICE, against_step, table
    from harness.training.searches import as_json, carry_out, start

    folder = resumed(context, resume)
    if folder is None:
        from harness.agents.bandits.combinations import Disjoint, Simulation
        from harness.agents.bandits.training import Schedule

        if not 0 < mean_size <= drugs:
            raise UsageError(f"--mean-size {mean_size:g} is no size; expected above 0 and at most --drugs {drugs}.")
        simulation = Simulation(
            seed=data_seed, drugs=drugs, combinations=combinations, patterns=patterns, mean_size=mean_size,
            disjoint=Disjoint(disjoint),
        )  # fmt: skip
        if env is not None:
            for name in given(context):
                if name in SIMULATED:
                    raise UsageError(f"{flag(name)} is of simulated data, and --env has combinations of its own.")
        data = simulation if env is None else Records(env=env)
        settings = Settings(arm=Arm(arm), schedule=Schedule(schedule), steps=steps, warm_up=warm_up, nu=nu)
        folder = start(out, data, settings, _seeds(seeds))
    searches = len(read_manifest(folder.path, TRAINING).get("seeds", ()))

    def progress(place: int, search: Search) -> Progress:
        most = search.settings.steps
        return Progress(place * most + search.step, searches * most, "steps")

    done = carried_out("optim-neural-ts", folder, carry_out, progress, quiet=quiet)
    if json:
        print_json(as_json(done))
        return
    print_blocks([against_step(done), table(done)])
    use = f"screen with: harness screen --checkpoint {done.run_dir} …"
    if isinstance(done.data, Records):
        use = f"evaluate with: harness eval --env {done.data.env} --agent {done.run_dir} --episodes 500"
    print_lines([NOTICE, f"run {done.run_dir}; {use}"])


def _seeds(text: str) -> list[int]:
    import re

    from harness.core.errors import UsageError
    from harness.core.seeds import check_training_seeds

    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if last < first:
            raise UsageError(f"--seeds '{text}' are no seeds; expected numbers like 0,1,2 or a range like 0-4.")
        check_training_seeds((first, last))
        found += range(first, last + 1)
    return found
