"""`harness reproduce`: one file per publication, and one for a table that has none."""

from __future__ import annotations

import typer

from harness.cli.reproduce import cql_sepsis, hemosim, hypotension, icu_sepsis, off_policy

app = typer.Typer(
    help="Print published figures beside computed ones.\n\n[bold]Examples[/bold]\n\n  harness reproduce icu-sepsis\n\n"
    "  harness reproduce hemosim\n\nBenchmarks for research, not medical advice.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

app.command("icu-sepsis", help=icu_sepsis.HELP)(icu_sepsis.icu_sepsis)
app.command("cql-sepsis", help=cql_sepsis.HELP)(cql_sepsis.cql_sepsis)
app.command("health-gym-hypotension", help=hypotension.HELP)(hypotension.hypotension)
app.command("hemosim", help=hemosim.HELP)(hemosim.hemosim)
app.command("off-policy", help=off_policy.HELP)(off_policy.off_policy)
