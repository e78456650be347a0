"""The options that several commands share, each written once: its type, its words, its panel.

The values a `Literal` lists are those of the enumeration that its comment names, which is not imported here so that
`harness --help` stays quick; `tests/cli/test_options.py` holds them together.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from harness.llm.budget import Limits

TASK, WHO, HOW, WHERE, OUTPUT = "The task", "Who decides", "How it is evaluated", "Where", "What is printed"
SPENDING = "What it may spend"

MethodName = Literal["exact", "certify", "rollout"]  # harness.evaluation.config.Method
InadmissibleName = Literal["mean", "terminate", "raise"]  # harness.envs.icu_sepsis.environment.Inadmissible
ReplyName = Literal["json", "short", "label"]  # harness.llm.registry.ReplyFormat
SourceName = Literal["expert", "optimal"]  # harness.prompts.loader.Source
ShieldModeName = Literal["correct", "veto"]  # harness.agents.checks.check.ShieldMode
IntervalName = Literal["skewness", "student-t", "bca"]  # harness.evaluation.intervals.Interval
FormatName = Literal["text", "markdown", "csv", "json"]  # harness.reports.table.Format

# --------------------------------------------------------------------------- the task

Env = Annotated[str, typer.Option(help="Environment; `harness envs` lists them.", rich_help_panel=TASK)]
Mdp = Annotated[
    str | None,
    typer.Option(
        help="An MDP of your own instead: a folder of CSV tables or an .npz archive.",
        metavar="PATH",
        rich_help_panel=TASK,
    ),
]
Discount = Annotated[
    float | None,
    typer.Option(help="Discount of that MDP, if not the one its files give.", rich_help_panel=TASK, show_default=False),
]
Inadmissible = Annotated[
    InadmissibleName | None,
    typer.Option(help="What becomes of actions that the data do not support (mean).", rich_help_panel=TASK),
]
EnvOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="An option of the environment; `harness envs show ID` lists them.",
        rich_help_panel=TASK,
    ),
]

# --------------------------------------------------------------------------- who decides

BaseUrl = Annotated[
    str | None,
    typer.Option(help="Any OpenAI-compatible server, with --model-id; key in OPENAI_API_KEY.", rich_help_panel=WHO),
]
ModelId = Annotated[str | None, typer.Option(help="The model's name on that server.", rich_help_panel=WHO)]
Shots = Annotated[
    int | None,
    typer.Option(
        help="Examples in a prompt that shows some (few_shot); as many as it says if not given.",
        rich_help_panel=WHO,
        min=0,
    ),
]
ShotsFrom = Annotated[
    SourceName | None,
    typer.Option(
        help="Whose decisions the examples are; the optimal policy's tell a part of the optimum.", rich_help_panel=WHO
    ),
]
Reply = Annotated[
    ReplyName | None,
    typer.Option(help="How the model writes an action; as its entry says if not given.", rich_help_panel=WHO),
]
Temperature = Annotated[
    float,
    typer.Option(help="At which replies are drawn; above 0 with --samples or a rollout.", rich_help_panel=WHO),
]
Samples = Annotated[
    int, typer.Option(help="exact: replies drawn in each state, for a policy with chance.", rich_help_panel=WHO)
]
Vote = Annotated[
    int,
    typer.Option(
        help="Decide by the majority of this many replies, with --temperature and a rollout or --samples.",
        rich_help_panel=WHO,
    ),
]
FromLogprobs = Annotated[
    bool,
    typer.Option(
        "--from-logprobs",
        help="One letter an action; the whole policy with its chances is read off each reply.",
        rich_help_panel=WHO,
    ),
]
Effort = Annotated[
    str | None, typer.Option(help="Reasoning effort of a model that thinks first, e.g. low.", rich_help_panel=WHO)
]
Memory = Annotated[
    str,
    typer.Option(
        metavar="none|window:K|full",
        help="rollout: what of the episode stands in a model's prompt: the last K patients and actions, or all.",
        rich_help_panel=WHO,
    ),
]
Shield = Annotated[
    list[str] | None,
    typer.Option(
        metavar="RULE",
        help="A rule that vetoes actions, e.g. admissible or dose-cap:FIELD=MAX; `harness agents rules` lists them.",
        rich_help_panel=WHO,
        show_default=False,
    ),
]
ShieldMode = Annotated[
    ShieldModeName,
    typer.Option(
        help="What is done instead: correct, the nearest action allowed; veto, the environment's fallback.",
        rich_help_panel=WHO,
    ),
]
MaxTokens = Annotated[
    int | None,
    typer.Option(help="Longest reply; a model that thinks first needs thousands.", rich_help_panel=WHO, min=1),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout", help="Seconds that a reply may take (180, or what the model's entry says).", rich_help_panel=HOW
    ),
]

DRAWING = (
    "shots",
    "shots_from",
    "reply",
    "temperature",
    "samples",
    "vote",
    "from_logprobs",
    "effort",
    "memory",
    "max_tokens",
    "timeout_s",
    "audit",
    "i_may_share_this_data",
)
"""Options that say how a model is asked; fields of a `RunConfig` by the same names."""

IMayShareThisData = Annotated[
    bool,
    typer.Option(
        "--i-may-share-this-data",
        help="Show a hosted model what was made of credentialed data or of your own patients'.",
        rich_help_panel=WHO,
    ),
]

# --------------------------------------------------------------------------- how it is evaluated

Epsilon = Annotated[float, typer.Option(help="certify: how close the bounds must be.", rich_help_panel=HOW)]
Until = Annotated[
    float | None,
    typer.Option(
        help="rollout: play until the interval reaches no further than this to each side; it holds although it is "
        "looked at again and again.",
        rich_help_panel=HOW,
    ),
]
Interval = Annotated[
    IntervalName, typer.Option(help="rollout: how the interval of a mean is found.", rich_help_panel=HOW)
]
Regret = Annotated[
    bool,
    typer.Option(
        "--regret/--no-regret",
        help="rollout: measure every decision against the optimum; without it a run is faster.",
        rich_help_panel=HOW,
    ),
]
SeedStart = Annotated[
    int, typer.Option(help="First seed of the episodes; evaluation seeds start at 100000.", rich_help_panel=HOW)
]
Concurrency = Annotated[
    int, typer.Option(help="Requests at a time; an embedded model answers one after the other.", rich_help_panel=HOW)
]
Audit = Annotated[
    int, typer.Option(help="exact, certify: ask this many states again and report the flip rate.", rich_help_panel=HOW)
]
Cache = Annotated[bool, typer.Option(help="Use replies that were asked before, in any run.", rich_help_panel=HOW)]

# --------------------------------------------------------------------------- what it may spend

MaxCalls = Annotated[
    int | None, typer.Option(help="Requests of a run, all sessions together.", rich_help_panel=SPENDING)
]
MaxTokensTotal = Annotated[
    int | None, typer.Option(help="Tokens of a run, prompts and replies.", rich_help_panel=SPENDING)
]
MaxCost = Annotated[
    float | None, typer.Option(help="USD of a run, by the prices in the model's entry.", rich_help_panel=SPENDING)
]
MaxMinutes = Annotated[float | None, typer.Option(help="Minutes of this session.", rich_help_panel=SPENDING)]

LIMITS = {"max_calls": "calls", "max_tokens_total": "tokens", "max_cost": "cost", "max_minutes": "minutes"}
"""Options that limit spending; fields of `harness.llm.budget.Limits` by the names beside them."""

# --------------------------------------------------------------------------- where

Out = Annotated[Path, typer.Option(help="Folder for the runs' folders.", rich_help_panel=WHERE)]
# --------------------------------------------------------------------------- patients' data

Recipe = Annotated[str, typer.Option(help="A built-in recipe, or a TOML file.", metavar="NAME|FILE")]
Patients = Annotated[
    Path | None, typer.Option(help="A CSV or Parquet file; where the data set is kept, if not given.", metavar="FILE")
]
States = Annotated[int | None, typer.Option(help="Number of states, if not the recipe's.", min=2)]
Visits = Annotated[int | None, typer.Option(help="From which on an action is admissible, if not the recipe's.", min=1)]

# --------------------------------------------------------------------------- what is printed

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.", rich_help_panel=OUTPUT)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.", rich_help_panel=OUTPUT)]


TYPED = {"written": "format", "timeout_s": "timeout", "set_": "set"}
"""Parameters that are typed under another name."""


def given(context: typer.Context) -> list[str]:
    """The names of the parameters that were typed."""
    sources = ((name, context.get_parameter_source(name)) for name in context.params)
    return [name for name, source in sources if source is not None and source.name == "COMMANDLINE"]


def flag(name: str) -> str:
    """How a parameter is typed."""
    return f"--{TYPED.get(name, name).replace('_', '-')}"


def limits(context: typer.Context) -> Limits:
    """What the typed options let a run spend.

    Raises
    ------
    UsageError
        If one is not above 0.
    """
    from harness.core.errors import UsageError
    from harness.llm.budget import Limits

    found: dict[str, Any] = {field: context.params[name] for name, field in LIMITS.items()}
    for name, field in LIMITS.items():
        if found[field] is not None and not found[field] > 0:
            raise UsageError(f"{flag(name)} is {found[field]:g}; expected more than 0, or leave it out for no limit.")
    return Limits(**found)
