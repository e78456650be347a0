"""`harness plot`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

HELP = """Draw how the certain bounds of runs drew together as states were asked.

[bold]Examples[/bold]

  harness plot runs/…-qwen\n
  harness plot runs/…-qwen runs/…-smollm2 --out bounds

Runs of one task without sampling; one PNG and one SVG. Needs matplotlib: pip install 'harness[plots]'.
"""


def plot(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs, by exact or certify; unfinished ones too.")],
    out: Annotated[
        Path | None, typer.Option(help="File to write, without its ending; in the first run, if not given.")
    ] = None,
) -> None:
    """Recompute the bounds from the decisions and draw them."""
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
