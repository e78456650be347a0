"""`harness cache`."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    help="Look into the cache of replies, or empty it.\n\n[bold]Examples[/bold]\n\n  harness cache stats\n\n"
    "  harness cache prune --older-than 30\n\n  harness cache prune --model gpt-4o-mini",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


@app.command(help="Say what the cache holds.\n\n[bold]Example[/bold]\n\n  harness cache stats")
def stats(json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Print a line for every model."""
    from harness.cli.tables import print_json, print_lines, print_table
    from harness.llm.cache import ReplyCache, default_path

    cache = ReplyCache(default_path())
    try:
        found = cache.stats()
    finally:
        cache.close()
    if json:
        names = ("model", "replies", "bytes", "first", "last")
        print_json({"path": str(cache.path), "models": [dict(zip(names, row, strict=True)) for row in found]})
        return
    print_table(
        ("model", "replies", "MB", "first", "last (UTC)"),
        ((who, f"{n:,}", f"{size / 1e6:.1f}", first, last) for who, n, size, first, last in found),
    )
    print_lines([str(cache.path)])


@app.command(help="Forget replies.\n\n[bold]Example[/bold]\n\n  harness cache prune --older-than 30")
def prune(
    older_than: Annotated[float | None, typer.Option(help="Only those older than so many days.", min=0)] = None,
    model: Annotated[str | None, typer.Option(help="Only of models with this in their name or address.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
) -> None:
    """Delete what was asked for, and nothing else."""
    from harness.cli.tables import print_lines
    from harness.core.errors import UsageError
    from harness.llm.cache import ReplyCache, default_path

    if everything == (older_than is not None or model is not None):
        raise UsageError("Say what to forget: --older-than DAYS, --model NAME, or --all alone.")
    cache = ReplyCache(default_path())
    try:
        gone = cache.prune(older_than_days=older_than, model=model)
    finally:
        cache.close()
    print_lines([f"{gone} replies forgotten."])
