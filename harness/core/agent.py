"""What an agent is, and what one decision of it carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, SerializeAsAny

from harness.core.environment import Action

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Outcome(StrEnum):
    """How a decision came about."""

    OK = "ok"
    """A legal action at the first attempt."""
    REPAIRED = "repaired"
    """A legal action after the agent was shown its error once."""
    INVALID = "invalid"
    """No legal action; the environment's fallback is applied."""


class Failure(StrEnum):
    """Why a reply was no legal action."""

    REFUSED = "refused"
    """The model, or its server's filter, declined to answer."""
    TRUNCATED = "truncated"
    """The reply ended at the limit of tokens."""
    UNPARSABLE = "unparsable"
    """No action could be read from it, or one with values that the schema does not allow."""
    ILLEGAL = "illegal"
    """An action that the environment refuses in this situation."""


class Message(BaseModel):
    """One message of a prompt."""

    model_config = ConfigDict(frozen=True)

    role: str
    content: str


class Request(BaseModel):
    """One request to a model server that a decision took.

    `key` is the content address of the request and `run` the run that really asked it; the reply may since have come
    from the cache. Counting distinct keys of one's own run gives the same number of calls however often the run was
    interrupted.
    """

    model_config = ConfigDict(frozen=True)

    key: str
    run: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    """Of the prompt's, those that the server read from its own cache."""
    finish_reason: str | None = None
    constrained: bool = True
    """False if the server refused to hold the reply to its schema."""
    form: str | None = None
    """How it was asked to, where the server takes no json_schema: json_object, tool or text."""
    left_out: tuple[str, ...] = ()
    """Sampling parameters that the server refused to take."""
    seed: int | None = None
    """As sent, where every request has its own; else the manifest has it."""
    max_tokens: int | None = None
    """As sent, where more than the manifest says."""
    fingerprint: str | None = None
    """The server's configuration, as it reports it."""
    provider: str | None = None
    """Who answered behind a router, as it reports."""
    service_tier: str | None = None
    """As the server reports it."""
    otherwise: dict[str, float] | None = None
    """Sampling parameters that the server reports to have been other than sent."""
    answered: str | None = None
    """When the server answered (UTC), which is long ago for a reply from the cache."""


class Veto(BaseModel):
    """What an agent wanted and a rule did not allow; the decision's `action` is what was put in its place."""

    model_config = ConfigDict(frozen=True)

    wanted: dict[str, Any]
    rule: str
    reason: str
    also: tuple[str, ...] = ()
    """What other rules say against it, 'rule: reason'."""


class Decision(BaseModel):
    """What an agent decided, and everything needed to see why.

    `action` is None when `outcome` is invalid. `reply` is text from a model: data, to be shown only escaped.
    """

    model_config = ConfigDict(frozen=True)

    action: SerializeAsAny[Action] | None
    probabilities: tuple[float, ...] | None = None
    """Of every action, in the environment's order, where the action was drawn from them."""
    label_mass: float | None = None
    """What the labels of all actions had of the probability of the reply's first token, before they were normalised."""
    label_unseen: float | None = None
    """Most that labels which the server did not list can have of the probability of the legal actions."""
    rationale: str | None = None
    reasoning: str | None = None
    """What a reasoning model thought before it answered, kept apart from the answer."""
    outcome: Outcome = Outcome.OK
    failure: Failure | None = None
    """Why the first reply could not be used; of an invalid decision, why the last could not."""
    error: str | None = None
    messages: tuple[Message, ...] = ()
    remembered: int = 0
    """How many earlier decisions of the episode stood in the prompt, between the static part and the last message.

    The trace has them already, and `messages` leaves them out; `prompt_sha256` is that of the whole prompt.
    """
    prompt_sha256: str | None = None
    reply: str | None = None
    first_reply: str | None = None
    """The reply that could not be used, where `reply` is the second attempt."""
    model: str | None = None
    requests: tuple[Request, ...] = ()
    latency_s: float = 0.0
    votes: tuple[dict[str, Any] | None, ...] = ()
    """What each of several answers wanted, in the order drawn, where their majority decided; None: no legal action."""
    veto: Veto | None = None
    """Why `action` is not the one that was wanted. Neither `invalid` nor `repaired`: the action wanted was legal."""
    veto_share: float = 0.0
    """How likely an action was wanted that a rule does not allow, before one was drawn."""


@dataclass(frozen=True)
class Situation:
    """Where in an episode a decision is asked for; everything that an agent with memory may look at.

    Attributes
    ----------
    why_illegal : function of an action
        Why the environment would refuse it here, or None.
    seed : int or None
        The episode's seed; None when a state is asked outside of an episode.
    step : int
        Decisions taken before this one.
    history : tuple of (observation, action)
        What was seen and done before, oldest first.
    sample : str
        Names one of several decisions asked for in the same situation.
    """

    why_illegal: Callable[[Any], str | None]
    seed: int | None = None
    step: int = 0
    history: tuple[tuple[Any, Any], ...] = ()
    sample: str = ""


class Agent(Protocol):
    """Who decides."""

    @property
    def id(self) -> str:
        """Name in tables and file names."""
        ...

    @property
    def memoryless(self) -> bool:
        """True if the agent has a fixed policy: its decision, or its probabilities, depend on the observation alone.

        Only then may a value be called exact or certified.
        """
        ...

    async def act(self, observation: Any, situation: Situation) -> Decision:
        """Decide."""
        ...

    async def close(self) -> None:
        """Release what the agent holds."""
        ...


@runtime_checkable
class HasTable(Agent, Protocol):
    """An agent with a memoryless policy on a tabular MDP, known as a table."""

    def policy(self, mdp: Any) -> NDArray[np.float64]:
        """The probability of every action in every state of a `TabularMDP`, shape (S, A)."""
        ...


@runtime_checkable
class Trained(Protocol):
    """An agent that comes from a training."""

    @property
    def identity(self) -> dict[str, Any]:
        """Which training it comes from, for manifests: plain data."""
        ...
