"""`harness train sarsa|q-learning|sac|ppo`, and `harness train dqn` where the environment is tabular."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import options as o
from harness.cli.resuming import only_resumed
from harness.cli.train.session import AsJson, Out, Quiet, Resume, carried_out, evaluate_with

if TYPE_CHECKING:
    from harness.core.run import RunFolder
    from harness.training.learning_curves import Trained

TITLES = {
    "sarsa": "Sarsa",
    "q-learning": "Q-learning",
    "sac": "a discrete soft actor-critic",
    "ppo": "PPO",
}

HELP = """Train {title} on a table, many training seeds in lockstep, looked at exactly.

[bold]Examples[/bold]

  harness train {name} --env icu-sepsis\n
  harness train {name} --env icu-sepsis --seeds 0-4 --episodes 50000 --processes 2\n
  harness train {name} --set {setting}=0.01\n
  harness train {name} --resume runs/2026-01-31T12-00-00-icu-sepsis-{name}\n
  harness eval --env icu-sepsis --agent runs/…-{name}/seed-3

Settings are those of the ICU-Sepsis paper unless told otherwise. A run's folder is the agent of its first seed.
A benchmark for research, not medical advice.
"""

SEEDS = "How many training seeds, or which: 20, 0-19 or 3,5."
SETTING = "A setting of the algorithm, several times."
SHARED = "Processes that share the seeds."

Env = Annotated[str, typer.Option(help="Tabular environment to learn in.")]
Seeds = Annotated[str, typer.Option(help=SEEDS)]
Episodes = Annotated[int | None, typer.Option(help="Episodes of every seed; the paper's if not given.", min=1)]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help=SETTING)]
Processes = Annotated[int, typer.Option(help=SHARED, min=1)]


def command(name: str) -> Callable[..., None]:
    """The command of one algorithm."""

    def train(
        context: typer.Context,
        env: Env = "icu-sepsis",
        mdp: o.Mdp = None,
        option: o.EnvOption = None,
        seeds: Seeds = "20",
        episodes: Episodes = None,
        set_: Set = None,
        processes: Processes = 1,
        out: Out = Path("runs"),
        resume: Resume = None,
        json: AsJson = False,
        quiet: Quiet = False,
    ) -> None:
        """Parse, train, print the curve."""
        carry_out(context, name, env, mdp, option, seeds, episodes, set_, processes, out, resume, json, quiet)

    return train


def help_of(name: str) -> str:
    """What `--help` says."""
    setting = "actor_learning_rate" if name == "sac" else "learning_rate"
    return HELP.format(name=name, title=TITLES[name], setting=setting)


def carry_out(
    context: typer.Context, algorithm: str, env: str, mdp: str | None, option: list[str] | None, seeds: str,
    episodes: int | None, given: list[str] | None, processes: int, out: Path, resume: Path | None, json: bool,
    quiet: bool,
) -> None:  # fmt: skip
    """Train by a new run or go on with one, and print what it has come to."""
    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.cli.task import env_id, env_options
    from harness.core.run import TRAINING, RunFolder
    from harness.envs.registry import make_tabular
    from harness.evaluation.references import reference_values
    from harness.reports.lockstep_trainings import NOTICE, curve, final
    from harness.training.lockstep import as_json, require, start

    if resume is not None:
        only_resumed(context, "processes")
        require(resume, algorithm)
        folder = RunFolder.resume(resume, TRAINING)
    else:
        told = pairs(given) | ({} if episodes is None else {"episodes": episodes})
        task, options = env_id(context, env, mdp), env_options(others=option)
        folder = start(out, task, algorithm, told, training_seeds(seeds), parts=processes, options=options)
    done = _carried_out(folder, algorithm, processes, quiet)
    if json:
        print_json(as_json(done))
        return
    print_blocks([curve(done), final(done, reference_values(make_tabular(done.env, **done.options)))])
    print_lines([evaluate_with(done.env, done.options, done.run_dir), *_which(done), NOTICE])


def _which(done: Trained) -> list[str]:
    """Whose policy that folder is, where there are several: a value of it is one seed's, and no mean."""
    if len(done.seeds) == 1:
        return []
    first, last = done.seeds[0], done.seeds[-1]
    return [f"That is the policy of seed {first} alone; of another seed: --agent {done.run_dir}/seed-{last}"]


def _carried_out(folder: RunFolder, algorithm: str, processes: int, quiet: bool) -> Trained:
    from harness.evaluation.tabular import Progress
    from harness.training.lockstep import carry_out, total_of

    name = "dqn" if algorithm == "tabular-dqn" else algorithm
    total = total_of(folder.path)
    return carried_out(
        name,
        folder,
        lambda run, watch: carry_out(run, processes, watch),
        lambda done: Progress(done, total, "episodes"),
        quiet=quiet,
    )


def training_seeds(text: str) -> list[int]:
    """The seeds that `--seeds` names: 20 are the first twenty.

    Raises
    ------
    UsageError
        If it names none, or others than training seeds.
    """
    import re

    from harness.core.errors import UsageError
    from harness.core.seeds import check_training_seeds

    if text == "0":
        raise UsageError(
            "--seeds 0 trains nothing; expected how many (20), or which: 0-19 or 3,5; seed 0 alone is 0-0."
        )
    found: list[int] = []
    if re.fullmatch(r"[1-9][0-9]{0,5}", text):
        found = list(range(int(text)))
        check_training_seeds(found[-1:])
        return found
    for part in text.split(","):
        match = re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if last < first:
            raise UsageError(f"--seeds '{text}' are no seeds; expected how many (20), or which: 0-19 or 3,5.")
        check_training_seeds((first, last))
        found += range(first, last + 1)
    return found


def pairs(given: list[str] | None) -> dict[str, Any]:
    """Settings as they were typed, NAME=VALUE.

    Raises
    ------
    UsageError
        If there is no '='.
    """
    from harness.core.errors import UsageError

    found: dict[str, Any] = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--set '{text}' sets nothing; expected NAME=VALUE.")
        found[name.strip()] = value.strip()
    return found
