"""What a run is asked to do: all of it, as kept in the manifest."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.agents.checks.check import ShieldMode
from harness.core.errors import UsageError, first_problem
from harness.core.seeds import EVALUATION_START
from harness.evaluation.intervals import Interval
from harness.llm.registry import ReplyFormat
from harness.prompts.loader import Source
from harness.prompts.variants import Variant


class Method(StrEnum):
    """How a policy's value is found."""

    EXACT = "exact"
    """Every state is asked once; no sampling error."""
    CERTIFY = "certify"
    """States are asked until certain bounds are close enough."""
    ROLLOUT = "rollout"
    """Episodes on held-out seeds; an estimate with its interval."""


class RunConfig(BaseModel):
    """One agent (by `agent`, `model`, or `base_url` and `model_id`) in one environment, by one method."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    env: str
    env_options: dict[str, str] = {}
    agent: str | None = None
    model: str | None = None
    base_url: str | None = None
    model_id: str | None = None
    prompt: str = "direct"
    variant: Variant | None = Field(None, description="a mechanical variant of that prompt, which keeps its meaning")
    shots: int | None = Field(None, ge=0, description="examples in the prompt; None: as many as it says itself")
    shots_from: Source | None = Field(None, description="whose decisions they are; None: as the prompt says")
    reply: ReplyFormat | None = Field(None, description="None: as the model's entry says")
    temperature: float = Field(0.0, description="at which a model's replies are drawn")
    samples: int = Field(1, description="exact: replies drawn in each state, at a temperature above 0")
    vote: int = Field(1, description="replies of which the majority decides, at a temperature above 0")
    from_logprobs: bool = Field(False, description="read a model's probabilities off one-token labels")
    effort: str | None = Field(None, description="reasoning effort; None: as the entry says")
    memory: str = Field("none", description="what of the episode a model is reminded of: none, window:K or full")
    max_tokens: int | None = Field(None, ge=1, description="longest reply; None: as the entry says")
    timeout_s: float | None = Field(None, gt=0, description="longest that a request may take; None: as the entry says")
    shield: tuple[str, ...] = Field((), description="rules that veto actions, e.g. 'admissible'")
    shield_mode: ShieldMode = ShieldMode.CORRECT
    method: Method
    epsilon: float = 0.01
    ask_first: tuple[int, ...] = Field((), description="certify: states to ask before any other, those of another run")
    episodes: int = Field(description="episodes of a rollout, with `until` at most; else: examples for the trace")
    until: float | None = Field(None, description="rollout: stop when the interval reaches no further to each side")
    interval: Interval = Interval.SKEWNESS
    regret: bool = Field(True, description="rollout: whether decisions are measured against the optimum")
    teach: bool = Field(False, description="a human was told the regret of each decision and what was best")
    seed_start: int = EVALUATION_START
    concurrency: int = 1
    cache: bool = True
    audit: int = Field(0, description="states to ask a model again, past the cache")
    i_may_share_this_data: bool = Field(False, description="whether a hosted model may be shown restricted data")


def configured(**fields: Any) -> RunConfig:
    """A configuration from what a user typed.

    Raises
    ------
    UsageError
        Naming the first value that is none for its option.
    """
    try:
        return RunConfig(**fields)
    except ValidationError as error:
        raise UsageError(f"An option is not understood: {first_problem(error)}.") from None
