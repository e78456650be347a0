"""`harness eval`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

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
bounds are EPSILON apart; [bold]rollout[/bold] plays episodes on held-out seeds and gives an interval.

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


class LogName(StrEnum):
    """What `--log` takes."""

    openenv = "openenv"


WHO, HOW, WHERE, OUTPUT = "Who decides", "How it is evaluated", "Where", "What is printed"


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
        str | None, typer.Option(help="An agent; `harness agents` lists them.", rich_help_panel=WHO)
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="A model by alias (`harness models` lists them) or a GGUF file.", rich_help_panel=WHO),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(help="Any OpenAI-compatible server, with --model-id; key in OPENAI_API_KEY.", rich_help_panel=WHO),
    ] = None,
    model_id: Annotated[str | None, typer.Option(help="The model's name on that server.", rich_help_panel=WHO)] = None,
    prompt: Annotated[
        str,
        typer.Option(help="Style of the prompt, or a folder; `harness prompts` lists them.", rich_help_panel=WHO),
    ] = "direct",
    reply: Annotated[
        ReplyName | None,
        typer.Option(help="How the model writes an action; as its entry says if not given.", rich_help_panel=WHO),
    ] = None,
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
            help="rollout: episodes (100 if not given); else: example episodes for the trace (3).",
            rich_help_panel=HOW,
            show_default=False,
        ),
    ] = None,
    seed_start: Annotated[
        int, typer.Option(help="First seed of the episodes; evaluation seeds start at 100000.", rich_help_panel=HOW)
    ] = 100_000,
    inadmissible: Annotated[
        InadmissibleName | None,
        typer.Option(help="What becomes of actions that the data do not support (mean).", rich_help_panel=HOW),
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
    out: Annotated[Path, typer.Option(help="Folder for the run's folder.", rich_help_panel=WHERE)] = Path("runs"),
    resume: Annotated[
        Path | None,
        typer.Option(help="Go on with this interrupted run; what it was told is in it.", rich_help_panel=WHERE),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The summary alone, as JSON.", rich_help_panel=OUTPUT)] = False,
    log: Annotated[
        LogName | None,
        typer.Option(help="Episodes as OpenEnv log lines on stdout, the report on stderr.", rich_help_panel=OUTPUT),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.", rich_help_panel=OUTPUT)] = False,
) -> None:
    """Parse, carry out the run, print the report."""
    import asyncio
    from functools import partial

    from harness.cli.progress import fetch_weights, shown_progress
    from harness.cli.tables import console, print_json
    from harness.cli.task import env_id, env_options
    from harness.core.errors import HarnessError, StoppedRun, UsageError
    from harness.evaluation import evaluate as evaluation
    from harness.evaluation.cast import check
    from harness.evaluation.config import Method, RunConfig
    from harness.evaluation.openenv import OpenEnvLog
    from harness.llm.registry import ReplyFormat, key_receiver, resolve
    from harness.reports.summary import print_report

    if resume is not None:
        _refuse_other_words(context)
    if json and log:
        raise UsageError("--json and --log both want stdout; give one of them.")
    folder: list[Path] = []
    listen = OpenEnvLog(sys.stdout).tell if log else None
    with shown_progress(quiet) as watch:
        if resume is not None:
            work = partial(evaluation.resume, resume, watch, listen, began=folder.append)
        else:
            who = _who(agent, _absolute(model), base_url, model_id)
            if model is not None and (receiver := key_receiver(resolve(model))):
                sys.stderr.write(f"Note: {receiver}.\n")
            chosen = Method(method or (Method.EXACT if agent else Method.CERTIFY))
            config = RunConfig(
                env=env_id(context, env, mdp),
                env_options=env_options(inadmissible, discount),
                **who,
                prompt=_absolute(prompt) or prompt,
                reply=ReplyFormat(reply) if reply else None,
                max_tokens=max_tokens,
                method=chosen,
                epsilon=epsilon,
                episodes=episodes if episodes is not None else (100 if chosen is Method.ROLLOUT else 3),
                seed_start=seed_start,
                concurrency=concurrency,
                cache=cache,
                audit=audit,
            )
            check(config)
            if model is not None:
                fetch_weights(model, quiet=quiet)
            work = partial(evaluation.run, config, out, watch, listen, began=folder.append)
        try:
            summary = asyncio.run(work())
        except UsageError:
            raise
        except (HarnessError, KeyboardInterrupt) as error:
            if not folder:
                raise
            sentence = str(error) or "Interrupted."
            status = error.exit_status if isinstance(error, HarnessError) else 130
            raise StoppedRun(f"{sentence} Go on with: harness eval --resume {folder[0]}", status) from None
    if json:
        print_json(summary.model_dump(mode="json"))
    else:
        print_report(console(stderr=log is not None), summary)


def _absolute(name: str | None) -> str | None:
    """A path as one that another working directory understands; a plain name stays."""
    if name is None or not ("/" in name or name.endswith(".gguf")):
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

    for name in context.params:
        source = context.get_parameter_source(name)
        given = source is not None and source.name == "COMMANDLINE"
        if given and name not in ("resume", "json", "log", "quiet"):
            raise UsageError(
                f"--{name.replace('_', '-')} does not go with --resume: a run goes on as it began; "
                "start a new run instead."
            )


def _who(agent: str | None, model: str | None, base_url: str | None, model_id: str | None) -> dict[str, str | None]:
    """Who decides, if exactly one way of saying so was used.

    Raises
    ------
    UsageError
        If none or several were.
    """
    from harness.core.errors import UsageError

    if (base_url is None) != (model_id is None):
        raise UsageError("--base-url and --model-id belong together; give both.")
    named = [name for name, value in (("--agent", agent), ("--model", model), ("--base-url", base_url)) if value]
    if len(named) != 1:
        said = " and ".join(named) if named else "nothing"
        raise UsageError(
            f"Who decides? {said} was given; expected one of --agent ID, --model ALIAS, "
            "or --base-url URL with --model-id ID."
        )
    return {"agent": agent, "model": model, "base_url": base_url, "model_id": model_id}
