"""Off-policy estimates, and how wrong they are, in tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from harness.core.text import harmless
from harness.evaluation.intervals import wilson
from harness.evaluation.off_policy.estimate import OffPolicyEstimate
from harness.evaluation.off_policy.every import ESTIMATORS
from harness.reports.block import Block
from harness.reports.text import number, percent
from harness.reproduce.off_policy import ESTIMATED, KNOWN, POLICIES, UNUSED, Score, Settings

NOTICE = "A benchmark, not medical advice."

LARGE = 10.0
"""From which on a value of survival, or an error of it, is shown by its magnitude."""

HALF, ONE = 0.5, "†"
"""Of a mean square: where one data set's error is more of it than that, its cell is marked."""


def estimates(
    agent: str, caveat: str, found: Sequence[tuple[str, OffPolicyEstimate]], exact: float, value_name: str
) -> Block:
    """Every estimate of one policy, with which behaviour policy it was made, beside the exact value."""
    headings = ["estimator", "behaviour", value_name, "95 % interval", "ESS", "of n"]
    headings += ["exact", "error", "holds", "mind"]
    rows = []
    for behaviour, e in found:
        known = (e.estimator, behaviour, _value(e.value), _between(e.lower, e.upper), _size(e.ess), f"{e.n:,}")
        error = _signed(e.value - exact)
        rows.append((*known, number(exact), error, _holds(e, exact), e.note))
    return Block(harmless(f"{agent} ({caveat})" if caveat else agent), tuple(headings), rows)


COLUMNS = "exact: the policy's value, computed; error: the estimate less that; holds: whether the interval holds it."
"""What stands beside the estimates of a policy."""


def _holds(e: OffPolicyEstimate, exact: float) -> str:
    return "–" if math.isnan(e.lower) else "yes" if e.lower <= exact <= e.upper else "no"


def legend() -> list[str]:
    """What the estimators, their intervals and their effective sample sizes are."""
    return [
        *(f"{name}: {said}." for name, said in ESTIMATORS.items()),
        "Intervals, 95 %: IS, PDIS and DR by Student's t over episodes; WIS, WPDIS and WDR by a percentile bootstrap "
        "of episodes; FQE and MB by Student's t of each episode's influence (delta method). None allows for bias, nor "
        "for the behaviour policy's being estimated.",
        "ESS: effective sample size in episodes (Kish), of the weights of whole episodes; for FQE and MB of the "
        "weights of states and actions, scaled to episodes.",
    ]


def study(settings: Settings, scores: Sequence[Score], *, detail: bool) -> Iterator[Block]:
    """The headline at every size, and with `detail` every number of each policy."""
    for size in settings.sizes:
        own = [s for s in scores if s.episodes == size]
        yield _headline(size, own)
        yield _direction(size, own)
    for policy in POLICIES if detail else ():
        own = [s for s in scores if s.policy == policy]
        if own:
            yield _detail(policy, own)
    yield Block("", (), (), (*_reading(settings), *legend()))


def _headline(size: int, scores: Sequence[Score]) -> Block:
    policies = [p for p in POLICIES if any(s.policy == p for s in scores)]
    kinds = list(dict.fromkeys((s.estimator, s.behaviour) for s in scores))
    one = {s.policy: s for s in scores}
    at = {(s.policy, s.estimator, s.behaviour): s for s in scores}
    rows = [
        (estimator, "" if behaviour == UNUSED else behaviour, *(_cell(at[p, estimator, behaviour]) for p in policies))
        for estimator, behaviour in kinds
    ]
    return Block(
        f"ICU-Sepsis, {size:,} episodes of the clinicians: RMSE, and how often the 95 % interval holds the exact value",
        ("estimator", "behaviour", *policies),
        [
            *rows,
            *(
                (f"mean ESS ({name})", said, *(_size(at[p, name, behaviour].ess) for p in policies))
                for name, said, behaviour in (("IS", KNOWN, KNOWN), ("IS", ESTIMATED, ESTIMATED), ("MB", "", UNUSED))
            ),
            ("exact value", "", *(number(one[p].truth) for p in policies)),
            ("overlap", "", *(percent(one[p].overlap) for p in policies)),
            ("variance", "", *(_variance(one[p]) for p in policies)),
        ],
    )


def _direction(size: int, scores: Sequence[Score]) -> Block:
    policies = [p for p in POLICIES if any(s.policy == p for s in scores)]
    at = {(s.policy, s.estimator, s.behaviour): s for s in scores}
    rows = [
        (
            estimator,
            "" if behaviour == UNUSED else behaviour,
            *(_bias(at[p, estimator, behaviour]) for p in policies),
        )
        for estimator, behaviour in dict.fromkeys((s.estimator, s.behaviour) for s in scores)
    ]
    return Block(
        f"ICU-Sepsis, {size:,} episodes: bias ± 2 standard errors",
        ("estimator", "behaviour", *policies),
        rows,
    )


def _variance(score: Score) -> str:
    """What is known of the variance of an episode's weight."""
    if score.infinite in (0, score.repeats):
        return "infinite" if score.infinite else "finite"
    return f"∞ in {100 * score.infinite / score.repeats:.0f} %"


def _cell(score: Score) -> str:
    if math.isnan(score.rmse):
        return "–"
    return f"{_error(score.rmse)}{ONE if score.largest > HALF else ' '}{100 * score.coverage.value:3.0f} %"


def _bias(score: Score) -> str:
    """In few digits; `_detail` has more."""
    if math.isnan(score.bias):
        return "–"
    digits = ".3f" if max(abs(score.bias), 2 * score.bias_error) < LARGE else ".0e"
    return f"{score.bias:+{digits}} ±{2 * score.bias_error:{digits}}"


def _detail(policy: str, scores: Sequence[Score]) -> Block:
    return Block(
        f"{policy}: {POLICIES[policy]}",
        (
            "episodes",
            "estimator",
            "behaviour",
            "bias ± 2 se",
            "RMSE",
            "coverage (95 %)",
            "median width",
            "ESS",
            "no value",
        ),
        [
            (
                f"{s.episodes:,}",
                s.estimator,
                "" if s.behaviour == UNUSED else s.behaviour,
                "–" if math.isnan(s.bias) else f"{_signed(s.bias)} ± {_error(2 * s.bias_error)}",
                _error(s.rmse),
                f"{100 * s.coverage.value:.1f} % ({100 * s.coverage.lower:.1f} – {100 * s.coverage.upper:.1f})",
                _error(s.width),
                _size(s.ess),
                str(s.missing) if s.missing else "",
            )
            for s in scores
        ],
    )


def _reading(settings: Settings) -> Iterator[str]:
    yield (
        f"{settings.repeats} datasets of each size (the smaller are the beginnings of the largest). Errors are against "
        "exact values; a learned policy has another in each repeat, and the mean is shown. Coverage counts an estimate "
        f"without an interval as one that does not hold; of {settings.repeats}, {_example(settings.repeats)}."
    )
    yield (
        f"{ONE}: more than half of the mean square is one data set's error: the number tells of that one, and another "
        "study would find another."
    )
    yield (
        "overlap: probability that the clinicians could have taken every decision of an episode of the policy; where "
        "it is below 100 %, importance sampling is biased however many data there are. variance: of the weight of an "
        "episode; where it is infinite, no effective sample size and no such interval can be relied on. Both are exact."
    )
    yield from (f"{name}: {said}." for name, said in POLICIES.items())
    yield (
        "PDIS is IS here, because all reward comes with the last decision and γ = 1. `known` are the true propensities "
        "of the clinicians' policy, `estimated` the shares of actions in the same data."
    )


def _example(repeats: int) -> str:
    """How much a share of so many is worth: two of them with Wilson's intervals."""
    return " and ".join(
        f"{100 * found.value:.0f} % stands for {100 * found.lower:.0f} to {100 * found.upper:.0f} %"
        for found in (wilson(round(share * repeats), repeats) for share in (0.95, 0.5))
    )


def _value(value: float) -> str:
    return "–" if not math.isfinite(value) else number(value) if abs(value) < LARGE else f"{value:.1e}"


def _between(lower: float, upper: float) -> str:
    return "–" if math.isnan(lower) else f"{_value(lower)} – {_value(upper)}"


def _size(ess: float) -> str:
    return f"{ess:,.1f}" if ess < 100 else f"{ess:,.0f}"


def _error(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4f}" if value < LARGE else f"{value:.1e}"


def _signed(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:+.4f}" if abs(value) < LARGE else f"{value:+.1e}"
