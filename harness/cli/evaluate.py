"""`harness eval`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from harness.evaluation.config import RunConfig
    from harness.evaluation.summary import Summary
    from harness.llm.budget import Limits
    from harness.reports.table import Format

INTERRUPTED = 130
"""Exit status of a run stopped by Ctrl-C."""

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


class MethodName(StrEnum):
    """What `--method` takes."""

    exact = "exact"
    certify = "certify"
    rollout = "rollout"


class InadmissibleName(StrEnum):
    """What `--inadmissible` takes."""

    mean = "mean"
    terminate = "terminate"
    raising = "raise"


class ReplyName(StrEnum):
    """What `--reply` takes."""

    json = "json"
    short = "short"
    label = "label"


class SourceName(StrEnum):
    """What `--shots-from` takes."""

    expert = "expert"
    optimal = "optimal"


class ShieldModeName(StrEnum):
    """What `--shield-mode` takes."""

    correct = "correct"
    veto = "veto"


class IntervalName(StrEnum):
    """What `--interval` takes."""

    skewness = "skewness"
    student_t = "student-t"
    bca = "bca"


class FormatName(StrEnum):
    """What `--format` takes."""

    text = "text"
    markdown = "markdown"
    csv = "csv"
    json = "json"


class LogName(StrEnum):
    """What `--log` takes."""

    openenv = "openenv"


WHO, HOW, WHERE, OUTPUT = "Who decides", "How it is evaluated", "Where", "What is printed"
SPENDING = "What it may spend"

LIMITS = ("max_calls", "max_tokens_total", "max_cost", "max_minutes")

MOST_EPISODES = 10_000
"""Episodes after which a rollout with --until gives up, if --episodes does not say."""


def evaluate(
    context: typer.Context,
    env: Annotated[str, typer.Option(help="Environment; `harness envs` lists them.")] = "icu-sepsis",
    mdp: Annotated[
        str | None,
        typer.Option(help="An MDP of your own instead: a folder of CSV tables or an .npz archive.", metavar="PATH"),
    ] = None,
    discount: Annotated[
        float | None, typer.Option(help="Discount of that MDP, if not the one its files give.", show_default=False)
    ] = None,
    agent: Annotated[
        list[str] | None, typer.Option(help="An agent; `harness agents` lists them.", rich_help_panel=WHO)
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="A model by alias (`harness models` lists them) or a GGUF file.", rich_help_panel=WHO),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(help="Any OpenAI-compatible server, with --model-id; key in OPENAI_API_KEY.", rich_help_panel=WHO),
    ] = None,
    model_id: Annotated[
        list[str] | None, typer.Option(help="The model's name on that server.", rich_help_panel=WHO)
    ] = None,
    prompt: Annotated[
        list[str] | None,
        typer.Option(
            help="Style of the prompt (direct), or a folder; `harness prompts` lists them.",
            rich_help_panel=WHO,
            show_default=False,
        ),
    ] = None,
    shots: Annotated[
        int | None,
        typer.Option(
            help="Examples in a prompt that shows some (few_shot); as many as it says if not given.",
            rich_help_panel=WHO,
            min=0,
        ),
    ] = None,
    shots_from: Annotated[
        SourceName | None,
        typer.Option(
            help="Whose decisions the examples are; the optimal policy's tell a part of the optimum.",
            rich_help_panel=WHO,
        ),
    ] = None,
    reply: Annotated[
        ReplyName | None,
        typer.Option(help="How the model writes an action; as its entry says if not given.", rich_help_panel=WHO),
    ] = None,
    temperature: Annotated[
        float,
        typer.Option(help="At which replies are drawn; above 0 with --samples or a rollout.", rich_help_panel=WHO),
    ] = 0.0,
    samples: Annotated[
        int, typer.Option(help="exact: replies drawn in each state, for a policy with chance.", rich_help_panel=WHO)
    ] = 1,
    vote: Annotated[
        int,
        typer.Option(
            help="Decide by the majority of this many replies, with --temperature and a rollout or --samples.",
            rich_help_panel=WHO,
        ),
    ] = 1,
    from_logprobs: Annotated[
        bool,
        typer.Option(
            "--from-logprobs",
            help="One letter an action; the whole policy with its chances is read off each reply.",
            rich_help_panel=WHO,
        ),
    ] = False,
    effort: Annotated[
        str | None, typer.Option(help="Reasoning effort of a model that thinks first, e.g. low.", rich_help_panel=WHO)
    ] = None,
    memory: Annotated[
        str,
        typer.Option(
            metavar="none|window:K|full",
            help="rollout: what of the episode stands in a model's prompt: the last K patients and actions, or all.",
            rich_help_panel=WHO,
        ),
    ] = "none",
    shield: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE",
            help="A rule that vetoes actions: admissible (what the data support), or dose-cap:FIELD=MAX.",
            rich_help_panel=WHO,
            show_default=False,
        ),
    ] = None,
    shield_mode: Annotated[
        ShieldModeName,
        typer.Option(
            help="What is done instead: correct, the nearest action allowed; veto, the environment's fallback.",
            rich_help_panel=WHO,
        ),
    ] = ShieldModeName.correct,
    max_tokens: Annotated[
        int | None,
        typer.Option(help="Longest reply; a model that thinks first needs thousands.", rich_help_panel=WHO, min=1),
    ] = None,
    method: Annotated[
        MethodName | None,
        typer.Option(
            help="exact, certify or rollout; if not given: certify for a model, exact for an agent without memory.",
            rich_help_panel=HOW,
            show_default=False,
        ),
    ] = None,
    epsilon: Annotated[float, typer.Option(help="certify: how close the bounds must be.", rich_help_panel=HOW)] = 0.01,
    episodes: Annotated[
        int | None,
        typer.Option(
            help="rollout: episodes (100 if not given; with --until at most, 10000); else: example episodes for the "
            "trace (3).",
            rich_help_panel=HOW,
            show_default=False,
        ),
    ] = None,
    until: Annotated[
        float | None,
        typer.Option(
            help="rollout: play until the interval reaches no further than this to each side; it holds although it is "
            "looked at again and again.",
            rich_help_panel=HOW,
        ),
    ] = None,
    interval: Annotated[
        IntervalName, typer.Option(help="rollout: how the interval of a mean is found.", rich_help_panel=HOW)
    ] = IntervalName.skewness,
    seed_start: Annotated[
        int, typer.Option(help="First seed of the episodes; evaluation seeds start at 100000.", rich_help_panel=HOW)
    ] = 100_000,
    inadmissible: Annotated[
        InadmissibleName | None,
        typer.Option(help="What becomes of actions that the data do not support (mean).", rich_help_panel=HOW),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="An option of the environment; `harness envs show ID` lists them.",
            rich_help_panel=HOW,
        ),
    ] = None,
    concurrency: Annotated[
        int,
        typer.Option(help="Requests at a time; an embedded model answers one after the other.", rich_help_panel=HOW),
    ] = 2,
    audit: Annotated[
        int,
        typer.Option(help="exact, certify: ask this many states again and report the flip rate.", rich_help_panel=HOW),
    ] = 0,
    cache: Annotated[
        bool, typer.Option(help="Use replies that were asked before, in any run.", rich_help_panel=HOW)
    ] = True,
    max_calls: Annotated[
        int | None, typer.Option(help="Requests of a run, all sessions together.", rich_help_panel=SPENDING, min=1)
    ] = None,
    max_tokens_total: Annotated[
        int | None, typer.Option(help="Tokens of a run, prompts and replies.", rich_help_panel=SPENDING, min=1)
    ] = None,
    max_cost: Annotated[
        float | None,
        typer.Option(help="USD of a run, by the prices in the model's entry.", rich_help_panel=SPENDING, min=0),
    ] = None,
    max_minutes: Annotated[
        float | None, typer.Option(help="Minutes of this session.", rich_help_panel=SPENDING, min=0)
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the run's folder.", rich_help_panel=WHERE)] = Path("runs"),
    resume: Annotated[
        Path | None,
        typer.Option(help="Go on with this interrupted run; what it was told is in it.", rich_help_panel=WHERE),
    ] = None,
    written: Annotated[
        FormatName | None,
        typer.Option(
            "--format",
            help="text, markdown, csv or json; text, if not given.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.", rich_help_panel=OUTPUT)] = False,
    log: Annotated[
        LogName | None,
        typer.Option(help="Episodes as OpenEnv log lines on stdout, the report on stderr.", rich_help_panel=OUTPUT),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.", rich_help_panel=OUTPUT)] = False,
) -> None:
    """Parse, carry out the runs, print the report."""
    from harness.agents.shield import ShieldMode
    from harness.cli.task import env_id, env_options
    from harness.core.errors import UsageError
    from harness.evaluation.config import Method, RunConfig
    from harness.evaluation.intervals import Interval
    from harness.llm.budget import Limits
    from harness.llm.registry import ReplyFormat
    from harness.prompts.loader import Source
    from harness.reports.table import Format

    if json and written not in (None, FormatName.json):
        raise UsageError(f"--json and --format {written} contradict each other; give one of them.")
    shown = Format.JSON if json else Format(written or Format.TEXT)
    if shown is not Format.TEXT and log:
        raise UsageError(f"The {shown} and --log both want stdout; give one of them.")
    limits = Limits(calls=max_calls, tokens=max_tokens_total, cost=max_cost or None, minutes=max_minutes or None)
    if resume is not None:
        _refuse_other_words(context)
        _leave([_resumed(resume, limits, log, quiet)], [], shown, log)
        return
    who_decides = contestants(agent or [], model or [], base_url, model_id or [], prompt or ["direct"])
    drawing = {
        "shots": shots,
        "shots_from": Source(shots_from) if shots_from else None,
        "reply": ReplyFormat(reply) if reply else None,
        "temperature": temperature,
        "samples": samples,
        "vote": vote,
        "from_logprobs": from_logprobs,
        "effort": effort,
        "memory": memory,
        "max_tokens": max_tokens,
        "audit": audit,
    }
    task = env_id(context, env, mdp)
    configs = []
    for who in who_decides:
        exactly = who.get("agent") or samples > 1
        chosen = Method(method or (Method.EXACT if exactly else Method.CERTIFY))
        usual = 3 if chosen is not Method.ROLLOUT else MOST_EPISODES if until is not None else 100
        configs.append(
            RunConfig(
                env=task,
                env_options=env_options(inadmissible, discount, option),
                **who,
                **(drawing if not who.get("agent") else {}),
                shield=tuple(shield or ()),
                shield_mode=ShieldMode(shield_mode),
                method=chosen,
                epsilon=epsilon,
                episodes=episodes if episodes is not None else usual,
                until=until,
                interval=Interval(interval),
                seed_start=seed_start,
                concurrency=concurrency,
                cache=cache,
            )
        )
    _refuse_words_without_use(context, configs)
    _leave(*carried_out(configs, out, limits, log, quiet), shown, log)


def _leave(finished: list[Summary], failed: list[str], shown: Format, log: LogName | None) -> None:
    """Print what was found and what was not, and exit accordingly."""
    from harness.core.errors import BudgetSpent

    if finished:
        _print(finished, shown, log)
    sys.stdout.flush()
    for sentence in failed:
        sys.stderr.write(f"harness: {sentence}\n")
    for summary in finished:
        if summary.stopped:
            sys.stderr.write(
                f"harness: {summary.stopped} Go on with: harness eval --resume {summary.run_dir}, with higher limits.\n"
            )
    if failed or any(summary.stopped for summary in finished):
        sys.exit(1 if failed else BudgetSpent.exit_status)


def carried_out(
    configs: list[RunConfig], out: Path, limits: Limits, log: LogName | None, quiet: bool
) -> tuple[list[Summary], list[str]]:
    """The summaries of the runs, and a sentence for each that failed; a run that fails alone is raised."""
    from functools import partial

    from harness.cli.progress import fetch_weights
    from harness.core.errors import HarnessError
    from harness.evaluation import evaluate as evaluation
    from harness.evaluation.cast import check
    from harness.llm.registry import key_receiver, resolve

    models = list(dict.fromkeys(config.model for config in configs if config.model is not None))
    for config in configs:
        check(config)
    for model in models:
        if receiver := key_receiver(resolve(model)):
            sys.stderr.write(f"Note: {receiver}.\n")
        fetch_weights(model, quiet=quiet)
    finished, failed = [], []
    for config in configs:
        try:
            finished.append(
                _run(
                    partial(evaluation.run, config, out, limits=limits), log, quiet, len(configs) > 1 and _name(config)
                )
            )
        except HarnessError as error:
            if len(configs) == 1 or error.exit_status == INTERRUPTED:
                raise
            failed.append(f"{_name(config)}: {error}")
    return finished, failed


def _resumed(path: Path, limits: Limits, log: LogName | None, quiet: bool) -> Summary:
    from functools import partial

    from harness.evaluation import evaluate as evaluation

    return _run(partial(evaluation.resume, path, limits=limits), log, quiet, False)


def _run(work: Any, log: LogName | None, quiet: bool, name: str | bool) -> Summary:
    """Carry out one run; what stops it says how to go on, once there is something to go on with."""
    import asyncio

    from harness.cli.progress import shown_progress
    from harness.core.errors import HarnessError, StoppedRun, UsageError
    from harness.evaluation.openenv import OpenEnvLog

    folder: list[Path] = []
    listen = OpenEnvLog(sys.stdout).tell if log else None
    if name and not quiet:
        sys.stderr.write(f"{name}\n")
    with shown_progress(quiet) as watch:
        try:
            summary: Summary = asyncio.run(work(watch, listen, began=folder.append))
        except UsageError:
            raise
        except (HarnessError, KeyboardInterrupt) as error:
            if not folder:
                raise
            sentence = str(error) or "Interrupted."
            status = error.exit_status if isinstance(error, HarnessError) else INTERRUPTED
            raise StoppedRun(f"{sentence} Go on with: harness eval --resume {folder[0]}", status) from None
    return summary


def _print(summaries: list[Summary], shown: Format, log: LogName | None) -> None:
    from harness.cli.tables import console, print_json, print_lines, print_table
    from harness.reports.summary import NOTICE, print_report
    from harness.reports.table import Format, cells, comma_separated, markdown, records

    if shown is Format.JSON:
        found = [summary.model_dump(mode="json") for summary in summaries]
        print_json(found[0] if len(found) == 1 else found)
    elif shown is Format.CSV:
        sys.stdout.write(comma_separated(summaries))
    elif shown is Format.MARKDOWN:
        sys.stdout.write(markdown(summaries))
    elif len(summaries) == 1:
        print_report(console(stderr=log is not None), summaries[0])
    else:
        stderr = log is not None
        first = summaries[0]
        options = "".join(f" · {name} {value}" for name, value in first.env_options.items())
        print_lines([f"{first.env} v{first.env_version}{options}"], stderr=stderr)
        rows = [cells(row, first.value_name) for row in records(summaries)]
        print_table(list(rows[0]), (list(row.values()) for row in rows), stderr=stderr)
        where = " ".join(summary.run_dir for summary in summaries)
        print_lines([f"differences: harness compare {where}", NOTICE], stderr=stderr)


def _name(config: RunConfig) -> str:
    who = config.agent or config.model or config.model_id
    return " ".join(filter(None, (who, config.prompt, config.variant))) if config.agent is None else str(who)


def _absolute(name: str) -> str:
    """A path as one that another working directory understands; a plain name stays, and so does SERVER:MODEL."""
    if not ("/" in name.partition(":")[0] or name.endswith(".gguf")):
        return name
    return str(Path(name).expanduser().absolute())


def _refuse_other_words(context: typer.Context) -> None:
    """A resumed run does what its manifest says; other words would be passed over.

    Raises
    ------
    UsageError
        Naming the option that does not belong beside --resume.
    """
    from harness.core.errors import UsageError

    for name in _given(context):
        if name not in ("resume", "json", "written", "log", "quiet", *LIMITS):
            raise UsageError(
                f"--{name.replace('_', '-')} does not go with --resume: a run goes on as it began; "
                "start a new run instead."
            )


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
                "shots",
                "shots_from",
                "reply",
                "temperature",
                "samples",
                "vote",
                "from_logprobs",
                "memory",
                "effort",
                "max_tokens",
                "cache",
                "audit",
                *LIMITS,
            ),
        ),
        "--shield": (any(config.shield for config in configs), ("shield_mode",)),
        "--method certify": (Method.CERTIFY in methods, ("epsilon",)),
        "--method rollout": (Method.ROLLOUT in methods, ("until", "interval")),
    }
    for what, (used, names) in belongs.items():
        for name in _given(context):
            if name in names and not used:
                raise UsageError(f"--{name.replace('_', '-')} belongs to {what}, and nothing here is; leave it out.")


def _given(context: typer.Context) -> list[str]:
    """The options that were typed."""
    sources = ((name, context.get_parameter_source(name)) for name in context.params)
    return [name for name, source in sources if source is not None and source.name == "COMMANDLINE"]


def contestants(
    agents: list[str], models: list[str], base_url: str | None, model_ids: list[str], prompts: list[str]
) -> list[dict[str, Any]]:
    """Who decides, as fields of a `RunConfig`: every agent, and every model with every prompt.

    Raises
    ------
    UsageError
        If nobody does, or the server or the model on it is not named.
    """
    from harness.core.errors import UsageError

    if (base_url is None) != (not model_ids):
        raise UsageError("--base-url and --model-id belong together; give both.")
    asked: list[dict[str, Any]] = [{"model": _absolute(name)} for name in models]
    asked += [{"base_url": base_url, "model_id": name} for name in model_ids]
    found: list[dict[str, Any]] = [{"agent": name} for name in agents]
    found += [who | {"prompt": _absolute(prompt)} for who in asked for prompt in prompts]
    if not found:
        raise UsageError(
            "Nobody was named to decide; expected --agent ID, --model ALIAS, or --base-url URL with --model-id ID."
        )
    return found
