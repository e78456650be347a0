"""`harness agents`."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    help="List the agents, explain one, or list the rules of shields. Language models are listed by `harness models`."
    "\n\n[bold]Examples[/bold]\n\n  harness agents\n\n  harness agents --env warfarin\n\n  harness agents show expert"
    "\n\n  harness agents rules",
    invoke_without_command=True,
    rich_markup_mode="rich",
)


@app.callback()
def listed(
    context: typer.Context,
    env: Annotated[
        str | None, typer.Option(metavar="ID", help="Only those that can act in this environment.", show_default=False)
    ] = None,
) -> None:
    """List the agents."""
    if context.invoked_subcommand is not None:
        return
    from harness.agents.registry import AGENTS, acting_in
    from harness.cli.tables import print_table
    from harness.envs.registry import make

    known = AGENTS.entries()
    shown = known if env is None else acting_in(make(env))
    print_table(("id", "what it does"), ((name, known[name].summary) for name in sorted(shown)))


@app.command(help="Explain an agent.\n\n[bold]Example[/bold]\n\n  harness agents show expert")
def show(agent: Annotated[str, typer.Argument(metavar="ID", help="An agent's id.")]) -> None:
    """Print what an agent's factory says of itself."""
    import inspect

    from harness.agents.registry import AGENTS
    from harness.cli.tables import print_lines

    factory = AGENTS.load(agent)
    entry = AGENTS.entries()[agent]
    print_lines([f"{agent}: {entry.summary}", "", inspect.getdoc(factory) or "", "", f"from {entry.target}"])


@app.command(help="List the rules that --shield takes.\n\n[bold]Example[/bold]\n\n  harness agents rules")
def rules() -> None:
    """Print the rules of shields, and the environments they belong to."""
    from harness.agents.shield import RULES
    from harness.cli.tables import print_table

    print_table(("rule", "what it allows"), ((name, e.summary) for name, e in sorted(RULES.entries().items())))
