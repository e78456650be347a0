"""`harness plan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import options as o

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

ASSUMED = "What is assumed"


def plan(
    context: typer.Context,
    env: o.Env = "icu-sepsis",
    mdp: o.Mdp = None,
    discount: o.Discount = None,
    inadmissible: o.Inadmissible = None,
    option: o.EnvOption = None,
    model: Annotated[
        str | None, typer.Option(help="A model by alias, or a GGUF file: say what it costs.", rich_help_panel=o.WHO)
    ] = None,
    base_url: o.BaseUrl = None,
    model_id: o.ModelId = None,
    prompt: Annotated[
        str, typer.Option(help="Style of the prompt, or a folder; `harness prompts` lists them.", rich_help_panel=o.WHO)
    ] = "direct",
    shots: o.Shots = None,
    shots_from: o.ShotsFrom = None,
    reply: o.Reply = None,
    temperature: o.Temperature = 0.0,
    samples: o.Samples = 1,
    vote: o.Vote = 1,
    from_logprobs: o.FromLogprobs = False,
    effort: o.Effort = None,
    memory: o.Memory = "none",
    max_tokens: o.MaxTokens = None,
    method: Annotated[
        o.MethodName | None, typer.Option(help="One alone; all that fit, if not given.", rich_help_panel=o.HOW)
    ] = None,
    width: Annotated[
        float | None,
        typer.Option(help="How far apart the bounds may be (0.01).", rich_help_panel=o.HOW, show_default=False),
    ] = None,
    episodes: Annotated[int | None, typer.Option(help="rollout: so many.", rich_help_panel=o.HOW, min=1)] = None,
    until: o.Until = None,
    concurrency: o.Concurrency = 2,
    cache: o.Cache = True,
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
    json: o.AsJson = False,
) -> None:
    """Work out and print what a run takes."""
    from harness.cli.progress import fetch_weights
    from harness.cli.runs import prompt_of
    from harness.cli.task import env_id, env_options
    from harness.core.errors import UsageError
    from harness.envs.registry import make
    from harness.evaluation.config import Method, configured
    from harness.evaluation.quote import Assumptions

    task, options = env_id(context, env, mdp), env_options(inadmissible, discount, option)
    if (base_url is None) != (model_id is None):
        raise UsageError("--base-url and --model-id belong together; give both.")
    if model is None and model_id is None:
        _refuse_words_of_a_model(context)
        _print_needs(make(task, **options), 0.01 if width is None else width, json)
        return
    if model is not None and model_id is not None:
        raise UsageError("--model and --base-url with --model-id both name a model; give one of them.")
    config = configured(
        env=task,
        env_options=options,
        model=model,
        base_url=base_url,
        model_id=model_id,
        prompt=prompt_of(prompt, task),
        shots=shots,
        shots_from=shots_from,
        reply=reply,
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
    for name in o.given(context):
        if name not in own:
            raise UsageError(f"{o.flag(name)} belongs to a model, and none is named; add --model.")
