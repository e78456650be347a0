"""`harness ab`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.evaluate import InadmissibleName, MethodName, ReplyName

if TYPE_CHECKING:
    from harness.evaluation.summary import Summary

HELP = """Evaluate one model with several prompts: what the wording is worth, and which states it flips.

[bold]Examples[/bold]

  harness ab --env icu-sepsis --model qwen --prompt direct --prompt my/prompt\n
  harness ab --model qwen --prompt direct --prompt reasoned --method certify --epsilon 0.05\n
  harness ab --base-url http://127.0.0.1:8000/v1 --model-id my-model --prompt direct --prompt a --prompt b --json\n
  harness ab --model qwen --prompt direct --prompt reasoned --method rollout --episodes 50\n
  harness ab --model qwen --prompt direct --sensitivity

Every prompt is compared with the first. A state flips if the model decides otherwise in it; the worths of flips add up
to the difference of exact values. Runs are kept: `harness compare RUN RUN --flips` shows the same again.

A benchmark for research, not medical advice.
"""

EPISODES = 100
"""Of a rollout, if --episodes does not say."""


def ab(
    context: typer.Context,
    prompt: Annotated[
        list[str] | None,
        typer.Option(help="Style of a prompt, or a folder; two or more, the first is the base.", show_default=False),
    ] = None,
    env: Annotated[str, typer.Option(help="Environment; `harness envs` lists them.")] = "icu-sepsis",
    mdp: Annotated[str | None, typer.Option(help="An MDP of your own instead, as for `harness eval`.")] = None,
    discount: Annotated[
        float | None, typer.Option(help="Discount of that MDP, if not the one its files give.", show_default=False)
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="A model by alias (`harness models` lists them) or a GGUF file.")
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="Any OpenAI-compatible server, with --model-id.")] = None,
    model_id: Annotated[str | None, typer.Option(help="The model's name on that server.")] = None,
    reply: Annotated[
        ReplyName | None, typer.Option(help="How the model writes an action; as its entry says if not given.")
    ] = None,
    from_logprobs: Annotated[
        bool, typer.Option("--from-logprobs", help="Read the whole policy off one letter an action.")
    ] = False,
    max_tokens: Annotated[int | None, typer.Option(help="Longest reply.", min=1)] = None,
    method: Annotated[
        MethodName | None,
        typer.Option(
            help="exact, certify or rollout; if not given: exact for an embedded model or up to 1000 states, else "
            "certify, and rollout where no table is known.",
            show_default=False,
        ),
    ] = None,
    epsilon: Annotated[
        float | None, typer.Option(help="certify: how close the bounds must be (0.01).", show_default=False)
    ] = None,
    episodes: Annotated[int | None, typer.Option(help="rollout: episodes (100).", show_default=False)] = None,
    sensitivity: Annotated[
        bool,
        typer.Option(
            "--sensitivity",
            help="How much is the wording: mechanical variants of the first prompt (order of features and options, "
            "decimals, units), its built-in paraphrases, and every other --prompt as a paraphrase of it.",
        ),
    ] = False,
    seed_start: Annotated[int, typer.Option(help="rollout: first seed of the episodes.")] = 100_000,
    inadmissible: Annotated[
        InadmissibleName | None, typer.Option(help="What becomes of actions that the data do not support (mean).")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="An option of the environment.")
    ] = None,
    concurrency: Annotated[int, typer.Option(help="Requests at a time.")] = 2,
    cache: Annotated[bool, typer.Option(help="Use replies that were asked before, in any run.")] = True,
    out: Annotated[Path, typer.Option(help="Folder for the runs' folders.")] = Path("runs"),
    top: Annotated[int, typer.Option(help="How many flips to list.")] = 5,
    json: Annotated[bool, typer.Option("--json", help="As JSON, with every flip.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Carry out a run for every prompt and print how they differ."""
    from harness.cli.evaluate import carried_out, contestants
    from harness.cli.task import env_id, env_options
    from harness.core.errors import UsageError
    from harness.envs.registry import make
    from harness.evaluation.config import Method, RunConfig
    from harness.evaluation.flips import usual_method
    from harness.llm.budget import Limits
    from harness.llm.registry import ReplyFormat, resolve

    if model is not None and (base_url is not None or model_id is not None):
        raise UsageError("--model and --base-url with --model-id both name a model; give one of them.")
    found = contestants([], [model] if model else [], base_url, [model_id] if model_id else [], prompt or [])
    prompts = [str(who["prompt"]) for who in found]
    if len(prompts) < (1 if sensitivity else 2):
        raise UsageError(f"{len(prompts)} prompt was given; expected two or more, each after --prompt.")
    if twice := [name for i, name in enumerate(prompts) if name in prompts[:i]]:
        raise UsageError(f"The prompt '{twice[0]}' was given twice; a prompt does not differ from itself.")
    task, options = env_id(context, env, mdp), env_options(inadmissible, discount, option)
    left_out: dict[str, str] = {}
    embedded = model is not None and resolve(model).weights is not None
    chosen = Method(method) if method else usual_method(make(task, **options), embedded=embedded)
    if sensitivity and chosen is Method.ROLLOUT:
        raise UsageError("--sensitivity tells states that flip, which needs --method exact or certify.")
    if epsilon is not None and chosen is not Method.CERTIFY:
        raise UsageError(f"--epsilon belongs to --method certify, and the method here is {chosen}; leave it out.")
    if episodes is not None and chosen is not Method.ROLLOUT:
        raise UsageError(f"--episodes belongs to --method rollout, and the method here is {chosen}; leave it out.")
    if sensitivity:
        found, left_out = _with_variants(found, task, options, reply, from_logprobs)
        if len(found) < 2:
            raise UsageError(
                f"No variant fits the prompt '{prompts[0]}'; give a paraphrase of it with another --prompt."
            )
    more: dict[str, Any] = {} if epsilon is None else {"epsilon": epsilon}
    configs = [
        RunConfig(
            env=task,
            env_options=options,
            **who,
            **more,
            reply=ReplyFormat(reply) if reply else None,
            from_logprobs=from_logprobs,
            max_tokens=max_tokens,
            method=chosen,
            episodes=(EPISODES if episodes is None else episodes) if chosen is Method.ROLLOUT else 0,
            seed_start=seed_start,
            concurrency=concurrency,
            cache=cache,
        )
        for who in found
    ]
    finished, failed = carried_out(configs, out, Limits(), None, quiet)
    if len(finished) > 1:
        _print_sensitivity(finished, left_out, json) if sensitivity else _print(finished, max(top, 0), json)
    if failed:
        sys.stdout.flush()
        for sentence in failed:
            sys.stderr.write(f"harness: {sentence}\n")
        sys.exit(1)


def _with_variants(
    found: list[dict[str, Any]], task: str, options: dict[str, str], reply: ReplyName | None, from_logprobs: bool
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The first prompt, its variants, its paraphrases and the other prompts; and why a variant does not fit."""
    from harness.envs.registry import make
    from harness.llm.registry import ReplyFormat, resolve
    from harness.prompts.fitting import fitting
    from harness.prompts.loader import load, paraphrases

    first = found[0]
    usual = resolve(first["model"]).reply if "model" in first else ReplyFormat.JSON
    written = ReplyFormat.LABEL if from_logprobs else ReplyFormat(reply) if reply else usual
    env = make(task, **options)
    observations = [env.observe(int(state)) for state in env.mdp.decision_states]  # type: ignore[attr-defined]
    why = fitting(env, load(task, first["prompt"]), written, observations, from_logprobs=from_logprobs)
    fit = [first | {"variant": variant} for variant, reason in why.items() if reason is None]
    given = {who["prompt"] for who in found}
    said = [first | {"prompt": name} for name in paraphrases(task, first["prompt"]) if name not in given]
    return [first, *fit, *said, *found[1:]], {
        str(variant): reason for variant, reason in why.items() if reason is not None
    }


def _print_sensitivity(summaries: list[Summary], left_out: dict[str, str], json: bool) -> None:
    from dataclasses import asdict

    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.evaluation.compare import load_runs
    from harness.evaluation.sensitivity import sensitivity
    from harness.reports.sensitivity import block
    from harness.reports.summary import NOTICE

    found = sensitivity(load_runs([Path(summary.run_dir) for summary in summaries]), left_out)
    if json:
        runs = [summary.model_dump(mode="json") for summary in summaries]
        print_json({"runs": runs, "sensitivity": asdict(found)})
        return
    print_blocks([block(found, summaries[0].value_name)])
    where = " ".join(summary.run_dir for summary in summaries)
    print_lines([f"which states: harness compare {where} --flips", NOTICE])


def _print(summaries: list[Summary], top: int, json: bool) -> None:
    from dataclasses import asdict

    from harness.cli.tables import print_blocks, print_json, print_lines, print_table
    from harness.evaluation.compare import differences, load_runs
    from harness.evaluation.flips import between
    from harness.reports import compare
    from harness.reports.flips import blocks
    from harness.reports.summary import NOTICE
    from harness.reports.table import cells, records

    loaded = load_runs([Path(summary.run_dir) for summary in summaries])
    found = differences(loaded)
    pairs = [between(loaded[0], other) for other in loaded[1:]]
    if json:
        print_json(
            {
                "runs": [summary.model_dump(mode="json") for summary in summaries],
                "differences": [asdict(d) for d in found],
                "flips": [asdict(pair) for pair in pairs],
            }
        )
        return
    first = summaries[0]
    options = "".join(f" · {name} {value}" for name, value in first.env_options.items())
    print_lines([f"{first.env} v{first.env_version}{options} · {first.model_title or first.agent}"])
    rows = [cells(row, first.value_name) for row in records(summaries)]
    print_table(list(rows[0]), (list(row.values()) for row in rows))
    print_lines([f"Beyond {loaded[0].label}, in {first.value_name}:"])
    print_table(compare.HEADINGS, compare.rows(found))
    for pair in pairs:
        print_blocks(blocks(pair, first.value_name, top))
    where = " ".join(summary.run_dir for summary in summaries)
    print_lines([f"again: harness compare {where} --flips", NOTICE])
