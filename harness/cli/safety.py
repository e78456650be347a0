"""`harness safety`."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli import options as o

HELP = """Say what policies do to whom: extreme doses, distance from the clinicians, abrupt changes of the vasopressor
and inadmissible actions, by SOFA band, all exact.

[bold]Examples[/bold]

  harness safety --agent optimal --agent random --agent expert\n
  harness safety --agent runs/…-qwen --json

Figures of the same: `harness report`. A benchmark, not medical advice.
"""

Agents = Annotated[
    list[str],
    typer.Option(
        help="An agent's id, a training's folder, or that of a run by exact or certify; may be repeated.",
        rich_help_panel=o.WHO,
    ),
]


def safety(
    agent: Agents,
    env: o.Env = "icu-sepsis",
    inadmissible: o.Inadmissible = None,
    json: o.AsJson = False,
) -> None:
    """Compute and print."""
    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.cli.task import env_options
    from harness.envs.registry import make_tabular
    from harness.evaluation.policies import named_policy
    from harness.evaluation.safety import safety as measure
    from harness.reports import safety as report

    options = env_options(inadmissible)
    task = make_tabular(env, **options)
    policies = [named_policy(who, task, options) for who in agent]
    found = [(policy, measure(task, policy.table)) for policy in policies]
    if json:
        print_json(report.records(found))
        return
    print_lines([f"{task.spec.title} v{task.spec.version}"])
    print_blocks(report.blocks(found))
    print_lines([report.NOTICE])
