"""`harness prompts`."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    help="List the prompts, or show one as a model gets it.\n\n[bold]Examples[/bold]\n\n  harness prompts\n\n"
    "  harness prompts show icu-sepsis/direct\n\n  harness prompts show icu-sepsis/reasoned --seed 100007",
    invoke_without_command=True,
    rich_markup_mode="rich",
)


@app.callback()
def listed(context: typer.Context) -> None:
    """List the built-in prompts."""
    if context.invoked_subcommand is not None:
        return
    from harness.cli.tables import print_lines, print_table
    from harness.envs.ids import PREFIX
    from harness.envs.registry import ENVIRONMENTS
    from harness.prompts.loader import BUILTIN, load, styles

    found = [
        (env, load(env, style)) for env in sorted([*ENVIRONMENTS.entries(), f"{PREFIX}PATH"]) for style in styles(env)
    ]
    rows = ((f"{env}/{prompt.name}", str(prompt.meta.version), prompt.meta.summary) for env, prompt in found)
    print_table(("id", "version", "what it does"), rows)
    print_lines([f"A prompt is a folder; copy one of {BUILTIN} and give its path to --prompt."])


@app.command(
    help="Show a prompt rendered for a patient.\n\n[bold]Example[/bold]\n\n  harness prompts show icu-sepsis/direct"
)
def show(
    prompt: Annotated[str, typer.Argument(metavar="ENV/STYLE", help="A prompt's id.")],
    seed: Annotated[int, typer.Option(help="Which patient.")] = 100_000,
    reply: Annotated[str, typer.Option(help="How an action is written: json, short or label.")] = "json",
) -> None:
    """Print both messages for the first observation of an episode."""
    from harness.agents.examples import examples
    from harness.cli.tables import print_lines
    from harness.core.errors import UsageError
    from harness.envs.ids import PREFIX
    from harness.envs.registry import make
    from harness.llm.registry import ReplyFormat
    from harness.llm.structured import ReplyContract
    from harness.mdp.environment import TabularEnvironment
    from harness.prompts.loader import load, styles

    if "/" not in prompt and not prompt.startswith(PREFIX):
        raise UsageError(f"'{prompt}' is not a prompt's id; expected ENV/STYLE, e.g. icu-sepsis/direct.")
    env_id, _, style = prompt.rpartition("/") if prompt.startswith(PREFIX) else prompt.partition("/")
    if style not in styles(PREFIX) and prompt.startswith(PREFIX):  # a path without a style after it
        env_id, style = prompt, ""
    if reply not in list(ReplyFormat):
        raise UsageError(f"'{reply}' is no way to write an action; expected one of: {', '.join(ReplyFormat)}.")
    env = make(env_id)
    found = load(env_id, style or "direct")
    actions = env.actions if isinstance(env, TabularEnvironment) else ()
    contract = ReplyContract(env.action_type, ReplyFormat(reply), found.meta.rationale, actions)
    shown = examples(env, found, contract, found.meta.shots or 0, found.meta.shots_from)
    static = {"env": env.spec.model_dump(), "reply": contract.instruction(), "examples": shown}
    messages = found.system_message(static), found.observation_message(static, env.reset(seed).model_dump())
    print_lines([f"{env_id}/{found.label}: {found.meta.summary}", f"templates in {found.folder}"])
    for message in messages:
        print_lines(["", f"--- {message.role}", message.content])
