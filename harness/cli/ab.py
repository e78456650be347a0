"""`harness ab`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import options as o

if TYPE_CHECKING:
    from harness.core.environment import Environment
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


def ab(
    context: typer.Context,
    prompt: Annotated[
        list[str] | None,
        typer.Option(
            help="Style of a prompt, or a folder; two or more, the first is the base.",
            rich_help_panel=o.WHO,
            show_default=False,
        ),
    ] = None,
    env: o.Env = "icu-sepsis",
    mdp: o.Mdp = None,
    discount: o.Discount = None,
    inadmissible: o.Inadmissible = None,
    option: o.EnvOption = None,
    model: Annotated[
        str | None,
        typer.Option(help="A model by alias (`harness models` lists them) or a GGUF file.", rich_help_panel=o.WHO),
    ] = None,
    base_url: o.BaseUrl = None,
    model_id: o.ModelId = None,
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
            help="exact, certify or rollout; if not given: exact for an embedded model or up to 1000 states, else "
            "certify, and rollout where no table is known.",
            rich_help_panel=o.HOW,
            show_default=False,
        ),
    ] = None,
    epsilon: o.Epsilon = 0.01,
    episodes: Annotated[int, typer.Option(help="rollout: episodes.", rich_help_panel=o.HOW)] = 100,
    sensitivity: Annotated[
        bool,
        typer.Option(
            "--sensitivity",
            help="How much is the wording: mechanical variants of the first prompt (order of features and options, "
            "decimals, units), its built-in paraphrases, and every other --prompt as a paraphrase of it.",
            rich_help_panel=o.HOW,
        ),
    ] = False,
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
    top: Annotated[int, typer.Option(help="How many flips to list.", rich_help_panel=o.OUTPUT)] = 5,
    json: Annotated[bool, typer.Option("--json", help="As JSON, with every flip.", rich_help_panel=o.OUTPUT)] = False,
    quiet: o.Quiet = False,
) -> None:
    """Carry out a run for every prompt and print how they differ."""
    from harness.cli import runs
    from harness.cli.task import env_id, env_options
    from harness.core.errors import UsageError
    from harness.envs.registry import make
    from harness.evaluation.cast import check
    from harness.evaluation.config import Method, configured
    from harness.evaluation.flips import usual_method
    from harness.evaluation.recorded import read_decisions
    from harness.llm.registry import resolve

    if model is not None and (base_url is not None or model_id is not None):
        raise UsageError("--model and --base-url with --model-id both name a model; give one of them.")
    if model is None and base_url is None and model_id is None:
        raise UsageError("No model was named; expected --model ALIAS, or --base-url URL with --model-id ID.")
    limits = o.limits(context)
    task, options = env_id(context, env, mdp), env_options(inadmissible, discount, option)
    found = runs.contestants([], [model] if model else [], base_url, [model_id] if model_id else [], prompt or [], task)
    prompts = [str(who["prompt"]) for who in found]
    if len(prompts) < (1 if sensitivity else 2):
        given, expected = len(prompts) or "No", "one or more" if sensitivity else "two or more"
        raise UsageError(f"{given} prompt was given; expected {expected}, each after --prompt.")
    if twice := [name for i, name in enumerate(prompts) if name in prompts[:i]]:
        raise UsageError(f"The prompt '{twice[0]}' was given twice; a prompt does not differ from itself.")
    made = make(task, **options)
    embedded = model is not None and resolve(model).weights is not None
    chosen = Method(method) if method else usual_method(made, embedded=embedded)
    for name, owner in (("epsilon", Method.CERTIFY), ("episodes", Method.ROLLOUT)):
        if name in o.given(context) and chosen is not owner:
            raise UsageError(f"--{name} belongs to --method {owner}, and the method here is {chosen}; leave it out.")
    if sensitivity and chosen is Method.ROLLOUT:
        raise UsageError("--sensitivity tells states that flip, which needs --method exact or certify.")
    left_out: dict[str, str] = {}
    if sensitivity:
        found, left_out = _with_variants(found, made, task, reply, from_logprobs)
        if len(found) < 2:
            raise UsageError(
                f"No variant fits the prompt '{prompts[0]}'; give a paraphrase of it with another --prompt."
            )
    configs = [
        configured(
            env=task,
            env_options=options,
            **who,
            **{name: context.params[name] for name in o.DRAWING},
            shield=tuple(shield or ()),
            shield_mode=shield_mode,
            method=chosen,
            epsilon=epsilon,
            episodes=episodes if chosen is Method.ROLLOUT else 0,
            seed_start=seed_start,
            concurrency=concurrency,
            cache=cache,
        )
        for who in found
    ]
    for config in configs:
        check(config)
    finished, failed = runs.carried_out(configs[:1], out, limits, None, quiet)
    if chosen is Method.CERTIFY:  # so that a state which the base was asked in is one that flips can be seen in
        states = tuple(line.state for line in read_decisions(Path(finished[0].run_dir)))
        configs = [config.model_copy(update={"ask_first": states}) for config in configs]
    if finished[0].stopped is None:
        others, failed = runs.carried_out(configs[1:], out, limits, None, quiet)
        finished += others
    whole = [summary for summary in finished if summary.stopped is None]
    if len(whole) > 1:
        _print_sensitivity(whole, left_out, json) if sensitivity else _print(whole, max(top, 0), json)
    runs.leave(finished, failed)


def _with_variants(
    found: list[dict[str, Any]], env: Environment[Any, Any], task: str, reply: str | None, from_logprobs: bool
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The first prompt, its variants, its paraphrases and the other prompts; and why a variant does not fit.

    Raises
    ------
    UsageError
        If no states are known to ask in.
    """
    from harness.core.errors import UsageError
    from harness.llm.registry import ReplyFormat, resolve
    from harness.mdp.environment import TabularEnvironment
    from harness.prompts.fitting import fitting
    from harness.prompts.loader import load, paraphrases

    first = found[0]
    usual = resolve(first["model"]).reply if "model" in first else ReplyFormat.JSON
    written = ReplyFormat.LABEL if from_logprobs else ReplyFormat(reply) if reply else usual
    if not isinstance(env, TabularEnvironment):
        raise UsageError("--sensitivity tells states that flip, which needs a tabular environment.")
    observations = [env.observe(int(state)) for state in env.mdp.decision_states]
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
    from harness.reports.table import table
    from harness.reports.text import with_options

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
    options = with_options(first.env_options)
    print_lines([f"{first.env} v{first.env_version}{options} · {first.model_title or first.agent}"])
    block = table(summaries)
    print_table(block.headings, block.rows)
    print_lines([f"Beyond {loaded[0].label}, in {first.value_name}:"])
    print_table(compare.HEADINGS, compare.rows(found))
    for pair in pairs:
        print_blocks(blocks(pair, first.value_name, top))
    where = " ".join(summary.run_dir for summary in summaries)
    print_lines([f"again: harness compare {where} --flips", NOTICE])
