"""Where two runs decide differently: which states flipped, from what to what, and what each flip was worth.

Of two runs without sampling, a flip is a state that both asked and in which they take another action (where they draw,
another likeliest action). Of two rollouts it is the first decision of a seed that differs: until then both episodes are
the same, and from then on they see different patients.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.core.environment import Environment
from harness.core.errors import UsageError
from harness.core.trace import Episode
from harness.evaluation.compare import Contribution, Run, decompose, paired_gains
from harness.evaluation.config import Method
from harness.evaluation.decomposition import Decomposition
from harness.evaluation.manifest import environment_of
from harness.evaluation.recorded import read_decisions, read_episodes
from harness.evaluation.state_decision import StateDecision, chosen, with_outcome
from harness.mdp.environment import TabularEnvironment

DIFFERENCE = "the difference"
UPPER_BOUNDS = "the difference of the upper bounds"
AS_RECORDED = "the difference of the policies as recorded"
"""What the worths of all states add up to."""

FEW_STATES = 1_000
"""So many states are all asked when prompts are compared: a few minutes of a server's time."""

SAME = 1e-9
"""Sums closer than this are one number but for rounding."""


@dataclass(frozen=True)
class Transition:
    """How often one action became another, and what that was worth in all."""

    base: str
    other: str
    count: int
    worth: float


@dataclass(frozen=True)
class Flips:
    """All flips between two runs without sampling.

    Attributes
    ----------
    base, other : str
    both, base_asked, other_asked : int
        States asked by both runs, and by each.
    share_both, share_flipped : float
        Share of the decisions of `other`, by expected visits, in states that both asked, and in those that flipped.
    gained, lost : float
        Sums of the flips that are worth something, and of those that cost something.
    rest : float
        What the states without a flip contribute: those that only one run asked, and those whose probabilities alone
        differ.
    total : float
        `gained + lost + rest`.
    adds_up_to : str
        What `total` is.
    flips : tuple of Contribution
        By the size of their worth.
    transitions : tuple of Transition
        The most frequent first.
    """

    base: str
    other: str
    both: int
    base_asked: int
    other_asked: int
    share_both: float
    share_flipped: float
    gained: float
    lost: float
    rest: float
    total: float
    adds_up_to: str
    flips: tuple[Contribution, ...]
    transitions: tuple[Transition, ...]


@dataclass(frozen=True)
class Divergence:
    """The first decision of a seed in which two rollouts differ.

    `at_once` is what the other action is worth there by the reference's action-values, None where there is none;
    `worth` what the whole episode gained.
    """

    seed: int
    step: int
    state: int | None
    description: str
    base: str
    other: str
    at_once: float | None
    worth: float


@dataclass(frozen=True)
class Divergences:
    """First divergences of two rollouts.

    Attributes
    ----------
    base, other : str
    episodes : int
        Seeds that both played.
    gained, lost : float
        Sums over the episodes that gained, and over those that lost.
    mean : float
        `(gained + lost) / episodes`, the paired difference.
    divergences : tuple of Divergence
        By the size of their worth.
    transitions : tuple of Transition
        The most frequent first.
    """

    base: str
    other: str
    episodes: int
    gained: float
    lost: float
    mean: float
    divergences: tuple[Divergence, ...]
    transitions: tuple[Transition, ...]


def usual_method(env: Environment[Any, Any], *, embedded: bool) -> Method:
    """How prompts are compared in an environment if nobody says: so that every flip is seen, where that is cheap."""
    if not isinstance(env, TabularEnvironment):
        return Method.ROLLOUT
    return Method.EXACT if embedded or len(env.mdp.decision_states) <= FEW_STATES else Method.CERTIFY


def between(base: Run, other: Run) -> Flips | Divergences:
    """The flips of two runs without sampling, or the first divergences of two rollouts.

    Raises
    ------
    UsageError
        If one is a rollout and the other is not, or two rollouts share fewer than two seeds.
    """
    rollouts = [run for run in (base, other) if run.summary.method is Method.ROLLOUT]
    if len(rollouts) == 1:
        raise UsageError(
            f"The run {rollouts[0].path} is a rollout and the other one is not; flips need two runs by exact or "
            "certify, or two rollouts."
        )
    return divergences(base, other) if rollouts else flips(base, other)


# --------------------------------------------------------------------------- without sampling


def flips(base: Run, other: Run) -> Flips:
    """States that both runs asked and decide differently.

    The worths of all states add up to the difference of two exact values, and of certified runs to the difference of
    the upper bounds (performance-difference identity, Kakade and Langford 2002).

    Raises
    ------
    UsageError
        If a run is a rollout, which has no policy for every state.
    """
    found = decompose(base, other)
    first, second = ({line.state: line for line in read_decisions(run.path, found.env)} for run in (base, other))
    adds_up_to = _meaning(base, other, float(found.worth.sum()))
    return flips_of(found, first, second, (base.label, other.label), adds_up_to)


def flips_of(
    found: Decomposition,
    first: Mapping[int, StateDecision],
    second: Mapping[int, StateDecision],
    names: tuple[str, str],
    adds_up_to: str,
) -> Flips:
    """States in `first` and in `second` that are decided differently, with what is `found` of their worth."""
    both = np.array(sorted(first.keys() & second.keys()), dtype=np.int64)
    flipped = both[found.base[both].argmax(axis=1) != found.other[both].argmax(axis=1)]
    worth = found.worth[flipped]
    order = np.argsort(-np.abs(worth), kind="stable")
    listed = tuple(
        Contribution(
            state=int(s),
            description=found.env.describe(int(s)),
            base=chosen(found.env, first[int(s)]),
            other=chosen(found.env, second[int(s)]),
            visits=float(found.visits[s]),
            worth=float(found.worth[s]),
        )
        for s in flipped[order]
    )
    decisions = float(found.visits.sum())
    total = float(found.worth.sum())
    return Flips(
        base=names[0],
        other=names[1],
        both=len(both),
        base_asked=len(first),
        other_asked=len(second),
        share_both=float(found.visits[both].sum()) / decisions,
        share_flipped=float(found.visits[flipped].sum()) / decisions,
        gained=float(worth[worth > 0].sum()),
        lost=float(worth[worth < 0].sum()),
        rest=total - float(worth.sum()),
        total=total,
        adds_up_to=adds_up_to,
        flips=listed,
        transitions=_transitions(
            (_likeliest(found.env, first[f.state]), _likeliest(found.env, second[f.state]), f.worth) for f in listed
        ),
    )


def _likeliest(env: TabularEnvironment[Any, Any], line: StateDecision) -> str:
    return with_outcome(env.action_labels[int(line.row(env.mdp.n_actions).argmax())], line.outcome)


def _meaning(base: Run, other: Run, total: float) -> str:
    a, b = base.summary, other.summary
    if a.interval == b.interval == "none":
        return DIFFERENCE
    sure = {a.interval, b.interval} <= {"none", "certain"}
    if sure and a.upper is not None and b.upper is not None and abs(b.upper - a.upper - total) <= SAME:
        return UPPER_BOUNDS
    return AS_RECORDED  # something was sampled, or labels were not listed


def _transitions(changes: Iterable[tuple[str, str, float]]) -> tuple[Transition, ...]:
    found: dict[tuple[str, str], list[float]] = {}
    for before, after, worth in changes:
        found.setdefault((before, after), []).append(worth)
    listed = (Transition(before, after, len(worths), sum(worths)) for (before, after), worths in found.items())
    return tuple(sorted(listed, key=lambda t: (-t.count, -abs(t.worth), t.base, t.other)))


# --------------------------------------------------------------------------- rollouts


def divergences(base: Run, other: Run) -> Divergences:
    """The first decision of every shared seed in which two rollouts differ.

    Raises
    ------
    UsageError
        If they share fewer than two seeds.
    """
    gains = paired_gains(base, other)
    env = environment_of(base.path)
    first, second = ({e.end.seed: e for e in read_episodes(run.path, env)} for run in (base, other))
    pairs = ((first[seed], second[seed], gain) for seed, gain in gains.items())
    found = [d for a, b, gain in pairs if (d := _divergence(env, a, b, gain)) is not None]
    values = np.array(list(gains.values()))
    return Divergences(
        base=base.label,
        other=other.label,
        episodes=len(gains),
        gained=float(values[values > 0].sum()),
        lost=float(values[values < 0].sum()),
        mean=float(values.mean()),
        divergences=tuple(sorted(found, key=lambda d: (-abs(d.worth), d.seed))),
        transitions=_transitions((d.base, d.other, d.worth) for d in found),
    )


def _divergence(env: Any, base: Episode, other: Episode, gain: float) -> Divergence | None:
    observation = base.start.observation
    for a, b in zip(base.steps, other.steps, strict=False):
        if a.action != b.action:
            state = int(observation["state"]) if isinstance(env, TabularEnvironment) else None
            return Divergence(
                seed=base.end.seed,
                step=a.step,
                state=state,
                description="" if state is None else env.describe(state),
                base=taken(env, a.action, a.decision["outcome"]),
                other=taken(env, b.action, b.decision["outcome"]),
                at_once=None if a.regret is None or b.regret is None else a.regret - b.regret,
                worth=gain,
            )
        observation = a.observation
    return None


def taken(env: Environment[Any, Any], action: Mapping[str, Any], outcome: str) -> str:
    """An action that was carried out, in words, and whether it was the agent's own."""
    if not isinstance(env, TabularEnvironment):
        label = json.dumps(action, ensure_ascii=False)
    else:
        label = env.action_labels[env.action_index(env.action_type.model_validate(action))]
    return with_outcome(label, outcome)
