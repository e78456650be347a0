"""Runs against each other: the difference with its certainty, and where it comes from.

Two runs without sampling (exact, certify) differ by a number, or lie certainly between two. Two rollouts on the same
seeds are compared episode by episode. A rollout and an exact value are compared by the rollout's interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.errors import RunError, UsageError
from harness.core.trace import End
from harness.evaluation.config import Method
from harness.evaluation.decomposition import Decomposition, decomposition
from harness.evaluation.intervals import FEW_LOSSES, anytime, p_value, skewness_corrected, without_interval
from harness.evaluation.manifest import data_of, environment_of, opened
from harness.evaluation.recorded import read_episodes, require_value
from harness.evaluation.rollout import FIRST_LOOK, TOLD_FROM
from harness.evaluation.summary import Summary, summary_of
from harness.evaluation.tabular import recorded_bounds
from harness.mdp.certify import completion
from harness.mdp.environment import TabularEnvironment

ROUNDING = 1e-9
"""Gains below this share of the largest are rounding."""

NEGLIGIBLE = 1e-15
"""Shares below this are rounding."""


@dataclass(frozen=True)
class Run:
    """A finished run, read back.

    `label` is unique among the runs compared, `data` the hash of the files that the environment was made from, if a
    user gave any.
    """

    label: str
    path: Path
    summary: Summary
    data: str | None
    ends: tuple[End, ...]


@dataclass(frozen=True)
class Difference:
    """What `other` is worth beyond `base`.

    `kind` is 'exact', 'certain' (bounds without sampling), 'for these replies' (where they may not be a policy's), or
    names an interval of 95 %, paired or not, over `n` episodes; `lower` and `upper` are None where there is none. `p`
    is two-sided, `p_holm` the same corrected for all the comparisons made (Holm 1979); both are None but for paired
    episodes of a number that was fixed beforehand. `wins`, `ties` and `losses` count paired episodes by their summed
    regret.
    """

    base: str
    other: str
    value: float
    lower: float | None
    upper: float | None
    kind: str
    n: int | None = None
    p: float | None = None
    p_holm: float | None = None
    wins: int | None = None
    ties: int | None = None
    losses: int | None = None


@dataclass(frozen=True)
class Contribution:
    """A state's share of the difference between two policies.

    `visits` are expected visits under `other`, `worth = visits * (Q_base(s, other) - V_base(s))`. Over all states these
    add up to the difference (performance-difference identity, Kakade and Langford 2002), exactly.
    """

    state: int
    description: str
    base: str
    other: str
    visits: float
    worth: float


def read_finished(path: Path) -> tuple[dict[str, Any], Summary]:
    """The manifest and the summary of a finished run.

    Raises
    ------
    RunError
        If it is no run, has not finished, or another version of the harness wrote its summary.
    """
    manifest, found = opened(path)[0], summary_of(path)
    if found is None:
        raise RunError(f"The run {path} has not finished; go on with: harness eval --resume {path}")
    return manifest, found


def load_runs(paths: list[Path]) -> list[Run]:
    """Read finished runs that can be compared: two or more, of the same environment, version and options.

    Raises
    ------
    UsageError
        If there are fewer than two, or they are of different tasks.
    RunError
        If one is no run, or has not finished.
    """
    if len(paths) < 2:
        raise UsageError(f"{len(paths)} run was given; a comparison needs at least two.")
    runs: list[Run] = []
    for path in paths:
        manifest, summary = read_finished(path)
        ends = _ends(path, summary) if summary.method is Method.ROLLOUT else ()
        if not ends:
            recorded_bounds(path, _tabular(path))
        taken = {run.label for run in runs}
        name = f"{summary.agent} {summary.prompt}" if summary.prompt else summary.agent
        label = next(n for n in (name, *(f"{name} #{i}" for i in range(2, 10_000))) if n not in taken)
        runs.append(Run(label, path, summary, data_of(manifest), ends))
    for first, second in pairwise(runs):
        tasks = [(r.summary.env, r.summary.env_version, r.summary.env_options) for r in (first, second)]
        if tasks[0] != tasks[1]:
            said = [f"{env} v{version} {options or ''}".strip() for env, version, options in tasks]
            raise UsageError(
                f"The runs {first.path} ({said[0]}) and {second.path} ({said[1]}) are of different tasks; their values "
                "cannot be compared."
            )
        if first.data != second.data:
            raise UsageError(
                f"The runs {first.path} and {second.path} were made with different files of {first.summary.env}, which "
                "changed in between; their values cannot be compared."
            )
    return runs


def _ends(path: Path, summary: Summary) -> tuple[End, ...]:
    """How the episodes of a finished rollout ended, once they are known to be those of its summary."""
    ends = tuple(episode.end for episode in read_episodes(path))
    returns = float(np.mean([end.episode_return for end in ends]))
    require_value(path, summary.raw_value, returns)
    if summary.estimator == "mean return":
        require_value(path, summary.value, returns)
    elif summary.optimal_value is not None and summary.value != summary.lower:  # else cut to the worst policy's value
        told = summary.estimator != "advantage sum"
        lost = [end.expected_regret if told and end.expected_regret is not None else end.regret for end in ends]
        require_value(path, summary.value, summary.optimal_value - float(np.mean([x for x in lost if x is not None])))
    return ends


def differences(runs: list[Run]) -> list[Difference]:
    """Every run against the first, with p-values corrected for their number.

    Raises
    ------
    UsageError
        If two rollouts share fewer than two seeds.
    """
    found = [_difference(runs[0], other) for other in runs[1:]]
    ranked = sorted((d.p, i) for i, d in enumerate(found) if d.p is not None)
    corrected: dict[int, float] = {}
    worst = 0.0
    for rank, (p, i) in enumerate(ranked):
        worst = max(worst, min(p * (len(ranked) - rank), 1.0))
        corrected[i] = worst
    return [Difference(**{**d.__dict__, "p_holm": corrected.get(i)}) for i, d in enumerate(found)]


def _difference(base: Run, other: Run) -> Difference:
    a, b = base.summary, other.summary
    if base.ends and other.ends:
        return _paired(base, other)
    value = b.value - a.value
    known = [s for s in (a, b) if s.interval in ("none", "certain")]
    sampled = [s for s in (a, b) if s.interval not in ("none", "certain")]
    if sampled:
        kind = " and ".join(dict.fromkeys(s.interval for s in sampled))
    elif any(s.caveats for s in known):
        kind = "for these replies"
    else:
        kind = "exact" if a.exact and b.exact else "certain"
    lower = None if b.lower is None or a.upper is None else b.lower - a.upper
    upper = None if b.upper is None or a.lower is None else b.upper - a.lower
    n = min((s.episodes for s in sampled if s.episodes), default=None)
    return Difference(base.label, other.label, value, lower, upper, kind, n)


def _paired(base: Run, other: Run) -> Difference:
    gain = np.array(list(paired_gains(base, other).values()))
    differ = int((gain != 0).sum())
    looked = base.summary.until is not None or other.summary.until is not None
    p = None
    if differ < FEW_LOSSES:
        found = without_interval(gain, f"only {differ} of {len(gain)} episodes differ")
    elif np.ptp(gain) == 0:
        found = without_interval(gain, "all episodes differ by the same")
    elif looked:  # how many episodes there are was decided by looking at them
        found = anytime(gain, FIRST_LOOK)
    else:
        found, p = skewness_corrected(gain), p_value(gain)
    return Difference(
        base.label,
        other.label,
        found.value,
        None if math.isnan(found.lower) else found.lower,
        None if math.isnan(found.upper) else found.upper,
        f"paired {found.interval}",
        found.n,
        p,
        wins=int((gain > 0).sum()),
        ties=int((gain == 0).sum()),
        losses=int((gain < 0).sum()),
    )


def paired_gains(base: Run, other: Run) -> dict[int, float]:
    """What `other` gained over `base` in every episode that both played, by seed; their mean is the difference.

    Raises
    ------
    UsageError
        If two rollouts share fewer than two seeds.
    """
    cut = any(end.status == "truncated" for end in (*base.ends, *other.ends))
    told = min(len(base.ends), len(other.ends)) >= TOLD_FROM
    first = {end.seed: _worth(end, cut, told) for end in base.ends}
    second = {end.seed: _worth(end, cut, told) for end in other.ends}
    seeds = sorted(first.keys() & second.keys())
    if len(seeds) < 2:
        raise UsageError(
            f"The runs {base.path} and {other.path} share {len(seeds)} seeds; a paired comparison needs at least two. "
            "Use the same --seed-start and --episodes."
        )
    gain = np.array([second[s] - first[s] for s in seeds])
    gain[np.abs(gain) <= ROUNDING * max(np.abs(gain).max(), abs(base.summary.value))] = 0.0
    return dict(zip(seeds, gain.tolist(), strict=True))


def _worth(end: End, cut: bool, told: bool) -> float:
    """An episode's low-variance value up to a constant: minus its summed regret.

    Its return where none is known, or where an episode of the comparison was `cut` off: no regret counts what would
    have come after.
    """
    if end.regret is None or cut:
        return end.episode_return
    return -(end.expected_regret if told and end.expected_regret is not None else end.regret)


def contributions(base: Run, other: Run) -> list[Contribution]:
    """Where the difference between two runs without sampling comes from, the largest share first.

    States that a run did not ask are decided optimally in both, so for certified runs the shares add up to the
    difference of their upper bounds.

    Raises
    ------
    UsageError
        If a run is a rollout, which has no policy for every state.
    """
    found = decompose(base, other)
    order = np.argsort(-np.abs(found.worth), kind="stable")
    return [
        Contribution(
            state=int(s),
            description=found.env.describe(int(s)),
            base=found.env.choice_label(found.base[s]),
            other=found.env.choice_label(found.other[s]),
            visits=float(found.visits[s]),
            worth=float(found.worth[s]),
        )
        for s in order
        if abs(found.worth[s]) > NEGLIGIBLE
    ]


def decompose(base: Run, other: Run) -> Decomposition:
    """What every state contributes to the difference between two runs without sampling.

    States that were not asked are decided optimally.

    Raises
    ------
    UsageError
        If a run is a rollout, which has no policy for every state.
    """
    for run in (base, other):
        if run.summary.method is Method.ROLLOUT:
            raise UsageError(f"The run {run.path} is a rollout; where a difference comes from needs exact or certify.")
    env = _tabular(base.path)
    policies = [completion(env.mdp, recorded_bounds(run.path, env)) for run in (base, other)]
    return decomposition(env, *policies)


def _tabular(path: Path) -> TabularEnvironment[Any, Any]:
    env = environment_of(path)
    if not isinstance(env, TabularEnvironment):
        raise UsageError(f"{env.spec.id} has no table of states any more; a run that asked states needs one.")
    return env
