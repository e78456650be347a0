"""`harness ope`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harness.mdp.tabular import FloatArray

ESTIMATED = "estimated"

HELP = """Estimate what policies would be worth from the logged transitions of another, beside the exact value.

[bold]Examples[/bold]

  harness ope --data expert.parquet --agent optimal --agent random\n
  harness ope --data expert.npz --agent runs/…-bcq --behaviour estimated --json

Eight estimators, each with its interval and effective sample size. What they are worth is measured by
`harness reproduce off-policy`. Data: `harness collect`. A benchmark, not medical advice.
"""


def ope(
    data: Annotated[Path, typer.Option(help="Logged transitions: .parquet, .npz, or a data set of Minari.")],
    agent: Annotated[
        list[str],
        typer.Option(help="An agent's id, a training's folder, or that of a run by exact or certify; may be repeated."),
    ],
    behaviour: Annotated[
        str,
        typer.Option(
            metavar="recorded|estimated|both|AGENT",
            help="Whose probabilities the actions had: those in the data, shares of actions in them, or an agent's.",
        ),
    ] = "both",
    env: Annotated[str | None, typer.Option(help="Environment, where the file does not say it.")] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Read the data, estimate, print."""
    from dataclasses import asdict

    import numpy as np

    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.core.errors import UsageError
    from harness.evaluation.datasets import read
    from harness.evaluation.off_policy.every import by_model, by_weights
    from harness.evaluation.off_policy.weights import estimated_behaviour
    from harness.evaluation.policies import named_policies, named_policy
    from harness.mdp.evaluate import values
    from harness.reports import off_policy as report

    task, about, logged = read(data, env)
    options = None if about is None else about.options
    policies = [policy for one in named_policies(agent, task, options) for policy in one.completions()]
    behaviours: dict[str, FloatArray | None] = {}
    known = not np.isnan(logged.propensity).any()
    if behaviour == "recorded" or (behaviour == "both" and known):
        behaviours["recorded"] = None
    if behaviour in (ESTIMATED, "both"):
        behaviours[ESTIMATED] = estimated_behaviour(logged)
    if not behaviours:
        known_to_act = named_policy(behaviour, task, options)
        if known_to_act.bounds is not None:
            raise UsageError(f"--behaviour {behaviour}: {known_to_act.caveat}; expected a run by --method exact.")
        behaviours[behaviour] = known_to_act.table
    exact = values(task.mdp, [policy.table for policy in policies])
    blocks, plain = [], []
    for policy, value in zip(policies, exact, strict=True):
        found = [
            (said, e)
            for said, table in behaviours.items()
            for e in by_weights(logged, policy.table, table, estimated=said == ESTIMATED)
        ]
        found += [("", e) for e in by_model(logged, policy.table)]
        blocks.append(report.estimates(policy.name, policy.caveat, found, float(value), task.spec.value_name))
        plain.append({
            "agent": policy.name, "caveat": policy.caveat or None, "exact": float(value),
            "estimates": [
                {name: None if v != v else v for name, v in {"behaviour": said or None, **asdict(e)}.items()}
                for said, e in found
            ],
        })  # fmt: skip
    cut = logged.n_episodes - int(logged.terminated.sum())
    if json:
        print_json(
            {"data": str(data), "env": task.spec.id, "episodes": logged.n_episodes, "cut_off": cut, "policies": plain}
        )
        return
    print_lines([f"{task.spec.title} v{task.spec.version}: {logged.n_episodes:,} episodes, {len(logged):,} decisions"])
    if cut:
        print_lines(
            [f"{cut:,} of the episodes were cut off before their end; what they would have come to counts as nothing."]
        )
    print_blocks(blocks)
    print_lines([report.COLUMNS, *report.legend(), report.NOTICE])
