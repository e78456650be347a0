"""`harness optimum`."""

from __future__ import annotations

import typer

from harness.cli import options as o

HELP = """Print the exact values that agents are measured against.

[bold]Examples[/bold]

  harness optimum --env icu-sepsis\n
  harness optimum --env icu-sepsis --inadmissible terminate --json\n
  harness optimum --mdp my/ward --discount 0.95
"""


def optimum(
    context: typer.Context,
    env: o.Env = "icu-sepsis",
    mdp: o.Mdp = None,
    discount: o.Discount = None,
    inadmissible: o.Inadmissible = None,
    option: o.EnvOption = None,
    json: o.AsJson = False,
) -> None:
    """Compute and print the reference values."""
    from harness.cli.tables import print_json, print_lines, print_table
    from harness.cli.task import env_id, env_options
    from harness.core.errors import UsageError
    from harness.envs.registry import make
    from harness.evaluation.references import reference_values
    from harness.mdp.environment import TabularEnvironment
    from harness.reports.text import policy_name

    made = make(env_id(context, env, mdp), **env_options(inadmissible, discount, option))
    if not isinstance(made, TabularEnvironment):
        raise UsageError(f"{made.spec.id} is not tabular; it has no exact reference values.")
    found = reference_values(made, everything=True)
    if json:
        print_json({name: value.model_dump(mode="json") for name, value in found.items()})
        return
    spec = made.spec
    hours = spec.hours_per_step
    rows = [
        (
            policy_name(name, r.kind),
            f"{r.value:.4f}",
            "–" if r.length is None else f"{r.length:.2f}",
            f"{hours * r.length:.1f}" if hours and r.length is not None else "–",
        )
        for name, r in sorted(found.items(), key=lambda item: -item[1].value)
    ]
    print_lines([f"{spec.title} v{spec.version}: {made.mdp!r}"])
    print_table(("policy", spec.value_name, "decisions", "hours"), rows)
    if any(r.length is None for r in found.values()):
        print_lines(["decisions –: under that policy an episode may never end."])
    print_lines(["Exact: one linear solve a policy, no sampling. A benchmark, not medical advice."])
