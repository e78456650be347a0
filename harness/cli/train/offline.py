"""`harness train behaviour-cloning | fitted-q | batch-constrained-q | conservative-q | pessimistic-vi`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli.train.session import evaluate_with

HEADS = {
    "behaviour-cloning": "Learn the policy that is seen in logged transitions.",
    "fitted-q": "Learn by fitted Q iteration from logged transitions (Ernst et al. 2005).",
    "batch-constrained-q": "Learn from logged transitions among the actions they support (Fujimoto et al. 2019).",
    "conservative-q": "Learn by conservative Q-learning, CQL(H), from logged transitions (Kumar et al. 2020).",
    "pessimistic-vi": "Learn from logged transitions, values lowered by β / sqrt(visits) (Jin et al. 2021).",
}
"""What each learner does, by its name."""

SHORT = {
    "behaviour-cloning": "bc",
    "fitted-q": "fqi",
    "batch-constrained-q": "bcq",
    "conservative-q": "cql",
    "pessimistic-vi": "pvi",
}
"""What each can be called instead."""

ONE_SETTING = {
    "behaviour-cloning": "--smoothing 1",
    "fitted-q": "--json",
    "batch-constrained-q": "--support 20",
    "conservative-q": "--alpha 0.5",
    "pessimistic-vi": "--beta 0.5",
}

Data = Annotated[
    Path, typer.Option(help="Logged transitions: .parquet, .npz, or a data set of Minari; `harness collect` makes one.")
]
Env = Annotated[
    str | None, typer.Option(help="Environment that the data are of, if the file does not say it.", show_default=False)
]
Out = Annotated[Path, typer.Option(help="Folder for the run's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


def help_of(name: str) -> str:
    """The text of `--help`."""
    return f"""{HEADS[name]}

[bold]Examples[/bold]

  harness collect --env icu-sepsis --agent expert --episodes 5000 --out data.npz\n
  harness train {name} --data data.npz\n
  harness train {SHORT[name]} --data data.npz {ONE_SETTING[name]}\n
  harness eval --env icu-sepsis --agent runs/…-{name}

The value printed is exact, not estimated from the data. A benchmark for research, not medical advice.
"""


def behaviour_cloning(
    data: Data,
    smoothing: Annotated[float, typer.Option(help="Added to the count of every action.", min=0)] = 0.0,
    env: Env = None,
    out: Out = Path("runs"),
    json: AsJson = False,
) -> None:
    """Parse, learn, print."""
    _train("behaviour-cloning", data, env, out, json, smoothing=smoothing)


def fitted_q(data: Data, env: Env = None, out: Out = Path("runs"), json: AsJson = False) -> None:
    """Parse, learn, print."""
    _train("fitted-q", data, env, out, json)


def batch_constrained_q(
    data: Data,
    support: Annotated[int, typer.Option(help="Visits from which on an action is considered.", min=1)] = 10,
    env: Env = None,
    out: Out = Path("runs"),
    json: AsJson = False,
) -> None:
    """Parse, learn, print."""
    _train("batch-constrained-q", data, env, out, json, support=support)


def conservative_q(
    data: Data,
    alpha: Annotated[float, typer.Option(help="Weight of the conservative term.", min=0)] = 1.0,
    env: Env = None,
    out: Out = Path("runs"),
    json: AsJson = False,
) -> None:
    """Parse, learn, print."""
    _train("conservative-q", data, env, out, json, alpha=alpha)


def pessimistic_vi(
    data: Data,
    beta: Annotated[float, typer.Option(help="β of the penalty β / sqrt(visits).", min=0)] = 0.1,
    env: Env = None,
    out: Out = Path("runs"),
    json: AsJson = False,
) -> None:
    """Parse, learn, print."""
    _train("pessimistic-vi", data, env, out, json, beta=beta)


COMMANDS: dict[str, Callable[..., None]] = {
    "behaviour-cloning": behaviour_cloning,
    "fitted-q": fitted_q,
    "batch-constrained-q": batch_constrained_q,
    "conservative-q": conservative_q,
    "pessimistic-vi": pessimistic_vi,
}


def _train(name: str, data: Path, env: str | None, out: Path, json: bool, **settings: Any) -> None:
    from dataclasses import asdict

    from pydantic import ValidationError

    from harness.agents.offline.learners import learner
    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.core.errors import UsageError, first_problem
    from harness.envs.ids import absolute
    from harness.reports.learned import table
    from harness.training.tables import train

    try:
        told = learner(name).settings(**settings)
    except ValidationError as error:
        raise UsageError(f"--{first_problem(error)}.") from None
    done = train(data, name, told, out, None if env is None else absolute(env))
    if json:
        print_json(asdict(done))
        return
    print_blocks([table(done)])
    print_lines([evaluate_with(done.env, done.options, done.run_dir), "A benchmark, not medical advice."])
