"""What an environment is: a clinical task, its actions and observations, and what its optimum is known to be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from harness.core.errors import IllegalAction


class Action(BaseModel):
    """What an agent may order.

    Subclasses give every field its meaning and unit: a model reads their JSON schema. A field's `alias` is its short
    name, understood beside the full one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)


class Observation(BaseModel):
    """What an agent is shown. Units stand in the field descriptions."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EnvSpec(BaseModel):
    """What a reader must know of an environment before believing a number about it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    version: int = Field(description="rises with any change of behaviour")
    title: str
    summary: str = Field(description="one sentence: the patient, the decision, its rhythm")
    horizon: int | None = Field(description="decisions after which an episode is cut off; None: never")
    hours_per_step: float | None = Field(description="time between decisions; None where it varies or means nothing")
    discount: float = Field(gt=0, le=1)
    reward_range: tuple[float, float]
    return_range: tuple[float, float] | None = Field(
        None, description="least and most of an episode's return, where the horizon's worth of rewards cannot be earned"
    )
    binary: bool = Field(
        False, description="whether every return is 0 or 1, so that a value is a share of episodes, as survival is"
    )
    value_name: str = Field(description="what a value is, in one or two words, e.g. 'survival'")
    score: str = Field(description="what the score in [0, 1] of an episode means")
    fallback: str = Field(description="what is done when an agent gives no legal action")
    citations: tuple[str, ...]
    data_licence: str
    limits_of_use: tuple[str, ...]
    assumption_based: bool = Field(
        False, description="whether no evidence holds up the dynamics; its values are then kept out of rankings"
    )
    actions: tuple[str, ...] = Field((), description="what each action is, for prompts that do not know the task")
    data_sha256: str | None = Field(
        None, description="hash of the files that the task was read from, if a user gave any"
    )
    provenance: dict[str, str] | None = Field(
        None, description="of the patients' data that the task was made of, if any: see `harness.data.sharing`"
    )

    @property
    def possible_returns(self) -> tuple[float, float]:
        """What no mean return can be beyond."""
        if self.return_range is not None:
            return self.return_range
        least, most = min(self.reward_range[0], 0.0), max(self.reward_range[1], 0.0)
        if self.horizon is None:
            return (-math.inf if least else 0.0), (math.inf if most else 0.0)
        return self.horizon * least, self.horizon * most


O_co = TypeVar("O_co", bound=Observation, covariant=True)
A_contra = TypeVar("A_contra", bound=Action, contravariant=True)
O = TypeVar("O", bound=Observation)  # noqa: E741 - observation, beside A for action


@dataclass(frozen=True)
class Transition(Generic[O]):
    """What followed an action. `observation` is that of the final state too, where the episode ended."""

    observation: O
    reward: float
    terminated: bool
    truncated: bool
    info: dict[str, Any] = field(default_factory=dict)


class Grade(BaseModel):
    """An episode's score in [0, 1] and what it is made of."""

    model_config = ConfigDict(frozen=True)

    score: float = Field(ge=0, le=1)
    components: dict[str, float] = {}


class ReferenceKind(StrEnum):
    """What a reference value is: never to be left out beside a regret."""

    EXACT = "exact"
    """The optimum itself."""
    INFORMED = "informed"
    """An upper bound that knows what the agent cannot know."""
    ACHIEVABLE = "achievable"
    """The best known policy without that knowledge."""
    ESTIMATED = "achievable, estimated"
    """The same, its values means of simulated futures: a regret has an error and can be negative."""

    @property
    def beatable(self) -> bool:
        """Whether something may be better, so that a regret can be negative."""
        return self in (ReferenceKind.ACHIEVABLE, ReferenceKind.ESTIMATED)


class Reference(Protocol):
    """What is known of the optimum from the current state of an environment."""

    @property
    def kind(self) -> ReferenceKind:
        """What the values below are."""
        ...

    def value(self) -> float:
        """Value of the current state under the reference."""
        ...

    def action_value(self, action: Any) -> float:
        """Value of taking `action` now and following the reference afterwards."""
        ...

    def action_values(self) -> Sequence[float] | None:
        """The same of every action, in the order of a decision's `probabilities`; None where they are not a list."""
        ...

    def best_action(self) -> Any:
        """What the reference does now."""
        ...


class Environment(Protocol[O_co, A_contra]):
    """One clinical task. All randomness comes from the seed given to `reset`, through named streams."""

    @property
    def spec(self) -> EnvSpec:
        """Identity, meaning and limits of the task."""
        ...

    @property
    def action_type(self) -> type[Action]:
        """The model of an action."""
        ...

    @property
    def reference(self) -> Reference | None:
        """What is known of the optimum; None where nothing is."""
        ...

    def reset(self, seed: int) -> O_co:
        """Start the episode that belongs to `seed` and return its first observation."""
        ...

    def step(self, action: A_contra) -> Transition[Any]:
        """Carry out an action.

        Raises
        ------
        IllegalAction
            If the environment refuses it; the state is then unchanged.
        """
        ...

    def grade(self) -> Grade:
        """Score of the episode so far."""
        ...

    def why_illegal(self, action: A_contra) -> str | None:
        """Why the current state does not allow `action`, for the agent to read; None if it does."""
        ...

    def fallback(self) -> Action:
        """What is done in the current state when the agent gave no legal action (see `spec.fallback`)."""
        ...


def require_legal(env: Environment[Any, Any], action: Any) -> None:
    """See that an environment allows an action.

    Raises
    ------
    IllegalAction
        If its current state does not.
    """
    problem = env.why_illegal(action)
    if problem is not None:
        raise IllegalAction(f"{env.spec.id}: {problem}.")
