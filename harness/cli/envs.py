"""`harness envs`."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from harness.core.environment import Environment

app = typer.Typer(
    help="List the environments, or explain one.\n\n[bold]Examples[/bold]\n\n  harness envs\n\n"
    "  harness envs show icu-sepsis\n\n  harness envs show mdp:my/ward\n\nBenchmarks for research, not medical advice.",
    invoke_without_command=True,
    rich_markup_mode="rich",
)


@app.callback()
def listed(context: typer.Context) -> None:
    """List the environments."""
    if context.invoked_subcommand is not None:
        return
    from harness.cli.tables import print_lines, print_table
    from harness.envs.registry import ENVIRONMENTS

    print_table(("id", "what it is"), ((name, e.summary) for name, e in sorted(ENVIRONMENTS.entries().items())))
    print_lines(["Your own: mdp:PATH, a folder of tables or an .npz archive; see harness/mdp/read.py for its layout."])


def _option(parameter: inspect.Parameter) -> str:
    """'glucose=corrected (or original)' for an option that is one of several words."""
    words = re.findall(r"'([^']+)'", str(parameter.annotation)) if "Literal" in str(parameter.annotation) else []
    others = ", ".join(word for word in words if word != parameter.default)
    return f"{parameter.name}={parameter.default}" + (f" (or {others})" if others else "")


@app.command(
    help="Explain an environment, or all of a family.\n\n[bold]Examples[/bold]\n\n  harness envs show icu-sepsis\n\n"
    "  harness envs show polypharmacy"
)
def show(env: Annotated[str, typer.Argument(metavar="ID", help="An environment's id, or a family's.")]) -> None:
    """Print what a reader must know of an environment."""
    from harness.cli.tables import print_lines
    from harness.envs.registry import ENVIRONMENTS, make

    known = sorted(ENVIRONMENTS.entries())
    members = [] if env in known else [name for name in known if name.startswith(f"{env}/")]
    made = [make(name) for name in members or [env]]
    common: list[list[str]] = [_in_common(one) for one in made]
    for i, one in enumerate(made):
        print_lines(_of_its_own(members[i] if members else env, one))
        if common[i] not in common[i + 1 :]:
            print_lines(common[i])


def _of_its_own(env: str, made: Environment[Any, Any]) -> list[str]:
    from harness.agents.registry import acting_in
    from harness.core.environment import ReferenceKind
    from harness.envs.registry import factory
    from harness.mdp.environment import TabularEnvironment
    from harness.prompts.loader import styles

    spec = made.spec
    lines = [f"{spec.title} ({spec.id} v{spec.version})", spec.summary, ""]
    if isinstance(made, TabularEnvironment):
        lines += [f"tabular      {made.mdp!r}; the optimum is {made.reference_kind}"]
    elif made.reference is not None and made.reference.kind.beatable:
        estimated = ", its values estimated by simulation" * (made.reference.kind is ReferenceKind.ESTIMATED)
        lines += [f"reference    the best policy known, from any state; it is achievable, and no optimum{estimated}"]
    elif made.reference is not None:
        lines += [f"optimum      computed from any state; it is {made.reference.kind}"]
    low, high = spec.reward_range
    pace = f", one every {spec.hours_per_step:g} h" if spec.hours_per_step else ""
    return [
        *lines,
        f"value        {spec.value_name}, discount {spec.discount:g}, rewards {low:g} to {high:g}",
        f"score        {spec.score}",
        f"horizon      {spec.horizon or 'none'} decisions{pace}",
        f"fallback     {spec.fallback}",
        f"options      {'; '.join(map(_option, inspect.signature(factory(env)).parameters.values())) or 'none'}",
        f"agents       {', '.join(acting_in(made))}",
        f"prompts      {', '.join(styles(env)) or 'none built in'}",
        f"data         {spec.data_licence}",
        *(["evidence     assumption-based: its values are kept out of rankings"] if spec.assumption_based else []),
        "",
    ]


def _in_common(made: Environment[Any, Any]) -> list[str]:
    """What the members of a family mostly share."""
    import json

    spec = made.spec
    return [
        "An action, as JSON schema:",
        json.dumps(made.action_type.model_json_schema(by_alias=False), indent=2, ensure_ascii=False),
        "",
        "Sources:",
        *(f"  {source}" for source in spec.citations),
        "",
        "Limits of use:",
        *(f"  {limit}" for limit in spec.limits_of_use),
    ]
