"""`harness collect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from harness.cli import options as o

HELP = """Let an agent treat simulated patients, and keep every transition for offline learning.

[bold]Examples[/bold]

  harness collect --env icu-sepsis --agent expert --episodes 5000 --out data.npz\n
  harness collect --agent runs/…-q-learning --seed 3 --out mine.npz\n
  harness collect --agent random --format minari --out icu-sepsis/random-v0\n
  harness train bcq --data ~/.minari/datasets/icu-sepsis/random-v0

For tabular environments, and agents with a policy table. Parquet needs pyarrow: pip install 'harness\\[data]'; Minari's
format needs minari: pip install 'harness\\[offline]'. A benchmark for research, not medical advice.
"""

Written = Literal["file", "minari"]


def collect(
    context: typer.Context,
    out: Annotated[
        str, typer.Option(help="File that ends in .parquet or .npz; with --format minari the data set's id.")
    ],
    env: o.Env = "icu-sepsis",
    mdp: o.Mdp = None,
    discount: o.Discount = None,
    inadmissible: o.Inadmissible = None,
    option: o.EnvOption = None,
    agent: Annotated[str, typer.Option(help="Who decides: an id, or the folder of a training.")] = "expert",
    episodes: Annotated[int, typer.Option(help="Patients.", min=1)] = 5_000,
    seed: Annotated[int, typer.Option(help="Names the patients; a training seed, below 10000.")] = 0,
    written: Annotated[Written, typer.Option("--format", help="A file, or a data set of Minari.")] = "file",
    json: o.AsJson = False,
) -> None:
    """Parse, collect, write, print what was written."""
    from harness.cli.tables import print_json, print_lines
    from harness.cli.task import env_id, env_options
    from harness.envs.registry import make
    from harness.evaluation import datasets
    from harness.evaluation.about import finite
    from harness.evaluation.intervals import of_returns
    from harness.reports.text import between, number

    target = Path(out)
    if written == "minari":
        from harness.evaluation.minari_format import check_target, write

        check_target(out)
    else:
        datasets.check_target(target)
    about, data = datasets.collect(
        env_id(context, env, mdp), agent, episodes, seed=seed, options=env_options(inadmissible, discount, option)
    )
    if written == "minari":
        out = str(write(out, about, data))
    else:
        datasets.write(target, about, data)
    mean = of_returns(data.returns, binary=make(about.env, **about.options).spec.binary)
    if json:
        print_json(
            {"out": out, **about.model_dump(), "transitions": len(data), "mean_return": mean.value}
            | {"mean_return_lower": mean.lower, "mean_return_upper": mean.upper}
        )
        return
    print_lines(
        [
            f"{out}: {data.n_episodes:,} episodes of {about.agent} in {about.env}, {len(data):,} transitions",
            f"mean return {number(mean.value)} ({between(finite(mean.lower), finite(mean.upper))}), {mean.interval}, "
            f"n = {mean.n:,}; `harness eval` says what the agent is worth",
        ]
    )
