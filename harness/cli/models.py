"""`harness models`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harness.llm.reply import Reply

app = typer.Typer(
    help="List the models, explain one, fetch or check one.\n\n[bold]Examples[/bold]\n\n  harness models\n\n"
    "  harness models show qwen\n\n  harness models pull qwen\n\n  harness models check groq:llama-3.3-70b-versatile",
    invoke_without_command=True,
    rich_markup_mode="rich",
)

Alias = Annotated[str, typer.Argument(metavar="ALIAS", help="A model's alias, or a GGUF file.")]


@app.callback()
def listed(context: typer.Context) -> None:
    """List the models."""
    if context.invoked_subcommand is not None:
        return
    import os

    from harness.cli.tables import print_lines, print_table
    from harness.llm.registry import PROJECT_FILE, entries, user_file
    from harness.llm.weights import cached_path

    rows = []
    for alias, found in entries().items():
        entry = found.with_environment()
        if entry.weights is not None:
            here = "fetched" if cached_path(entry.weights).exists() else f"{entry.weights.size / 1e6:.0f} MB to fetch"
            where = f"embedded, {here}"
        elif entry.key_env and not os.environ.get(entry.key_env):
            where = f"{entry.base_url}, {entry.key_env} is not set"
        else:
            where = str(entry.base_url)
        rows.append((f"{alias}:NAME" if entry.is_server else alias, where, entry.title))
    print_table(("alias", "where", "what it is"), rows)
    print_lines([f"Your own: {user_file()}, or {PROJECT_FILE} in this folder. Any server: --base-url and --model-id."])


@app.command(help="Explain a model's entry.\n\n[bold]Example[/bold]\n\n  harness models show qwen")
def show(alias: Alias) -> None:
    """Print an entry and where its weights are."""
    import json

    from harness.cli.tables import print_lines
    from harness.llm.registry import entries, resolve
    from harness.llm.weights import cached_path

    known = entries()
    entry = known[alias].with_environment() if alias in known else resolve(alias)
    print_lines([json.dumps(entry.model_dump(mode="json", exclude_none=True), indent=2, ensure_ascii=False)])
    if entry.weights is not None:
        path = cached_path(entry.weights)
        print_lines([f"weights: {path} ({'there' if path.exists() else 'not fetched yet'})"])


@app.command(help="Fetch the weights of a model, once.\n\n[bold]Example[/bold]\n\n  harness models pull qwen")
def pull(alias: Alias, quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False) -> None:
    """Fetch and check weights."""
    from harness.cli.progress import fetch_weights
    from harness.cli.tables import print_lines
    from harness.core.errors import UsageError
    from harness.llm.registry import resolve
    from harness.llm.weights import cached_path

    entry = resolve(alias)
    if entry.weights is None:
        raise UsageError(f"The model '{alias}' runs on a server ({entry.base_url}); there is nothing to fetch.")
    fetch_weights(alias, quiet=quiet)
    print_lines([str(cached_path(entry.weights))])


@app.command(
    help="Check that a model answers: its weights, or its server and key.\n\n[bold]Example[/bold]\n\n"
    "  harness models check qwen"
)
def check(alias: Alias) -> None:
    """Ask one question and say what came back."""
    import asyncio
    import time

    from platformdirs import user_cache_path

    from harness.cli.tables import print_lines
    from harness.core.agent import Message
    from harness.core.errors import WeightsError
    from harness.core.text import harmless
    from harness.llm import weights as local
    from harness.llm.client import ChatClient
    from harness.llm.dialect import forget
    from harness.llm.probe import CONTRACT, PROMPT
    from harness.llm.registry import key_receiver, resolve

    entry = resolve(alias)
    if entry.weights is not None and (problem := local.check(entry.weights)):
        raise WeightsError(f"The weights of '{alias}' are not usable: {problem}. Run: harness models pull {alias}")
    if entry.base_url is not None:
        forget(entry.base_url, str(entry.model_id))  # it may have learnt since
    if receiver := key_receiver(entry):
        print_lines([f"Note: {receiver}."], stderr=True)
    client = ChatClient(entry, CONTRACT, None, "check", lambda: user_cache_path("harness"))

    async def ask() -> tuple[Reply, float]:
        try:
            started = time.perf_counter()
            reply = await client.complete([Message(role="user", content=PROMPT)])
            return reply, time.perf_counter() - started
        finally:
            await client.close()

    reply, seconds = asyncio.run(ask())
    parsed = CONTRACT.parse(reply.text)
    verdict = (
        "follows the reply format"
        if parsed.action
        else f"does not follow the reply format: {harmless(parsed.error or '')}"
    )
    print_lines(
        [
            f"{alias}: answers, {seconds:.2f} s with starting up; {verdict}",
            f"model    {harmless(reply.model)}{_reported(reply)}",
            f"takes    {client.takes}",
            f"tokens   {reply.prompt_tokens} + {reply.completion_tokens}",
            f"reply    {harmless(reply.text)}",
        ]
    )


def _reported(reply: Reply) -> str:
    """What else the server says of itself."""
    from harness.core.text import harmless

    told = {
        "by": reply.provider,
        "service tier": reply.service_tier,
        "fingerprint": reply.fingerprint,
        **{f"with {name}": f"{value:g}, otherwise than sent" for name, value in (reply.otherwise or {}).items()},
    }
    return "".join(f" · {what} {harmless(said)}" for what, said in told.items() if said)
