"""Published figures beside exact ones, in tables and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.evaluation.summary import ReferenceValue
from harness.reports.text import number, percent
from harness.reproduce.binomial import Comparison
from harness.reproduce.icu_sepsis import ROLLOUTS, Admissible, Figure
from harness.reproduce.perturbation import Row, Spread
from harness.reproduce.protocol import CQL_BEST, EPISODES, LOOKS, SEEDS, Needed, Protocol

PAPER = "Choudhary, Gupta, Thomas, RLC 2024"
NOTICE = "A benchmark, not medical advice."


@dataclass(frozen=True)
class Block:
    """A caption, a table and what is to be said below it."""

    caption: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    notes: tuple[str, ...] = ()


def table_2(figures: Sequence[Figure]) -> Iterator[Block]:
    """Table 2 of the paper."""
    compared = [f for f in figures if f.agrees is not None]
    agreeing = sum(bool(f.agrees) for f in compared)
    yield Block(
        f"Table 2 ({PAPER}): {ROLLOUTS:,} rollouts a policy, beside exact values",
        ("policy", "quantity", "published", "exact", "difference", "allowed", "within"),
        [_figure(f) for f in figures],
        (
            f"{agreeing} of {len(compared)} figures agree: within half a unit of the last digit plus 1.96 standard "
            f"errors of {ROLLOUTS:,} rollouts (from the exact variance).",
            "Lengths in decisions, one every 4 hours. The dataset row is published only: the patients' records are "
            "not part of the benchmark.",
        ),
    )


def _figure(f: Figure) -> tuple[str, ...]:
    published = f"{f.published:.2f}"
    if f.exact is None or f.allowed is None:
        return f.policy, f.quantity, published, "–", "–", "–", "published only"
    within = "yes" if f.agrees else "no"
    return f.policy, f.quantity, published, number(f.exact), f"{f.published - f.exact:+.4f}", number(f.allowed), within


def admissible(found: Admissible) -> Iterator[Block]:
    """Figure 3 of the paper."""
    most = max(found.states)
    yield Block(
        f"Admissible actions of a state (figure 3, {PAPER})",
        ("actions", "states", ""),
        [
            (str(n), str(count), "#" * round(40 * count / most))
            for n, count in zip(found.actions, found.states, strict=True)
        ],
        (
            f"{sum(found.states)} patient states, of 25 actions {found.fewest} to {found.most} are admissible, "
            f"{found.mean:.2f} on average.",
        ),
    )


def perturbation(rows: Sequence[Row], repeats: int) -> Iterator[Block]:
    """Appendix B.3 of the paper."""
    yield Block(
        f"Perturbation (appendix B.3, {PAPER}): each admissible action removed with probability p, {repeats} repeats",
        ("p", "removed", "policy", "survival", "range", "length", "range"),
        [
            (
                f"{row.probability:.1f}",
                percent(row.removed),
                row.policy,
                *_spread(row.survival, 4),
                *_spread(row.length, 2),
            )
            for row in rows
        ],
        (
            "Mean ± standard deviation of the repeats, each evaluated exactly: the spread is that of which actions "
            "were removed, not of rollouts.",
            "removed: share of admissible actions; less than p because every state keeps one. The optimal policy is "
            "solved anew each time, the others stay as they are.",
            "The paper shows this as figure 6 and prints no numbers to compare with.",
        ),
    )


def _spread(s: Spread, digits: int) -> tuple[str, str]:
    return f"{s.mean:.{digits}f} ± {s.sd:.{digits}f}", f"{s.lowest:.{digits}f} – {s.highest:.{digits}f}"


def strategies(found: Mapping[str, Mapping[str, ReferenceValue]]) -> Iterator[Block]:
    """The treatments of inadmissible actions."""
    yield Block(
        "Treatments of inadmissible actions: survival, and length in decisions",
        ("policy", *(f"{strategy}{what}" for strategy in found for what in ("", ", length"))),
        [
            (name, *(cell for values in found.values() for cell in _value(values[name])))
            for name in next(iter(found.values()))
        ],
        (
            "mean: the patient moves as under the mean of the admissible actions (the paper's). terminate: the patient "
            "dies. raise: the action is refused.",
            "random is uniform over what can be taken: all 25 actions under mean and terminate, the admissible ones "
            "under raise. expert is renormalised to the admissible actions under terminate and raise.",
            "The optimum is the same under all three: a mean of admissible actions is never better than the best one.",
        ),
    )


def _value(value: ReferenceValue) -> tuple[str, str]:
    return number(value.value), "–" if value.length is None else f"{value.length:.2f}"


def protocol(found: Protocol) -> Iterator[Block]:
    """A published comparison re-examined."""
    n = SEEDS * EPISODES
    yield Block(
        f"{EPISODES} episodes for each of {SEEDS} seeds (CQL-sepsis, coursework that publishes its code and its means): "
        f"means of {n} episodes",
        ("arm", "published", "true value", "95 % of means", "P(published or more)"),
        [
            (
                p.arm,
                percent(p.published),
                f"{number(p.true_value)}{'' if p.known else ' supposed'}",
                f"{percent(p.low)} – {percent(p.high)}",
                f"{p.reached:.4f}",
            )
            for p in found.positions
        ],
        (
            "Without any selection. True values are exact for random and for the published behaviour-cloning networks "
            "(0.785 to 0.786); the others are not known here and are supposed to be random's.",
            f"{SEEDS} seeds that differ by chance alone have a standard deviation of {percent(found.spread.expected)} "
            f"on average, 95 % between {percent(found.spread.low)} and {percent(found.spread.high)}; mean ± that "
            f"deviation encloses the true value {percent(found.spread.covered)} of the time.",
        ),
    )
    yield Block(
        f"The best of several where every policy is worth {number(found.random_value)}, as random is",
        ("what is reported", "expected", "95 % range", f"P(at least {percent(CQL_BEST)})"),
        [
            (b.what, percent(b.expected), f"{percent(b.low)} – {percent(b.high)}", f"{b.reached:.4f}")
            for b in found.best
        ],
        (
            f"The repository's training script keeps the best of {LOOKS} evaluations of a run, and its notebook reports "
            f"{percent(CQL_BEST)} as a mean of such bests. Random is reported without selection.",
            "Evaluations are supposed independent. The script uses the same episode seeds each time, so they are "
            "positively related and selection lifts a figure by less, by nothing if all checkpoints act alike.",
        ),
    )
    yield Block(
        f"What {n} episodes an arm can tell (two proportions, pooled z, 5 % two-sided)",
        ("true values", "ranked right", "tied", "called better", "called worse"),
        [_comparison(c) for c in found.comparisons],
    )
    yield Block(
        "Episodes an arm to tell them apart with 80 % power",
        ("true values", "by returns", "by J* - Σ regret", "sd of a return", "sd of J* - Σ regret"),
        [_needed(need) for need in found.needed],
        (
            "Standard deviations are exact: of random, and of a policy of the other value (the optimum with random "
            "decisions mixed in). The normal approximation is used, which is rough for a few dozen episodes.",
            "Assumed throughout: survival is 0 or 1 and episodes are independent. Arms on the same episode seeds are "
            f"related, which can help a paired test; of the {n} seeds of an arm 19 are used twice (42 and 123 overlap).",
            "What follows: means like these do not order arms a point or two apart, and 86 % after selection is what "
            "policies worth 78 % can give. What does not follow: that the CQL or DQN policies are no better than "
            "random. Only their exact values could say, and the protocol was sound enough for differences of eight "
            "points without selection.",
        ),
    )


def _comparison(c: Comparison) -> tuple[str, ...]:
    values = f"{c.low:.4f} and {c.high:.4f}"
    return values, percent(c.right_order), percent(c.tie), percent(c.power), f"{100 * c.wrong:.2g} %"


def _needed(need: Needed) -> tuple[str, ...]:
    deviations = (" and ".join(f"{sd:.3f}" for sd in pair) for pair in (need.raw_sd, need.advantage_sd))
    return f"{need.low:.4f} and {need.high:.4f}", f"{need.raw:,}", f"{need.advantage_sum:,}", *deviations
