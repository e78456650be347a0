"""`harness safety`."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli import options as o

HELP = """Say what policies of a tabular task do to whom: extreme doses, distance from the clinicians in the data,
abrupt changes and inadmissible actions, by how ill patients are, all exact. What has no meaning for a task is left out.
A run by certify has two tables: what it did not ask decided optimally, and as badly as can be.

[bold]Examples[/bold]

  harness safety optimal random expert\n
  harness safety runs/…-qwen --json\n
  harness safety optimal expert --mdp my/hypotension

The task is that of the first run or training among the agents, if none is named. Figures of the same: `harness report`.
A benchmark, not medical advice.
"""

Policies = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="RUN|AGENT…",
        help="Folders of runs by exact or certify, of trainings, or agents' ids.",
        show_default=False,
    ),
]
Agents = Annotated[
    list[str] | None,
    typer.Option(help="The same, one at a time.", rich_help_panel=o.WHO, show_default=False),
]


def safety(
    context: typer.Context,
    policies: Policies = None,
    agent: Agents = None,
    env: o.Env = "icu-sepsis",
    mdp: o.Mdp = None,
    inadmissible: o.Inadmissible = None,
    option: o.EnvOption = None,
    json: o.AsJson = False,
) -> None:
    """Compute and print."""
    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.cli.task import tabular_task
    from harness.core.errors import UsageError
    from harness.evaluation.policies import named_policies
    from harness.evaluation.safety import safety as measure
    from harness.reports import safety as report

    those = [*(policies or ()), *(agent or ())]
    if not those:
        raise UsageError(
            "Nobody was named; expected agents' ids, or folders of runs by exact or certify or of trainings."
        )
    task, options = tabular_task(context, those, env, mdp, inadmissible, option)
    named = (policy for one in named_policies(those, task, options) for policy in one.completions())
    found = [(policy, measure(task, policy.table)) for policy in named]
    if json:
        print_json(report.records(found))
        return
    print_lines([f"{task.spec.title} v{task.spec.version}"])
    print_blocks(report.blocks(found, task))
    print_lines([*report.mind(task), report.NOTICE])
