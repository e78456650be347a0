"""`harness safety`."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli import options as o

HELP = """Say what policies of a tabular task do to whom: extreme doses, distance from the clinicians in the data,
abrupt changes and inadmissible actions, by how ill patients are, all exact. What has no meaning for a task is left out.
A run by certify has two tables: what it did not ask decided optimally, and as badly as can be.

[bold]Examples[/bold]

  harness safety --agent optimal --agent random --agent expert\n
  harness safety --agent runs/…-qwen --json\n
  harness safety --mdp my/hypotension --agent optimal --agent expert

The task is that of the first run or training among the agents, if none is named. Figures of the same: `harness report`.
A benchmark, not medical advice.
"""

Agents = Annotated[
    list[str],
    typer.Option(
        help="An agent's id, a training's folder, or that of a run by exact or certify; may be repeated.",
        rich_help_panel=o.WHO,
    ),
]


def safety(
    context: typer.Context,
    agent: Agents,
    env: o.Env = "icu-sepsis",
    mdp: o.Mdp = None,
    inadmissible: o.Inadmissible = None,
    option: o.EnvOption = None,
    json: o.AsJson = False,
) -> None:
    """Compute and print."""
    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.cli.task import tabular_task
    from harness.evaluation.policies import named_policy
    from harness.evaluation.safety import safety as measure
    from harness.reports import safety as report

    task, options = tabular_task(context, agent, env, mdp, inadmissible, option)
    policies = [policy for who in agent for policy in named_policy(who, task, options).completions()]
    found = [(policy, measure(task, policy.table)) for policy in policies]
    if json:
        print_json(report.records(found))
        return
    print_lines([f"{task.spec.title} v{task.spec.version}"])
    print_blocks(report.blocks(found, task))
    print_lines([*report.mind(task), report.NOTICE])
