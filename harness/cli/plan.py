"""`harness plan`."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli import options as o

HELP = """Say beforehand how many decisions a wished precision takes, by each method.

[bold]Examples[/bold]

  harness plan --env icu-sepsis --width 0.01\n
  harness plan --env sepsis-os --width 0.05 --json

The width is the distance between upper and lower bound. Nothing is asked and nothing is written.
"""


def plan(
    context: typer.Context,
    env: o.Env = "icu-sepsis",
    mdp: o.Mdp = None,
    discount: o.Discount = None,
    inadmissible: o.Inadmissible = None,
    option: o.EnvOption = None,
    width: Annotated[float, typer.Option(help="How far apart the bounds may be.")] = 0.01,
    json: o.AsJson = False,
) -> None:
    """Work out and print the needs."""
    from dataclasses import asdict

    from harness.cli.tables import print_json, print_lines, print_table
    from harness.cli.task import env_id, env_options
    from harness.core.errors import UsageError
    from harness.envs.registry import make
    from harness.evaluation.plan import MOST_EPISODES, Need
    from harness.evaluation.plan import plan as needs
    from harness.mdp.environment import TabularEnvironment

    made = make(env_id(context, env, mdp), **env_options(inadmissible, discount, option))
    if not isinstance(made, TabularEnvironment):
        raise UsageError(f"{env} is not tabular; what a rollout takes there shows only when episodes are played.")
    found = needs(made, width)
    if json:
        print_json([asdict(need) for need in found])
        return
    spec = made.spec

    def more(need: Need) -> str:
        return "> " if need.episodes == MOST_EPISODES else ""

    for policy in dict.fromkeys(need.policy for need in found):
        print_lines([f"{spec.id} v{spec.version}: bounds {width:g} apart in {spec.value_name}, for {policy}"])
        print_table(
            ("method", "episodes", "decisions", "different prompts", "bounds"),
            (
                (
                    need.method,
                    "" if need.episodes is None else f"{more(need)}{need.episodes:,}",
                    f"{more(need)}{need.decisions:,.0f}",
                    "" if need.questions is None else f"{need.questions:,.0f}",
                    "certain" if need.certain else "95 %",
                )
                for need in found
                if need.policy == policy
            ),
        )
    print_lines(
        [
            "A model without memory is asked once for equal prompts, a model with memory for every decision.",
            "From exact variances; --until looks again and again, which costs episodes. Not medical advice.",
        ]
    )
