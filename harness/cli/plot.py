"""`harness plot`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HELP = """Draw how the certain bounds of runs drew together as states were asked, how agents learned, or a sweep.

[bold]Examples[/bold]

  harness plot runs/…-qwen\n
  harness plot runs/…-qwen runs/…-smollm2 --out bounds\n
  harness plot runs/…-q-learning runs/…-ppo --out curves\n
  harness plot runs/…-double-dqn runs/…-double-dqn-2 runs/…-neural-conservative-q --out curves\n
  harness plot runs/…-sweep

Runs of one task without sampling; finished trainings in one task, by tabular agents or by networks from logged
transitions, where runs that differ in their seeds alone become one curve; or one sweep. One PNG and one SVG.
Needs matplotlib: pip install 'harness\\[plots]'.
"""


def plot(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of runs, by exact or certify, unfinished ones too; of trainings; or of one sweep."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="File to write, without its ending; in the first run, if not given.")
    ] = None,
) -> None:
    """Draw what the runs are of."""
    from harness.core.run import TRAINING, kind_of
    from harness.evaluation.sweep.run import SWEEP

    kind = kind_of(runs[0])
    drawn = _learning_curves if kind == TRAINING else _sweep if kind == SWEEP else _bounds
    drawn(runs, out)


def _bounds(runs: list[Path], out: Path | None) -> None:
    """Recompute the bounds from the decisions and draw them."""
    from harness.core.errors import RunError, UsageError
    from harness.evaluation.manifest import decider, environment_of, opened
    from harness.evaluation.recorded import read_decisions
    from harness.evaluation.references import reference_values
    from harness.evaluation.tabular import history
    from harness.mdp.environment import TabularEnvironment
    from harness.reports.plots import bounds

    known = [opened(run) for run in runs]
    tasks = {(c.env, str(sorted(c.env_options.items()))) for _, c in known}
    if len(tasks) > 1:
        raise UsageError(
            f"The runs are of different tasks ({', '.join(sorted(t[0] for t in tasks))}); draw each alone."
        )
    env, *_ = (environment_of(run) for run in runs)  # each sees to it that its run is of this version
    if not isinstance(env, TabularEnvironment):
        raise RunError(f"{env.spec.id} is not tabular; it has no certain bounds.")
    drawn = {}
    for run, (manifest, config) in zip(runs, known, strict=True):
        decisions = read_decisions(run, env)
        if not decisions:
            raise RunError(f"The run {run} asked no states; bounds belong to runs by exact or certify.")
        who = decider(manifest, config)
        drawn[who if who not in drawn else f"{who} ({run.name})"] = history(env, decisions)
    references = {name: found.value for name, found in reference_values(env).items()}
    _save(bounds(drawn, references, env.spec.value_name), out if out is not None else runs[0] / "bounds")


def _learning_curves(runs: list[Path], out: Path | None) -> None:
    from harness.envs.registry import make_tabular
    from harness.evaluation.references import reference_values
    from harness.reports.plots import learning_curves
    from harness.training.curves import curves, interval

    found = curves(runs)
    first = next(iter(found.values()))
    env = make_tabular(first.env, **first.options)
    references = {name: value.value for name, value in reference_values(env).items()}
    drawn = {
        f"{name}, n = {len(curve.values)}": (curve.at, interval(curve.values), interval(curve.lengths))
        for name, curve in found.items()
    }
    figure = learning_curves(drawn, references, env.spec.value_name, along=first.along)
    _save(figure, out if out is not None else runs[0] / "curves")


def _sweep(runs: list[Path], out: Path | None) -> None:
    from harness.core.errors import RunError, UsageError
    from harness.envs.registry import make_tabular
    from harness.evaluation.references import reference_values
    from harness.evaluation.sweep.results import cells, rows
    from harness.evaluation.sweep.run import plan_of
    from harness.reports.sweep_plot import by_size

    if len(runs) > 1:
        raise UsageError(f"{runs[0]} is a sweep, which is drawn alone; {len(runs)} runs are named.")
    plan = plan_of(runs[0])
    found = rows(plan, cells(runs[0], plan))
    if not found:
        raise RunError(f"The sweep {runs[0]} has no cell yet; go on with: harness sweep --resume {runs[0]}")
    env = make_tabular(plan.env, **plan.options)
    references = {name: value.value for name, value in reference_values(env).items()}
    _save(by_size(found, references, env.spec.value_name), out if out is not None else runs[0] / "sweep")


def _save(figure: Figure, target: Path) -> None:
    from harness.cli.tables import print_lines
    from harness.core.errors import UsageError
    from harness.reports.plots import save

    try:
        written = save(figure, target)
    except OSError as error:
        raise UsageError(f"Cannot write {target} ({error.strerror}); give another file with --out.") from error
    print_lines([f"drawn: {path}" for path in written])
