"""`harness eval`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from harness.cli import options as o

if TYPE_CHECKING:
    from harness.evaluation.config import RunConfig
    from harness.evaluation.summary import Summary
    from harness.reports.table import Format

HELP = """Evaluate an agent or a language model.

[bold]Examples[/bold]

  harness eval --model qwen\n
  harness eval --env icu-sepsis --model qwen --method certify --epsilon 0.01\n
  harness eval --agent expert --method exact --json\n
  harness eval --model smollm2 --method rollout --episodes 50 --log openenv\n
  harness eval --mdp my/ward --prompt my/prompt --model qwen\n
  harness eval --base-url http://127.0.0.1:8000/v1 --model-id my-model --concurrency 32\n
  harness eval --resume runs/2026-01-31T12-00-00-icu-sepsis-qwen

Methods: [bold]exact[/bold] asks every state once, no sampling error; [bold]certify[/bold] asks states until certain
bounds are EPSILON apart; [bold]rollout[/bold] plays episodes on held-out seeds and gives an interval. --agent, --model,
--model-id and --prompt may be given several times: each is evaluated in a run of its own, and one table shows all.

A benchmark for research, not medical advice.
"""

MOST_EPISODES = 10_000
"""Episodes after which a rollout with --until gives up, if --episodes does not say."""


def evaluate(
    context: typer.Context,
    env: o.Env = "icu-sepsis",
    mdp: o.Mdp = None,
    discount: o.Discount = None,
    inadmissible: o.Inadmissible = None,
    option: o.EnvOption = None,
    agent: Annotated[
        list[str] | None,
        typer.Option(
            help="An agent (`harness agents` lists them), or a folder that `harness train` made.", rich_help_panel=o.WHO
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="A model by alias (`harness models` lists them) or a GGUF file.", rich_help_panel=o.WHO),
    ] = None,
    base_url: o.BaseUrl = None,
    model_id: Annotated[
        list[str] | None, typer.Option(help="The model's name on that server.", rich_help_panel=o.WHO)
    ] = None,
    prompt: Annotated[
        list[str] | None,
        typer.Option(
            help="Style of the prompt (direct), or a folder; `harness prompts` lists them.",
            rich_help_panel=o.WHO,
            show_default=False,
        ),
    ] = None,
    shots: o.Shots = None,
    shots_from: o.ShotsFrom = None,
    reply: o.Reply = None,
    temperature: o.Temperature = 0.0,
    samples: o.Samples = 1,
    vote: o.Vote = 1,
    from_logprobs: o.FromLogprobs = False,
    effort: o.Effort = None,
    memory: o.Memory = "none",
    shield: o.Shield = None,
    shield_mode: o.ShieldMode = "correct",
    max_tokens: o.MaxTokens = None,
    method: Annotated[
        o.MethodName | None,
        typer.Option(
            help="exact, certify or rollout; if not given: certify for a model, exact for an agent without memory, and "
            "rollout where no table is known.",
            rich_help_panel=o.HOW,
            show_default=False,
        ),
    ] = None,
    epsilon: o.Epsilon = 0.01,
    episodes: Annotated[
        int | None,
        typer.Option(
            help="rollout: episodes (100 if not given; with --until at most, 10000); else: example episodes for the "
            "trace (3).",
            rich_help_panel=o.HOW,
            show_default=False,
        ),
    ] = None,
    until: o.Until = None,
    interval: o.Interval = "skewness",
    regret: o.Regret = True,
    seed_start: o.SeedStart = 100_000,
    concurrency: o.Concurrency = 2,
    timeout_s: o.Timeout = None,
    audit: o.Audit = 0,
    i_may_share_this_data: o.IMayShareThisData = False,
    cache: o.Cache = True,
    max_calls: o.MaxCalls = None,
    max_tokens_total: o.MaxTokensTotal = None,
    max_cost: o.MaxCost = None,
    max_minutes: o.MaxMinutes = None,
    out: o.Out = Path("runs"),
    resume: Annotated[
        Path | None,
        typer.Option(help="Go on with this interrupted run; what it was told is in it.", rich_help_panel=o.WHERE),
    ] = None,
    written: Annotated[
        o.FormatName | None,
        typer.Option(
            "--format",
            help="text, markdown, csv or json; text, if not given.",
            rich_help_panel=o.OUTPUT,
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.", rich_help_panel=o.OUTPUT)] = False,
    log: Annotated[
        Literal["openenv"] | None,
        typer.Option(help="Episodes as OpenEnv log lines on stdout, the report on stderr.", rich_help_panel=o.OUTPUT),
    ] = None,
    quiet: o.Quiet = False,
) -> None:
    """Parse, carry out the runs, print the report."""
    from harness.cli import runs
    from harness.cli.resuming import only_resumed
    from harness.cli.task import env_id, env_options
    from harness.core.errors import UsageError
    from harness.evaluation.config import Method, configured
    from harness.evaluation.openenv import OpenEnvLog
    from harness.reports.table import Format

    if json and written not in (None, "json"):
        raise UsageError(f"--json and --format {written} contradict each other; give one of them.")
    shown = Format.JSON if json else Format(written or Format.TEXT)
    if shown is not Format.TEXT and log:
        named = "--json" if json else f"--format {shown}"
        raise UsageError(f"{named} and --log both want stdout; give one of them.")
    limits = o.limits(context)
    listen = OpenEnvLog(sys.stdout).tell if log else None
    if resume is not None:
        only_resumed(context, "base_url", "written", "log", *o.LIMITS)
        finished = [runs.resumed(resume, base_url, limits, listen, quiet)]
        _print(finished, shown, stderr=listen is not None)
        runs.leave(finished, [])
        return
    task, made_with = env_id(context, env, mdp), env_options(inadmissible, discount, option)
    asks_states = method is None and _has_table(task, made_with)
    configs = []
    for who in runs.contestants(agent or [], model or [], base_url, model_id or [], prompt or ["direct"], task):
        exactly = who.get("agent") or samples > 1
        usual = (Method.EXACT if exactly else Method.CERTIFY) if asks_states else Method.ROLLOUT
        chosen = Method(method or usual)
        most = 3 if chosen is not Method.ROLLOUT else MOST_EPISODES if until is not None else 100
        drawing = {} if who.get("agent") else {name: context.params[name] for name in o.DRAWING}
        configs.append(
            configured(
                env=task,
                env_options=made_with,
                **who,
                **drawing,
                shield=tuple(shield or ()),
                shield_mode=shield_mode,
                method=chosen,
                epsilon=epsilon,
                episodes=episodes if episodes is not None else most,
                until=until,
                interval=interval,
                regret=regret,
                seed_start=seed_start,
                concurrency=concurrency,
                cache=cache,
            )
        )
    _refuse_words_without_use(context, configs)
    finished, failed = runs.carried_out(configs, out, limits, listen, quiet)
    if finished:
        _print(finished, shown, stderr=listen is not None)
    runs.leave(finished, failed)


def _has_table(task: str, made_with: dict[str, str]) -> bool:
    from harness.envs.registry import make
    from harness.mdp.environment import TabularEnvironment

    return isinstance(make(task, **made_with), TabularEnvironment)


def _print(summaries: list[Summary], shown: Format, *, stderr: bool) -> None:
    from harness.cli.tables import console, print_json, print_lines, print_table
    from harness.envs.ids import short_name
    from harness.reports.summary import NOTICE, print_report
    from harness.reports.table import Format, records, table
    from harness.reports.text import with_options
    from harness.reports.written import comma_separated, markdown

    if shown is Format.JSON:
        found = [summary.model_dump(mode="json") for summary in summaries]
        print_json(found[0] if len(found) == 1 else found)
    elif shown is Format.CSV:
        sys.stdout.write(comma_separated(records(summaries)))
    elif shown is Format.MARKDOWN:
        sys.stdout.write(markdown([table(summaries)]))
    elif len(summaries) == 1:
        print_report(console(stderr=stderr), summaries[0])
    else:
        first = summaries[0]
        options = with_options(first.env_options)
        print_lines([f"{short_name(first.env)} v{first.env_version}{options}"], stderr=stderr)
        block = table(summaries)
        print_table(block.headings, block.rows, stderr=stderr)
        where = " ".join(summary.run_dir for summary in summaries)
        print_lines([*block.notes, f"differences: harness compare {where}", NOTICE], stderr=stderr)


def _refuse_words_without_use(context: typer.Context, configs: list[RunConfig]) -> None:
    """Nobody should believe that an option did something that nothing looked at.

    Raises
    ------
    UsageError
        Naming the option and what it belongs to.
    """
    from harness.core.errors import UsageError
    from harness.evaluation.config import Method

    asked = any(config.agent is None for config in configs)
    methods = {config.method for config in configs}
    belongs = {
        "a model": (
            asked,
            (
                "prompt",
                "cache",
                *o.DRAWING,
                *o.LIMITS,
            ),
        ),
        "--shield": (any(config.shield for config in configs), ("shield_mode",)),
        "--method certify": (Method.CERTIFY in methods, ("epsilon",)),
        "--method rollout": (Method.ROLLOUT in methods, ("until", "interval", "regret")),
    }
    for what, (used, names) in belongs.items():
        for name in o.given(context):
            if name in names and not used:
                raise UsageError(f"{o.flag(name)} belongs to {what}, and nothing here is; leave it out.")
