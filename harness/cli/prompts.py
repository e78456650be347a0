"""`harness prompts`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.options import ReplyName

if TYPE_CHECKING:
    from harness.core.environment import Observation
    from harness.prompts.loader import Prompt

app = typer.Typer(
    help="List the prompts, show, copy, compare or check one.\n\n[bold]Examples[/bold]\n\n  harness prompts\n\n"
    "  harness prompts show icu-sepsis/direct\n\n  harness prompts new shorter --env icu-sepsis --from direct\n\n"
    "  harness prompts lint ./shorter --env icu-sepsis\n\n"
    "  harness prompts diff direct ./shorter --env icu-sepsis --state 12\n\n"
    "What a change of wording is worth: harness ab --prompt direct --prompt ./shorter",
    invoke_without_command=True,
    rich_markup_mode="rich",
)

FIRST_SEED = 100_000


PromptName = Annotated[str, typer.Argument(metavar="PROMPT", help="ENV/STYLE, a style, or a folder.")]
Env = Annotated[
    str | None, typer.Option(help="Environment, if PROMPT does not name one (icu-sepsis).", show_default=False)
]
State = Annotated[int | None, typer.Option(help="Patient: a state of the environment.", show_default=False)]
Seed = Annotated[int | None, typer.Option(help="Patient: the first of an episode's seed (100000).", show_default=False)]
Reply = Annotated[ReplyName, typer.Option(help="How an action is written; embedded models use short.")]


@app.callback()
def prompts(context: typer.Context) -> None:
    """List the prompts if nothing else is asked for."""
    if context.invoked_subcommand is None:
        listed()


@app.command("list", help="List the built-in prompts.\n\n[bold]Example[/bold]\n\n  harness prompts list")
def listed() -> None:
    """Print the built-in prompts."""
    from harness.cli.tables import print_lines, print_table
    from harness.envs.ids import PREFIX
    from harness.envs.registry import ENVIRONMENTS
    from harness.prompts.loader import load, styles

    found = [
        (env, load(env, style)) for env in sorted([*ENVIRONMENTS.entries(), f"{PREFIX}PATH"]) for style in styles(env)
    ]
    rows = ((f"{env}/{prompt.name}", str(prompt.meta.version), prompt.meta.summary) for env, prompt in found)
    print_table(("id", "version", "what it does"), rows)
    print_lines(["A prompt is a folder; copy one with `harness prompts new` and give its path to --prompt."])


@app.command(
    help="Show a prompt rendered for a patient.\n\n[bold]Example[/bold]\n\n  harness prompts show icu-sepsis/direct"
)
def show(prompt: PromptName, env: Env = None, state: State = None, seed: Seed = None, reply: Reply = "json") -> None:
    """Print what a prompt is, and both messages for a patient."""
    from harness.cli.tables import print_lines
    from harness.core.text import harmless
    from harness.llm.registry import ReplyFormat
    from harness.prompts.render import render

    env_id, made, found, seen = _rendered_for(prompt, env, state, seed)
    print_lines([f"{env_id}/{found.label}: {harmless(found.meta.summary)}", f"templates in {found.folder}"])
    if found.meta.changes:
        print_lines([f"changes: {harmless(found.meta.changes)}"])
    for message in render(made, found, ReplyFormat(reply), seen, _examples(made, found, reply)):
        print_lines(["", f"--- {message.role}", harmless(message.content)])


@app.command(
    help="Print both messages of a prompt as they are sent, and nothing else.\n\n[bold]Examples[/bold]\n\n"
    "  harness prompts render icu-sepsis/direct --state 12\n\n"
    "  harness prompts render ./mine --env icu-sepsis --reply short --json\n\n"
    "An empty line stands between the two, and control characters are spelt out; --json is exact to the character."
)
def render(
    prompt: PromptName,
    env: Env = None,
    state: State = None,
    seed: Seed = None,
    reply: Reply = "json",
    json: Annotated[bool, typer.Option("--json", help="As the list of messages of a request.")] = False,
) -> None:
    """Print the messages."""
    import json as as_json

    from harness.core.text import harmless
    from harness.llm.registry import ReplyFormat
    from harness.prompts.render import render as messages_of

    _, made, found, seen = _rendered_for(prompt, env, state, seed)
    messages = messages_of(made, found, ReplyFormat(reply), seen, _examples(made, found, reply))
    if json:
        sys.stdout.write(as_json.dumps([message.model_dump() for message in messages], indent=2) + "\n")
    else:
        sys.stdout.write("\n\n".join(harmless(message.content) for message in messages) + "\n")


@app.command(
    help="Copy a prompt to a folder of your own.\n\n[bold]Example[/bold]\n\n"
    "  harness prompts new shorter --env icu-sepsis --from direct"
)
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the prompt and of its folder.")],
    env: Env = None,
    source: Annotated[
        str, typer.Option("--from", help="What to copy: a style of the environment, or a folder.")
    ] = "direct",
    out: Annotated[Path, typer.Option(help="Where to make the folder.")] = Path(),
) -> None:
    """Copy the folder and say what to do with it."""
    from harness.cli.tables import print_lines
    from harness.envs.ids import absolute
    from harness.envs.registry import factory
    from harness.prompts.create import create
    from harness.prompts.find import find
    from harness.prompts.loader import load

    env_id, style = find(source, env)
    factory(env_id)
    folder = create(name, out, load(absolute(env_id), style), env_id)
    where = folder if folder.is_absolute() else f"./{folder}"
    print_lines(
        [
            f"written: {where}; say in prompt.toml what you change, and raise its version when you change it again",
            f"check:   harness prompts lint {where} --env {env_id}",
            f"compare: harness ab --env {env_id} --model MODEL --prompt {style} --prompt {where}",
        ]
    )


@app.command(
    help="Compare two prompts: their templates, and what a model gets.\n\n[bold]Example[/bold]\n\n"
    "  harness prompts diff direct reasoned --env icu-sepsis --state 12"
)
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="ENV/STYLE, a style, or a folder.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
    env: Env = None,
    state: State = None,
    seed: Seed = None,
    reply: Reply = "json",
) -> None:
    """Print unified diffs."""
    from harness.core.errors import UsageError
    from harness.core.text import harmless
    from harness.llm.registry import ReplyFormat
    from harness.prompts.difference import of_messages, of_templates
    from harness.prompts.find import find
    from harness.prompts.loader import load
    from harness.prompts.render import render as messages_of

    env_id, made, first, seen = _rendered_for(a, env, state, seed)
    other_env, style = find(b, env or env_id)
    if other_env != env_id:
        raise UsageError(f"{a} is a prompt of {env_id} and {b} one of {other_env}; their patients differ.")
    second = load(env_id, style)
    sent = [
        messages_of(made, prompt, ReplyFormat(reply), seen, _examples(made, prompt, reply))
        for prompt in (first, second)
    ]
    lines = [*of_templates(first, second), *of_messages(sent[0], sent[1], (a, b))]
    for line in lines or ["The two are the same."]:
        sys.stdout.write(f"{harmless(line)}\n")


@app.command(
    help="Check a prompt: its front matter, its variables, its lengths, and which patients it cannot tell apart.\n\n"
    "[bold]Examples[/bold]\n\n  harness prompts lint icu-sepsis/direct\n\n"
    "  harness prompts lint ./mine --env icu-sepsis --tokens qwen\n\n"
    "Exit status 1 if there are errors, 0 if there are only warnings."
)
def lint(
    prompt: PromptName,
    env: Env = None,
    reply: Reply = "json",
    tokens: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Count tokens with this embedded model's tokenizer.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Print what was found."""
    from contextlib import ExitStack
    from dataclasses import asdict

    from platformdirs import user_cache_path

    from harness.cli.progress import fetch_weights
    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.envs.registry import make
    from harness.llm.registry import ReplyFormat, resolve
    from harness.llm.tokens import counting
    from harness.prompts import lint as checks
    from harness.prompts.find import find
    from harness.reports.lint import findings, lengths

    env_id, style = find(prompt, env)
    made = make(env_id)
    with ExitStack() as stack:
        count = None
        if tokens is not None:
            fetch_weights(tokens, quiet=json)
            log = user_cache_path("harness") / "tokenizer.log"
            count = stack.enter_context(counting(resolve(tokens), log))
        found = checks.lint(made, env_id, style, ReplyFormat(reply), count, tokens)
    if json:
        print_json(asdict(found))
    else:
        print_blocks(lengths(found))
        print_lines(findings(found))
    if found.errors:
        sys.exit(1)


def _examples(env: Any, prompt: Prompt, reply: ReplyName) -> list[dict[str, str]]:
    """The examples that a prompt shows by itself."""
    from harness.agents.examples import examples
    from harness.llm.registry import ReplyFormat
    from harness.llm.structured import ReplyContract
    from harness.mdp.environment import TabularEnvironment

    actions = env.actions if isinstance(env, TabularEnvironment) else ()
    contract = ReplyContract(env.action_type, ReplyFormat(reply), prompt.meta.rationale, actions)
    return examples(env, prompt, contract, prompt.meta.shots or 0, prompt.meta.shots_from)


def _rendered_for(
    prompt: str, env: str | None, state: int | None, seed: int | None
) -> tuple[str, Any, Prompt, Observation]:
    """The environment's id, the environment, the prompt and the patient that the words of a command name."""
    from harness.envs.registry import make
    from harness.prompts.find import find, patient
    from harness.prompts.loader import load

    env_id, style = find(prompt, env)
    made = make(env_id)
    found = load(env_id, style)
    return env_id, made, found, patient(made, state, seed, FIRST_SEED)
