"""`harness plan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.evaluate import InadmissibleName, MethodName, ReplyName, SourceName

if TYPE_CHECKING:
    from harness.evaluation.config import RunConfig
    from harness.evaluation.quote import Assumptions, Quote

HELP = """Say beforehand what a run takes: decisions for a wished precision, and with a model calls, tokens and cost.

[bold]Examples[/bold]

  harness plan --env icu-sepsis --width 0.01\n
  harness plan --model qwen --method certify --width 0.01\n
  harness plan --model gpt-4o-mini --price-prompt 0.15 --price-completion 0.6 --episodes 100 --memory full\n
  harness plan --base-url http://127.0.0.1:8000/v1 --model-id my-model --until 0.02 --tokens qwen --json

The width is the distance between upper and lower bound. No model is asked for a decision, and nothing is written.
"""

MODEL, ASSUMED = "The model's run", "What is assumed"


def plan(
    context: typer.Context,
    env: Annotated[str, typer.Option(help="Environment; `harness envs` lists them.")] = "icu-sepsis",
    mdp: Annotated[str | None, typer.Option(help="An MDP of your own instead, as for `harness eval`.")] = None,
    discount: Annotated[
        float | None, typer.Option(help="Discount of that MDP, if not the one its files give.", show_default=False)
    ] = None,
    inadmissible: Annotated[
        InadmissibleName | None, typer.Option(help="What becomes of actions that the data do not support (mean).")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="An option of the environment; `harness envs show ID` lists them."),
    ] = None,
    width: Annotated[
        float | None, typer.Option(help="How far apart the bounds may be (0.01).", show_default=False)
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="A model by alias, or a GGUF file: say what it costs.", rich_help_panel=MODEL)
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Any OpenAI-compatible server, with --model-id.", rich_help_panel=MODEL)
    ] = None,
    model_id: Annotated[str | None, typer.Option(help="The model's name there.", rich_help_panel=MODEL)] = None,
    prompt: Annotated[
        str, typer.Option(help="Style of the prompt, or a folder; `harness prompts` lists them.", rich_help_panel=MODEL)
    ] = "direct",
    method: Annotated[
        MethodName | None, typer.Option(help="One alone; all that fit, if not given.", rich_help_panel=MODEL)
    ] = None,
    episodes: Annotated[int | None, typer.Option(help="rollout: so many.", rich_help_panel=MODEL, min=1)] = None,
    until: Annotated[
        float | None, typer.Option(help="rollout: until the interval is so far to each side.", rich_help_panel=MODEL)
    ] = None,
    shots: Annotated[int | None, typer.Option(help="Examples in the prompt.", rich_help_panel=MODEL, min=0)] = None,
    shots_from: Annotated[SourceName | None, typer.Option(help="Whose they are.", rich_help_panel=MODEL)] = None,
    memory: Annotated[
        str, typer.Option(metavar="none|window:K|full", help="What of the episode it holds.", rich_help_panel=MODEL)
    ] = "none",
    reply: Annotated[ReplyName | None, typer.Option(help="How an action is written.", rich_help_panel=MODEL)] = None,
    temperature: Annotated[float, typer.Option(help="Of the replies.", rich_help_panel=MODEL)] = 0.0,
    samples: Annotated[int, typer.Option(help="exact: replies in each state.", rich_help_panel=MODEL)] = 1,
    vote: Annotated[int, typer.Option(help="Replies for each decision.", rich_help_panel=MODEL)] = 1,
    from_logprobs: Annotated[
        bool, typer.Option("--from-logprobs", help="One letter an action.", rich_help_panel=MODEL)
    ] = False,
    effort: Annotated[str | None, typer.Option(help="Reasoning effort, e.g. low.", rich_help_panel=MODEL)] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Longest reply.", rich_help_panel=MODEL, min=1)] = None,
    concurrency: Annotated[int, typer.Option(help="Requests at a time.", rich_help_panel=MODEL, min=1)] = 2,
    cache: Annotated[
        bool, typer.Option(help="Use replies that were asked before, in any run.", rich_help_panel=MODEL)
    ] = True,
    out: Annotated[
        Path, typer.Option(help="Folder of earlier runs, for how long they took.", rich_help_panel=ASSUMED)
    ] = Path("runs"),
    tokens: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="Count with this embedded model's tokenizer, not its own.", rich_help_panel=ASSUMED
        ),
    ] = None,
    repairs: Annotated[
        float | None, typer.Option(help="Second requests for every first one.", rich_help_panel=ASSUMED)
    ] = None,
    latency: Annotated[float | None, typer.Option(help="Seconds that a reply takes.", rich_help_panel=ASSUMED)] = None,
    price_prompt: Annotated[
        float | None, typer.Option(help="USD per million prompt tokens.", rich_help_panel=ASSUMED, min=0)
    ] = None,
    price_completion: Annotated[
        float | None, typer.Option(help="USD per million tokens of replies.", rich_help_panel=ASSUMED, min=0)
    ] = None,
    price_cached: Annotated[
        float | None,
        typer.Option(help="USD per million prompt tokens from the server's cache.", rich_help_panel=ASSUMED, min=0),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Work out and print what a run takes."""
    from harness.cli.progress import fetch_weights
    from harness.cli.task import env_id, env_options
    from harness.core.errors import UsageError
    from harness.envs.registry import make
    from harness.evaluation.config import Method, RunConfig
    from harness.evaluation.quote import Assumptions
    from harness.llm.registry import ReplyFormat
    from harness.prompts.loader import Source

    task, options = env_id(context, env, mdp), env_options(inadmissible, discount, option)
    if (base_url is None) != (model_id is None):
        raise UsageError("--base-url and --model-id belong together; give both.")
    if model is None and model_id is None:
        _refuse_words_of_a_model(context)
        _print_needs(make(task, **options), 0.01 if width is None else width, json)
        return
    if model is not None and model_id is not None:
        raise UsageError("--model and --base-url with --model-id both name a model; give one of them.")
    config = RunConfig(
        env=task,
        env_options=options,
        model=model,
        base_url=base_url,
        model_id=model_id,
        prompt=prompt,
        shots=shots,
        shots_from=Source(shots_from) if shots_from else None,
        reply=ReplyFormat(reply) if reply else None,
        temperature=temperature,
        samples=samples,
        vote=vote,
        from_logprobs=from_logprobs,
        effort=effort,
        memory=memory,
        max_tokens=max_tokens,
        method=Method.ROLLOUT,
        episodes=1,
        concurrency=concurrency,
        cache=cache,
    )
    assumed = Assumptions(tokens, repairs, latency, price_prompt, price_completion, price_cached)
    if tokens is not None:
        fetch_weights(tokens, quiet=json)
    wished = width if width is not None else 0.01 if until is None else 2 * until
    _print_quote(config, Method(method) if method else None, assumed, wished, until, episodes, out, json)


def _print_quote(
    config: RunConfig,
    method: Any,
    assumed: Assumptions,
    width: float,
    until: float | None,
    episodes: int | None,
    runs: Path,
    json: bool,
) -> None:
    import asyncio
    from dataclasses import asdict

    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.envs.registry import make
    from harness.evaluation.quote import quote
    from harness.reports.plan import blocks, whole
    from harness.reports.summary import NOTICE

    env = make(config.env, **config.env_options)
    found: Quote = asyncio.run(
        quote(config, env, method, assumed, width=width, until=until, episodes=episodes, runs=runs)
    )
    if json:
        print_json({"env": env.spec.id, "env_version": env.spec.version, **asdict(found)})
        return
    drawn = "" if not config.temperature else f", {config.samples * config.vote} replies a decision"
    caption = (
        f"{env.spec.id} v{env.spec.version} · {found.model} · prompt {found.prompt} · memory {config.memory}, "
        f"temperature {config.temperature:g}{drawn} · {whole(found.static_tokens)} tokens the same for every patient"
    )
    print_blocks(blocks(found.forecasts, caption, found.notes))
    print_lines([NOTICE])


def _print_needs(made: Any, width: float, json: bool) -> None:
    from dataclasses import asdict

    from harness.cli.tables import print_json, print_lines, print_table
    from harness.core.errors import UsageError
    from harness.evaluation.plan import MOST_EPISODES, Need
    from harness.evaluation.plan import plan as needs
    from harness.mdp.environment import TabularEnvironment

    if not isinstance(made, TabularEnvironment):
        raise UsageError(
            f"{made.spec.id} is not tabular; what a width takes there shows only when episodes are played. With "
            "--model and --episodes the cost can be told."
        )
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
            "A model without memory is asked once for equal prompts, a model with memory for every decision; --model "
            "says what that costs.",
            "From exact variances; --until looks again and again, which costs episodes. Not medical advice.",
        ]
    )


def _refuse_words_of_a_model(context: typer.Context) -> None:
    """Nobody should believe that an option was looked at that belongs to a model."""
    from harness.core.errors import UsageError

    own = ("env", "mdp", "discount", "inadmissible", "option", "width", "json")
    for name in context.params:
        source = context.get_parameter_source(name)
        if name not in own and source is not None and source.name == "COMMANDLINE":
            raise UsageError(f"--{name.replace('_', '-')} belongs to a model, and none is named; add --model.")
