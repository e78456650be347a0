"""`TabularEnvironment`: a tabular MDP made playable, its states rendered as observations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, Generic, TypeVar

import numpy as np
from pydantic import Field

from harness.core.environment import Action, EnvSpec, Grade, Observation, ReferenceKind, Transition
from harness.core.errors import IllegalAction, InvalidMDP
from harness.core.seeds import stream
from harness.mdp.doses import Dose, Severity, by_value
from harness.mdp.solve import Solution, preferring, regret, solve
from harness.mdp.tabular import FloatArray, IntArray, TabularMDP


class TabularObservation(Observation):
    """An observation that knows its state. Prompts show what a clinician sees, not the index."""

    state: int = Field(description="index of the state in the MDP")


O = TypeVar("O", bound=TabularObservation)  # noqa: E741 - observation, beside A for action
A = TypeVar("A", bound=Action)


KEPT = 8
"""Solutions held in memory: episodes under way have an environment each, of one MDP."""

_solved = lru_cache(maxsize=KEPT)(solve)
_regret = lru_cache(maxsize=KEPT)(regret)


class TabularEnvironment(Generic[O, A]):
    """One episode at a time of a `TabularMDP`, with typed observations and actions.

    Parameters
    ----------
    spec : EnvSpec
    mdp : TabularMDP
    actions : sequence of Action
        The action of every index.
    action_labels : sequence of str
        A few words for each, for tables.
    observe : function of a state index
        Its observation.
    describe : function of a state index
        A few words for tables and traces.
    fallback : int array, shape (S,)
        Index of the action taken where an agent gives no legal one.
    expert_policy : float array, shape (S, A), optional
        The clinicians' policy, where the data hold one.
    reference_kind : ReferenceKind
        What the optimum of the MDP is to the agent: `informed` where states differ in what the agent cannot see.
    seen : int array, shape (S,), optional
        Index of what is seen in each state, where that is less than the state.
    achievable : function, optional
        The best policy found that depends on `seen` alone, with its values; called when it is first needed.

    doses : sequence of Dose
        The treatments whose levels rise; none where an action is a choice between drugs.
    severity : Severity, optional
        How ill the patients of each state are; by the optimum's value if not given.
    features : float array, shape (S, d), optional
        What is known of each state in numbers, where all are known in every decision state.

    Attributes
    ----------
    options : mapping of str to str
        Options that it was made with and that are not its defaults; `harness.envs.registry.make` says them.

    Notes
    -----
    The score of an episode is its undiscounted return, scaled from `spec.reward_range` to [0, 1] and clipped.
    """

    def __init__(
        self,
        *,
        spec: EnvSpec,
        mdp: TabularMDP,
        actions: Sequence[A],
        action_labels: Sequence[str],
        observe: Callable[[int], O],
        describe: Callable[[int], str],
        fallback: IntArray,
        expert_policy: FloatArray | None = None,
        reference_kind: ReferenceKind = ReferenceKind.EXACT,
        seen: IntArray | None = None,
        achievable: Callable[[], Solution] | None = None,
        doses: Sequence[Dose] = (),
        severity: Severity | None = None,
        features: FloatArray | None = None,
    ) -> None:
        self.spec = spec
        self.mdp = mdp
        self.actions = tuple(actions)
        self.action_labels = tuple(action_labels)
        self.observe = observe
        self.describe = describe
        self.fallback_actions = fallback
        self.expert_policy = expert_policy
        self.reference_kind = reference_kind
        self.seen = np.arange(mdp.n_states) if seen is None else seen
        self.options: Mapping[str, str] = {}
        self._achievable = achievable
        self.doses = tuple(doses)
        self._severity = severity
        self.features = features
        self._index = {action: i for i, action in enumerate(self.actions)}
        self._state = 0
        self._steps = 0
        self._return = 0.0
        self._dynamics = stream(0, "dynamics")

    @property
    def action_type(self) -> type[Action]:
        """The model of an action."""
        return type(self.actions[0])

    @cached_property
    def optimum(self) -> Solution:
        """The optimal policy and its values; of actions that are as good, the one that the clinicians take most often.

        Where a policy of ties may never end (γ = 1), it is the one that the solver came to.
        """
        found = _solved(self.mdp)
        if self.expert_policy is None or not (self.mdp.discount < 1.0 or self.mdp.always_ends):
            return found
        return preferring(found, self.expert_policy)

    @cached_property
    def severity(self) -> Severity | None:
        """How ill the patients of each state are, by what the task tells or by the optimum's value."""
        return self._severity or by_value(self.mdp, self.optimum.V)

    @cached_property
    def worst(self) -> Solution:
        """The worst policy and its values.

        Raises
        ------
        InvalidMDP
            As `harness.mdp.solve.solve`.
        """
        return _solved(self.mdp, worst=True)

    @cached_property
    def lowest(self) -> float:
        """The least that any policy is worth; -inf where γ = 1 and some policy never ends, which has no value."""
        return self.worst.J if self.mdp.discount < 1.0 or self.mdp.always_ends else -math.inf

    @cached_property
    def span(self) -> float:
        """How far the optimum is above the worst policy; the size of the optimum where there is no worst one."""
        try:
            return self.optimum.J - self.worst.J
        except InvalidMDP:
            return abs(self.optimum.J)

    @cached_property
    def regret(self) -> FloatArray:
        """Exact regret of every decision, shape (S, A)."""
        return _regret(_solved(self.mdp))

    @cached_property
    def achievable(self) -> Solution | None:
        """The best policy found that depends on what is seen alone; None where that is the optimum."""
        return self._achievable() if self._achievable is not None else None

    @property
    def reference(self) -> TabularReference:
        """The optimum of the MDP from the current state; `reference_kind` says what it is to the agent."""
        return TabularReference(self, self.optimum, self.reference_kind)

    @property
    def achievable_reference(self) -> TabularReference | None:
        """The best policy found that depends on what is seen alone, from the current state; None as `achievable`."""
        found = self.achievable
        return None if found is None else TabularReference(self, found, ReferenceKind.ACHIEVABLE)

    def state(self, observation: O) -> int:
        """Index of the state that an observation shows."""
        return observation.state

    def action_index(self, action: A) -> int:
        """Index of an action.

        Raises
        ------
        IllegalAction
            If it is none of this environment's.
        """
        index = self._index.get(action)
        if index is None:
            raise IllegalAction(f"{action!r} is none of the {len(self.actions)} actions of {self.spec.id}.")
        return index

    def choice_label(self, row: FloatArray) -> str:
        """What is done with probabilities `row` (A,), in words: the action, or the likeliest and how likely it is."""
        index = int(row.argmax())
        label = self.action_labels[index]
        return label if row[index] == 1.0 else f"{label} ({100 * row[index]:.0f} % of draws)"

    def why_illegal_in(self, state: int, action: A) -> str | None:
        """Why `state` does not allow `action`, for an agent to read; None if it does."""
        if self.mdp.legal[state, self.action_index(action)]:
            return None
        legal = "; ".join(self.actions[i].model_dump_json() for i in np.flatnonzero(self.mdp.legal[state]))
        return f"this action is not allowed for this patient; allowed are: {legal}"

    # ------------------------------------------------------------------- one episode

    def reset(self, seed: int) -> O:
        """Draw the patient that belongs to `seed` and return the first observation."""
        self._dynamics = stream(seed, "dynamics")
        cumulative = np.cumsum(self.mdp.start)
        u = stream(seed, "patient").random() * cumulative[-1]
        self._state = int(np.searchsorted(cumulative, u, side="right"))
        self._steps = 0
        self._return = 0.0
        return self.observe(self._state)

    def step(self, action: A) -> Transition[O]:
        """Carry out an action. `info['admissible']` says whether the data support it."""
        index = self.action_index(action)
        reason = self.why_illegal_in(self._state, action)
        if reason:
            raise IllegalAction(f"{self.spec.id}: {reason}.")
        admissible = bool(self.mdp.admissible[self._state, index])
        self._state, reward = self.mdp.step(self._state, index, self._dynamics.random())
        self._steps += 1
        self._return += reward
        terminated = bool(self.mdp.terminal[self._state])
        return Transition(
            observation=self.observe(self._state),
            reward=reward,
            terminated=terminated,
            truncated=not terminated and self._steps == self.spec.horizon,
            info={"admissible": admissible},
        )

    def grade(self) -> Grade:
        """The return so far, scaled to [0, 1]."""
        low, high = self.spec.reward_range
        score = min(max((self._return - low) / (high - low), 0.0), 1.0)
        return Grade(score=score, components={self.spec.value_name: self._return})

    def why_illegal(self, action: A) -> str | None:
        """Why the current state does not allow `action`; None if it does."""
        return self.why_illegal_in(self._state, action)

    def fallback(self) -> A:
        """What is done in the current state when the agent gave no legal action."""
        return self.actions[int(self.fallback_actions[self._state])]


class TabularReference:
    """V and Q of a policy at the current state of a `TabularEnvironment`."""

    def __init__(self, env: TabularEnvironment[Any, Any], policy: Solution, kind: ReferenceKind) -> None:
        self.kind = kind
        self._policy = policy
        self._state = env._state
        self._index = env.action_index
        self._actions = env.actions

    def value(self) -> float:
        """V of the current state."""
        return float(self._policy.V[self._state])

    def action_value(self, action: Any) -> float:
        """Q of `action` in the current state."""
        return float(self._policy.Q[self._state, self._index(action)])

    def action_values(self) -> Sequence[float]:
        """Q of every action in the current state; NaN where it is illegal."""
        values: list[float] = self._policy.Q[self._state].tolist()
        return values

    def best_action(self) -> Any:
        """The policy's action in the current state."""
        return self._actions[int(self._policy.actions[self._state])]
