"""A user's own MDP as an environment: `mdp:PATH`, or `mdp:gymnasium:ID` for a toy-text environment of Gymnasium.

`harness.mdp.read` says what may be at PATH. An action is one field, `action`: its label where the files name the
actions, else its index. An observation holds what the files say of the state.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from pydantic import Field, create_model

from harness.construction.folder import provenance_of
from harness.core.environment import Action, EnvSpec, ReferenceKind
from harness.core.errors import UsageError
from harness.data.sharing import Provenance
from harness.envs.ids import GYMNASIUM, PREFIX, absolute, short_name
from harness.mdp import toy_text
from harness.mdp.environment import TabularEnvironment, TabularObservation
from harness.mdp.read import GivenMDP, read
from harness.mdp.tabular import SUM_TOLERANCE, FloatArray, IntArray, TabularMDP
from harness.mdp.words import About, StateWords

FEATURES_SHOWN = 4
"""In tables; prompts show all."""

KEPT = 32
"""MDPs held in memory, a few megabytes each. Dropping one that is being played would make its actions anew."""


class OwnObservation(TabularObservation):
    """What the files say of a state."""

    description: str | None = Field(None, description="the state in words")
    features: dict[str, int | float | str] = Field({}, description="values by name; their units stand in the names")
    ended: bool = Field(description="whether the episode has ended in this state")


def own_mdp(path: str, discount: str | None = None) -> TabularEnvironment[OwnObservation, Action]:
    """The environment of the MDP at `path`; `discount` replaces the one that the files give.

    Raises
    ------
    UsageError
        If there is no such MDP, it is none, or the discount is no number above 0 and at most 1.
    """
    env_id = absolute(PREFIX + path)
    where, chosen = env_id.removeprefix(PREFIX), _discount(discount)
    given = (
        _toy_text(where.removeprefix(GYMNASIUM), chosen) if path.startswith(GYMNASIUM) else read(Path(where), chosen)
    )
    return playable(given, env_id, None if path.startswith(GYMNASIUM) else provenance_of(Path(where)))


def playable(
    given: GivenMDP, env_id: str, origin: Provenance | None = None
) -> TabularEnvironment[OwnObservation, Action]:
    """The environment `env_id` of a user's MDP; `origin` says of which patients' data it was made, if of any."""
    task = _task(given, env_id, origin)
    return TabularEnvironment(
        spec=task.spec,
        mdp=task.given.mdp,
        actions=task.actions,
        action_labels=task.labels,
        observe=task.observe,
        describe=task.describe,
        fallback=task.fallback,
        expert_policy=task.given.expert_policy,
        reference_kind=task.reference_kind,
        doses=task.given.about.doses,
        severity=task.given.about.severity,
        features=task.features,
    )


@dataclass(frozen=True, eq=False)
class _Task:
    """Everything of an environment that does not change while it is played."""

    given: GivenMDP
    spec: EnvSpec
    actions: tuple[Action, ...]
    labels: tuple[str, ...]
    fallback: IntArray
    reference_kind: ReferenceKind
    features: FloatArray | None

    def observe(self, state: int) -> OwnObservation:
        words = self.given.states[state]
        ended = bool(self.given.mdp.terminal[state])
        return OwnObservation(state=state, description=words.description, features=words.features, ended=ended)

    def describe(self, state: int) -> str:
        words = self.given.states[state]
        shown = ", ".join(f"{name} {value}" for name, value in list(words.features.items())[:FEATURES_SHOWN])
        return words.description or shown or ("ended" if self.given.mdp.terminal[state] else f"state {state}")


@lru_cache(maxsize=KEPT)
def _task(given: GivenMDP, env_id: str, origin: Provenance | None) -> _Task:
    """Made once for all episodes: actions of two classes would not be equal."""
    n = given.mdp.n_actions
    model = _action_type(given)
    values: list[Any] = [words.label for words in given.actions] or list(range(n))
    labels = tuple(words.label for words in given.actions) or tuple(f"action {i}" for i in range(n))
    alike = _alike(given)
    return _Task(
        given=given,
        spec=_spec(given, env_id, labels, alike, origin),
        actions=tuple(model.model_validate({"action": value}) for value in values),
        labels=labels,
        fallback=_fallback(given),
        reference_kind=ReferenceKind.INFORMED if alike else ReferenceKind.EXACT,
        features=_numbers(given),
    )


def _numbers(given: GivenMDP) -> FloatArray | None:
    """The features of every state, shape (S, d); None if there are none, or one is no number or not always known."""
    live = given.mdp.decision_states
    rows = [given.states[state].features for state in live]
    names = list(next(iter(rows), {}))
    if not names or any(row.keys() != set(names) or any(isinstance(x, str) for x in row.values()) for row in rows):
        return None
    found = np.zeros((given.mdp.n_states, len(names)))
    found[live] = [[row[name] for name in names] for row in rows]
    return found


def _action_type(given: GivenMDP) -> type[Action]:
    """A model with the one field `action`, a label or an index."""
    if given.actions:
        label: Any = Literal
        text = "; ".join(f"{a.label}: {a.description}" if a.description else a.label for a in given.actions)
        field = (label[tuple(a.label for a in given.actions)], Field(description=text))
    else:
        field = (int, Field(ge=0, le=given.mdp.n_actions - 1, description="index of the action"))
    return cast(type[Action], create_model("OwnAction", __base__=Action, __doc__="What is done now.", action=field))


def _fallback(given: GivenMDP) -> IntArray:
    legal = given.mdp.legal
    chosen = given.about.fallback
    return np.where(legal[:, chosen], chosen, legal.argmax(axis=1))


def _alike(given: GivenMDP) -> int:
    """How many states cannot be told from another by what the files say of them.

    Where they say nothing at all, a state is known by its number.
    """
    live = [given.states[s] for s in given.mdp.decision_states]
    counts = Counter((w.description, tuple(w.features.items())) for w in live if w != StateWords(None, {}))
    return sum(n for n in counts.values() if n > 1)


def _spec(given: GivenMDP, env_id: str, labels: tuple[str, ...], alike: int, origin: Provenance | None) -> EnvSpec:
    about, mdp = given.about, given.mdp
    low, high = about.reward_range or _return_range(mdp, about.horizon)
    fallback = labels[about.fallback]
    if not mdp.legal[mdp.decision_states, about.fallback].all():
        fallback += "; where that is not legal, the legal action of the lowest index"
    limits = [
        *about.limits,
        f"Episodes that are played are cut off after {about.horizon:,} decisions; exact values know no such limit.",
    ]
    if not env_id.startswith(PREFIX + GYMNASIUM) and origin is None:
        limits.append("An MDP of a user: that its tables describe an MDP was checked, not that they describe patients.")
    if given.found_terminal:
        ends = ", ".join(map(str, np.flatnonzero(mdp.terminal)[:10])) or "none"
        more = f" and {int(mdp.terminal.sum()) - 10} more" if mdp.terminal.sum() > 10 else ""
        limits.append(f"Terminal states were found, not listed: {ends}{more}.")
        forever = _rewarded_forever(mdp)
        if forever is not None:
            limits.append(f"State {forever} is never left and rewarded again and again; it was not taken as terminal.")
    if alike:
        limits.append(
            f"{alike} states look like another one: the optimum knows them apart, an agent that is shown only what the "
            "files say does not."
        )
    return EnvSpec(
        id=env_id,
        version=about.version,
        title=about.title or short_name(env_id),
        summary=about.summary or f"One of {mdp.n_actions} actions is chosen in each state until the episode ends.",
        horizon=about.horizon,
        hours_per_step=about.hours_per_step,
        discount=mdp.discount,
        reward_range=(low, high),
        binary=_binary(mdp),
        value_name=about.value_name,
        score=about.score or f"the return of the episode, from {low:g} (scores 0) to {high:g} (scores 1)",
        fallback=fallback,
        citations=about.citations,
        data_licence=about.data_licence,
        limits_of_use=tuple(limits),
        actions=tuple(f"{a.label}: {a.description}" if a.description else a.label for a in given.actions),
        data_sha256=given.sha256,
        assumption_based=origin is not None and origin.kind == "stand-in",
        provenance=None if origin is None else {name: str(value) for name, value in origin.model_dump().items()},
    )


def _rewarded_forever(mdp: TabularMDP) -> int | None:
    """The first state that no action leaves, if there is one; those without a reward were taken as terminal."""
    live = mdp.decision_states
    rows = mdp.row_of[live]
    staying = np.asarray(mdp.rows[rows.ravel(), np.repeat(live, mdp.n_actions)]).reshape(rows.shape)
    found = live[((staying >= 1 - SUM_TOLERANCE) | (rows < 0)).all(axis=1)]
    return int(found[0]) if found.size else None


def _binary(mdp: TabularMDP) -> bool:
    """Whether every return is 0 or 1: nothing is discounted, and only ending is rewarded, with 1 or not at all."""
    rewards = mdp.row_rewards
    return mdp.discount == 1.0 and rewards is not None and _at_the_end(mdp) and set(rewards.data.tolist()) <= {0.0, 1.0}


def _at_the_end(mdp: TabularMDP) -> bool:
    """Whether only ending is rewarded; unknown, and so False, where rewards are means over what comes next."""
    rewards = mdp.row_rewards
    return rewards is not None and bool(mdp.terminal[rewards.indices[rewards.data != 0]].all())


def _return_range(mdp: TabularMDP, horizon: int) -> tuple[float, float]:
    """Bounds on an episode's return; exact where only ending is rewarded.

    Otherwise every decision might pay the lowest or the highest reward, as often as the horizon allows; grades are not
    discounted.
    """
    paid = mdp.row_reward if mdp.row_rewards is None else mdp.row_rewards.data
    low, high = min(float(paid.min(initial=0.0)), 0.0), max(float(paid.max(initial=0.0)), 0.0)
    if low == high:
        return 0.0, 1.0
    often = 1.0 if _at_the_end(mdp) else horizon
    return round(low * often, 9), round(high * often, 9)


def _discount(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value <= 1:
        raise UsageError(f"The discount is '{text}'; expected a number above 0 and at most 1.")
    return value


@lru_cache(maxsize=KEPT)
def _toy_text(gymnasium_id: str, discount: float | None) -> GivenMDP:
    import gymnasium

    try:
        env = gymnasium.make(gymnasium_id)
    except (gymnasium.error.Error, ImportError) as error:
        raise UsageError(f"Gymnasium cannot make '{gymnasium_id}': {str(error).rstrip('.?')}.") from None
    try:
        chosen = toy_text.DISCOUNT if discount is None else discount
        mdp = toy_text.from_toy_text(env, discount=chosen)
    finally:
        env.close()
    limits = ["A toy of Gymnasium, no clinical task."]
    if discount is None:
        limits.append(
            f"The discount of {chosen:g} is the harness's: Gymnasium's returns are undiscounted and end with a limit.",
        )
    about = About(
        title=f"Gymnasium {gymnasium_id}",
        summary=f"Gymnasium's {gymnasium_id}: one of {mdp.n_actions} actions is chosen in each state.",
        data_licence="Gymnasium, MIT",
        limits=tuple(limits),
    )
    if env.spec is not None and env.spec.max_episode_steps:
        about = about.model_copy(update={"horizon": env.spec.max_episode_steps})
    return GivenMDP(
        path=Path(gymnasium_id),
        mdp=mdp,
        about=about,
        found_terminal=True,
        states=(StateWords(None, {}),) * mdp.n_states,
        actions=(),
        expert_policy=None,
        sha256=_hash(mdp),
    )


def _hash(mdp: TabularMDP) -> str:
    rewards = mdp.row_rewards
    assert rewards is not None  # noqa: S101 - toy-text tables reward transitions
    digest = sha256()
    for part in (mdp.rows.toarray(), rewards.toarray(), mdp.row_of, mdp.start, mdp.terminal):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
