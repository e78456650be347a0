"""`summary.json`: what a run found, in one flat object that a script can read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.core.agent import Request
from harness.core.environment import ReferenceKind
from harness.core.errors import RunError, first_problem
from harness.core.run import read_summary
from harness.evaluation.config import Method

SCHEMA_VERSION = 1


class ReferenceValue(BaseModel):
    """An exactly known policy of the environment.

    `length` is the expected number of decisions; null where an episode may never end. `kind` says what an optimum is;
    null for a policy that is none.
    """

    model_config = ConfigDict(frozen=True)

    value: float
    length: float | None
    kind: ReferenceKind | None = None


class WorstDecision(BaseModel):
    """One of the decisions that cost most; of a policy with chance `chosen` is the draw that costs most.

    `regret`, the mean over draws, is lost each time the state is met, `visits` how often that is in an episode, `cost`
    their product: the decision's share of the policy's regret. In a rollout, `visits` is the mean (discounted) count
    over the episodes.
    """

    model_config = ConfigDict(frozen=True)

    state: int
    description: str
    chosen: str
    best: str
    regret: float
    visits: float
    cost: float


class Audit(BaseModel):
    """What came of asking states again, past the cache: whether the model's replies are those of one policy.

    `upper` is the upper end of Wilson's 95 % interval of the share of states that would be decided differently.
    """

    model_config = ConfigDict(frozen=True)

    asked: int
    flipped: int
    flipped_states: list[int]
    upper: float


class Summary(BaseModel):
    """The result of a run.

    What `value`, `lower` and `upper` are depends on the method. `exact`: all three are the value, without sampling
    error. `certify`: `lower` and `upper` are certain bounds and `value` is their midpoint. `rollout`: an estimate
    with a confidence interval; `interval` says which, `episodes` how many it rests on.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: int = SCHEMA_VERSION
    env: str
    env_version: int
    env_options: dict[str, str]
    agent: str
    model: str | None = Field(description="alias; null for an agent that is no language model")
    model_title: str | None = Field(description="what the alias stands for, with the first digits of the weights' hash")
    embedded: bool | None = Field(description="whether the model ran here from checked weights; null for no model")
    served_models: list[str] = Field(description="models as the server reported them")
    prompt: str | None = Field(description="style@version")
    shots: int = Field(0, description="examples in the prompt")
    shots_from: str | None = Field(None, description="whose decisions they are: expert, or optimal, which leaks")
    taught: bool = Field(False, description="whether a human was told the regret of each decision and what was best")
    method: Method
    exact: bool = Field(description="whether `value` is free of any error but rounding")
    estimator: str | None = Field(None, description="rollout: what `value` was computed from")
    interval: str = Field(description="'none', 'certain', or the kind of confidence interval")
    until: float | None = Field(None, description="rollout: the half-width at which it was to stop")
    stopped: str | None = Field(None, description="the limit that stopped the run; the rest is what was known then")
    caveats: list[str] = Field(
        default=[], description="why the replies may not be those of one policy, if they may not"
    )
    assumption_based: bool = Field(
        False, description="whether no evidence holds up the environment's dynamics; its values rank nobody"
    )
    value: float
    lower: float | None = Field(description="null where the sample is too small for an interval")
    upper: float | None
    raw_value: float | None = Field(None, description="rollout: mean return, the noisier estimate")
    raw_lower: float | None = None
    raw_upper: float | None = None
    value_name: str
    optimal_value: float | None
    expert_value: float | None
    random_value: float | None
    references: dict[str, ReferenceValue]
    regret: float | None = Field(description="optimal_value - value")
    regret_kind: ReferenceKind | None = Field(
        None, description="what `optimal_value` is: exact, informed, achievable, or achievable and estimated"
    )
    regret_lower: float | None = None
    regret_upper: float | None = None
    length: float | None = Field(None, description="rollout: mean decisions of an episode")
    length_lower: float | None = Field(None, description="expected decisions in an episode, as `lower` and `upper`")
    length_upper: float | None = None
    hours_per_step: float | None = None
    mean_score: float | None = Field(None, description="rollout: mean grade")
    mean_score_lower: float | None = None
    mean_score_upper: float | None = None
    no_interval: dict[str, str] = Field(
        {}, description="rollout: why there is no interval of the regret, the mean stay or the score, if there is none"
    )
    samples: int = Field(1, description="replies drawn in each state")
    vote: int = Field(1, description="replies of which the majority was one decision")
    temperature: float | None = Field(None, description="null for an agent that is no language model")
    from_logprobs: bool = False
    memory: str | None = Field(None, description="none, window:K or full; null for an agent that is no language model")
    label_mass_mean: float | None = Field(
        None, description="from_logprobs: what the labels had of the first token's probability, by expected visits"
    )
    label_mass_least: float | None = None
    label_unseen_most: float | None = Field(None, description="most that labels not listed by the server can have")
    episodes: int = Field(description="episodes that the value rests on; 0 where it rests on none")
    truncated_episodes: int = Field(
        0, description="episodes cut off at the horizon; `value` is then their mean return, without a regret"
    )
    example_episodes: int = Field(0, description="episodes played for the trace only")
    decisions: int = Field(description="states asked, or in a rollout decisions taken")
    states: int | None = Field(None, description="states there are to ask")
    llm_calls: int = Field(description="requests that this run put to the model server")
    cached_calls: int = Field(description="requests answered from the cache of replies")
    cached_since: str | None = Field(
        None, description="when a server gave the oldest reply of another run (UTC); the model may have changed since"
    )
    invalid_actions: int = Field(description="decisions without a legal action; the fallback was taken")
    repaired_actions: int = Field(description="decisions that were legal at the second attempt")
    invalid_share: float | None = Field(
        description="the same as a share of the decisions of an episode, by expected visits; null where none was asked"
    )
    invalid_share_lower: float | None = Field(None, description="rollout: 95 % interval, by episode")
    invalid_share_upper: float | None = None
    inadmissible_share: float | None = Field(
        description="share of the decisions of an episode that the data do not support, by expected visits; for "
        "certify among the states asked"
    )
    inadmissible_share_lower: float | None = Field(None, description="rollout: 95 % interval, by episode")
    inadmissible_share_upper: float | None = None
    inadmissible_share_of_states: float | None = Field(None, description="the same, every asked state counting once")
    failures: dict[str, int] = Field(
        {}, description="decisions whose first reply could not be used, by why: refused, truncated, unparsable, illegal"
    )
    shield: list[str] = Field([], description="rules that may veto an action; the value is that of agent and shield")
    shield_mode: str | None = Field(None, description="what took the place of a vetoed action; null without a shield")
    vetoes: int = Field(
        0,
        description="decisions in which an action was wanted that a rule vetoed (exact, certify: states where one is)",
    )
    veto_share: float | None = Field(
        None,
        description="the same as a share of the decisions of an episode, by expected visits; null without a shield",
    )
    veto_share_lower: float | None = Field(None, description="rollout: 95 % interval, by episode")
    veto_share_upper: float | None = None
    cut_off_replies: int = Field(description="replies that ended at the token limit")
    unconstrained_replies: int = Field(description="replies that the server refused to hold to the schema")
    prompt_tokens: int = Field(description="tokens of `llm_calls`, as the server counts them")
    completion_tokens: int
    cached_tokens: int = Field(0, description="of `prompt_tokens`, those that the server read from its own cache")
    cost_usd: float | None = Field(None, description="of these tokens; null where the model has no price")
    left_out: list[str] = Field([], description="sampling parameters that the server refused to take")
    fingerprints: list[str] = Field([], description="configurations of the server, as it reports them")
    providers: list[str] = Field([], description="who answered behind a router, as it reports")
    service_tiers: list[str] = Field([], description="as the server reports them")
    otherwise: dict[str, list[float]] = Field(
        {}, description="sampling parameters that the server reports to have been other than sent, with what they were"
    )
    audit: Audit | None = None
    wall_seconds: float = Field(description="working time, over all interruptions")
    run_dir: str
    worst_decisions: list[WorstDecision]


class Calls(BaseModel):
    """How many requests a run took and what they cost."""

    model_config = ConfigDict(frozen=True)

    llm_calls: int
    cached_calls: int
    cached_since: str | None
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    left_out: list[str]
    fingerprints: list[str]
    providers: list[str]
    service_tiers: list[str]
    otherwise: dict[str, list[float]]
    cut_off_replies: int
    unconstrained_replies: int


def summary_of(path: Path) -> Summary | None:
    """The summary of a run; None if it has not finished.

    Raises
    ------
    RunError
        If it is no run of an evaluation, or another version of the harness wrote its summary.
    """
    found = read_summary(path)
    try:
        return None if found is None else Summary.model_validate(found)
    except ValidationError as error:
        raise RunError(
            f"The summary of {path} is not of this version of the harness: {first_problem(error)}."
        ) from None


def count_calls(requests: Iterable[Request], run_id: str) -> Calls:
    """Count the requests of a run's decisions; each that the run itself asked counts once, every other is cached."""
    made = list(requests)
    own = {request.key: request for request in made if request.run == run_id}
    otherwise: dict[str, set[float]] = {}
    for request in made:
        for name, value in (request.otherwise or {}).items():
            otherwise.setdefault(name, set()).add(value)
    return Calls(
        llm_calls=len(own),
        cached_calls=len(made) - len(own),
        cached_since=min((r.answered for r in made if r.run != run_id and r.answered), default=None),
        cut_off_replies=sum(r.finish_reason == "length" for r in made),
        unconstrained_replies=sum(not r.constrained for r in made),
        prompt_tokens=sum(r.prompt_tokens for r in own.values()),
        completion_tokens=sum(r.completion_tokens for r in own.values()),
        cached_tokens=sum(r.cached_tokens for r in own.values()),
        left_out=sorted({name for r in made for name in r.left_out}),
        fingerprints=sorted({r.fingerprint for r in made if r.fingerprint}),
        providers=sorted({r.provider for r in made if r.provider}),
        service_tiers=sorted({r.service_tier for r in made if r.service_tier}),
        otherwise={name: sorted(values) for name, values in sorted(otherwise.items())},
    )
