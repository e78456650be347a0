"""`harness plot`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

HELP = """Draw how the certain bounds of runs drew together as states were asked, or how tabular agents learned.

[bold]Examples[/bold]

  harness plot runs/…-qwen\n
  harness plot runs/…-qwen runs/…-smollm2 --out bounds\n
  harness plot runs/…-q-learning runs/…-ppo --out curves

Runs of one task without sampling, or finished trainings in one task; one PNG and one SVG.
Needs matplotlib: pip install 'harness\\[plots]'.
"""


def plot(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of runs, by exact or certify, unfinished ones too; or of trainings.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="File to write, without its ending; in the first run, if not given.")
    ] = None,
) -> None:
    """Recompute the bounds from the decisions and draw them."""
    if _trained(runs[0]):
        _learning_curves(runs, out)
        return
    from harness.cli.tables import print_lines
    from harness.core.errors import RunError, UsageError
    from harness.core.run import read_manifest
    from harness.envs.registry import make
    from harness.evaluation.references import reference_values
    from harness.evaluation.state_decision import read_decisions
    from harness.evaluation.tabular import history
    from harness.mdp.environment import TabularEnvironment
    from harness.reports.plots import bounds, save

    configs = [read_manifest(run)["config"] for run in runs]
    tasks = {(c["env"], str(sorted(c["env_options"].items()))) for c in configs}
    if len(tasks) > 1:
        raise UsageError(
            f"The runs are of different tasks ({', '.join(sorted(t[0] for t in tasks))}); draw each alone."
        )
    env = make(configs[0]["env"], **configs[0]["env_options"])
    if not isinstance(env, TabularEnvironment):
        raise RunError(f"{configs[0]['env']} is not tabular; it has no certain bounds.")
    drawn = {}
    for run, config in zip(runs, configs, strict=True):
        decisions = read_decisions(run)
        if not decisions:
            raise RunError(f"The run {run} asked no states; bounds belong to runs by exact or certify.")
        who = config["agent"] or f"{config['model'] or config['model_id']} {config['prompt']}"
        drawn[who if who not in drawn else f"{who} ({run.name})"] = history(env, decisions)
    references = {name: found.value for name, found in reference_values(env).items()}
    target = out if out is not None else runs[0] / "bounds"
    try:
        written = save(bounds(drawn, references, env.spec.value_name), target)
    except OSError as error:
        raise UsageError(f"Cannot write {target} ({error.strerror}); give another file with --out.") from error
    print_lines([f"drawn: {path}" for path in written])


def _trained(run: Path) -> bool:
    from harness.evaluation.lockstep_trainings import CURVES

    return (run / CURVES).exists()


def _learning_curves(runs: list[Path], out: Path | None) -> None:
    import numpy as np

    from harness.cli.tables import print_lines
    from harness.core.errors import UsageError
    from harness.core.run import TRAINING, RunFolder
    from harness.envs.registry import make_tabular
    from harness.evaluation.intervals import student_t
    from harness.evaluation.lockstep_trainings import finished
    from harness.evaluation.references import reference_values
    from harness.reports.plots import learning_curves, save

    drawn, tasks = {}, set()
    for run in runs:
        with RunFolder.resume(run, TRAINING) as folder:
            done = finished(folder)
        tasks.add(done.env)
        found = [student_t(column) for column in done.value.T]
        value, lower, upper = (np.array([getattr(one, name) for one in found]) for name in ("value", "lower", "upper"))
        name = done.algorithm if done.algorithm not in drawn else f"{done.algorithm} ({run.name})"
        drawn[name] = (done.looks, value, lower, upper)
    if len(tasks) > 1:
        raise UsageError(f"The runs are of different tasks ({', '.join(sorted(tasks))}); draw each alone.")
    env = make_tabular(tasks.pop())
    references = {name: value.value for name, value in reference_values(env).items()}
    target = out if out is not None else runs[0] / "curves"
    try:
        written = save(learning_curves(drawn, references, env.spec.value_name), target)
    except OSError as error:
        raise UsageError(f"Cannot write {target} ({error.strerror}); give another file with --out.") from error
    print_lines([f"drawn: {path}" for path in written])
