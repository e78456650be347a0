"""`harness train neural-behaviour-cloning | double-dqn | neural-conservative-q`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli.resuming import only_resumed
from harness.cli.train import tabular
from harness.cli.train.offline import Env
from harness.cli.train.session import AsJson, Out, Quiet, Resume, carried_out, evaluate_with

HEADS = {
    "neural-behaviour-cloning": "Learn by a network the policy that is seen in logged transitions.",
    "double-dqn": "Learn by Double DQN from logged transitions (van Hasselt et al. 2016).",
    "neural-conservative-q": "Learn by conservative Q-learning with a network (Kumar et al. 2020).",
}
"""What each learner does, by its name."""

SHORT = {"neural-behaviour-cloning": "neural-bc", "neural-conservative-q": "neural-cql"}
"""What some can be called instead."""

Data = Annotated[
    Path | None,
    typer.Option(
        help="Logged transitions: .parquet, .npz, or a data set of Minari; `harness collect` makes one.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option(help="Of the first weights and of the batches drawn; a training seed.")]
Steps = Annotated[int, typer.Option(help="Of Adam.", min=1)]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Another setting, several times.")]


def help_of(name: str) -> str:
    """The text of `--help`."""
    return f"""{HEADS[name]}

[bold]Examples[/bold]

  harness collect --env icu-sepsis --agent expert --episodes 5000 --out data.npz\n
  harness train {name} --data data.npz\n
  harness train {SHORT.get(name, name)} --data data.npz --seed 42 --steps 20000 --set hidden=64\n
  harness train {name} --resume runs/2026-01-31T12-00-00-icu-sepsis-{name}\n
  harness eval --env icu-sepsis --agent runs/…-{name}

Network and settings are those of CQL-sepsis unless told otherwise; when acting, inadmissible actions are left out.
Values printed are exact, not estimated from the data. Needs torch: pip install 'harness\\[deep]'.
A benchmark for research, not medical advice.
"""


def behaviour_cloning(
    context: typer.Context,
    data: Data = None,
    seed: Seed = 0,
    steps: Steps = 100_000,
    greedy: Annotated[bool, typer.Option(help="Take the likeliest action, or act by the probabilities.")] = True,
    set_: Set = None,
    env: Env = None,
    out: Out = Path("runs"),
    resume: Resume = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Parse, learn, print."""
    settings = {"seed": seed, "steps": steps, "greedy": greedy}
    _train(context, "neural-behaviour-cloning", settings, set_, data, env, out, resume, json, quiet)


def double_dqn(
    context: typer.Context,
    data: Data = None,
    seed: Seed = 0,
    steps: Steps = 100_000,
    set_: Set = None,
    env: Env = None,
    out: Out = Path("runs"),
    resume: Resume = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Parse, learn, print."""
    _train(context, "double-dqn", {"seed": seed, "steps": steps}, set_, data, env, out, resume, json, quiet)


def conservative_q(
    context: typer.Context,
    data: Data = None,
    alpha: Annotated[float, typer.Option(help="Weight of the conservative term.", min=0)] = 1.0,
    seed: Seed = 0,
    steps: Steps = 100_000,
    set_: Set = None,
    env: Env = None,
    out: Out = Path("runs"),
    resume: Resume = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Parse, learn, print."""
    settings = {"seed": seed, "steps": steps, "alpha": alpha}
    _train(context, "neural-conservative-q", settings, set_, data, env, out, resume, json, quiet)


COMMANDS: dict[str, Callable[..., None]] = {
    "neural-behaviour-cloning": behaviour_cloning,
    "double-dqn": double_dqn,
    "neural-conservative-q": conservative_q,
}


def _train(
    context: typer.Context, name: str, settings: dict[str, Any], more: list[str] | None, data: Path | None,
    env: str | None, out: Path, resume: Path | None, json: bool, quiet: bool,
) -> None:  # fmt: skip
    from harness.core.extras import require_deep

    require_deep(f"`harness train {name}`")
    from dataclasses import asdict

    from harness.agents.offline.neural import Training
    from harness.agents.offline.neural_settings import NEURAL
    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.core.errors import RunError, UsageError
    from harness.core.run import TRAINING, RunFolder
    from harness.core.settings import settings_of
    from harness.envs.ids import absolute
    from harness.evaluation.tabular import Progress
    from harness.reports.learned import table
    from harness.reports.neural_trainings import curve
    from harness.training.neural import carry_out, start, told

    if resume is not None:
        only_resumed(context, "data")
        if (of := told(resume)[0]["algorithm"]) != name:
            raise RunError(f"The run {resume} is of {of}; expected one of {name}.")
        folder = RunFolder.resume(resume, TRAINING)
    elif data is None:
        raise UsageError("Nothing says what to learn from; name a file with --data, `harness collect` makes one.")
    else:
        chosen = settings_of(NEURAL[name], settings | tabular.pairs(more), name)
        folder = start(data, name, chosen, out, None if env is None else absolute(env))

    def progress(training: Training) -> Progress:
        return Progress(training.steps, training.settings.steps, "steps")

    done = carried_out(name, folder, lambda run, watch: carry_out(run, watch, data), progress, quiet=quiet)
    if json:
        print_json({**asdict(done.learned), "curve": done.curve})
        return
    print_blocks([curve(done), table(done.learned)])
    found = done.learned
    print_lines([evaluate_with(found.env, found.options, found.run_dir), "A benchmark, not medical advice."])
