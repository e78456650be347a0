"""Published figures beside exact ones, in tables and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.evaluation.summary import ReferenceValue
from harness.reports.block import Block
from harness.reports.text import number, percent
from harness.reproduce.binomial import Comparison
from harness.reproduce.icu_sepsis import ROLLOUTS, Admissible, Figure
from harness.reproduce.perturbation import Row, Spread
from harness.reproduce.protocol import CQL_BEST, EPISODES, LOOKS, SEEDS, Needed, Protocol

PAPER = "Choudhary, Gupta, Thomas, RLC 2024"
NOTICE = "A benchmark, not medical advice."


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
        ("p", "removed", "policy", "survival ± sd", "range", "length ± sd", "range"),
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
            "The paper's figure 6 shows the same, estimated by rollouts; nothing is compared number by number.",
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
    yield _positions(found, n)
    yield Block(
        f"The best of several where every policy is worth {number(found.random_value)}, as random is",
        ("what is reported", "expected", "95 % range", f"P(at least {percent(CQL_BEST)})"),
        [(b.what, percent(b.expected), f"{percent(b.low)} – {percent(b.high)}", number(b.reached)) for b in found.best],
        (
            f"The repository's training script keeps the best of {LOOKS} evaluations of a run, and its notebook "
            f"reports {percent(CQL_BEST)} as a mean of such bests.",
            "Evaluations are supposed independent. The script gives every evaluation of a run the same episode seeds, "
            "so they tend to agree and selection lifts a figure by less: by nothing if all checkpoints act alike.",
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
            "decisions mixed in). The number of episodes is a normal approximation, rough for a few dozen. "
            "J* - Σ regret needs the optimum, which a tabular MDP has.",
            "Assumed throughout: survival is 0 or 1, and episodes are independent. Arms on the same episode seeds are "
            "related, which can help a paired test. "
            f"Of an arm's {n} episode seeds {found.shared_seeds} are used twice.",
            f"What follows: means of {n} episodes do not order arms a point or two apart, and find a difference of "
            f"eight points {percent(found.comparisons[-1].power)} of the time. A best of checkpoints that is evaluated "
            "by the figure it was chosen by says little: 86 % is then within what policies worth 78 % can give.",
            "What does not follow: that a DQN or CQL policy is no better than random. Evaluating the networks exactly, "
            "or on episodes that had no part in choosing them, would tell.",
        ),
    )


def _positions(found: Protocol, n: int) -> Block:
    spread = found.spread
    return Block(
        f"{EPISODES} episodes for each of {SEEDS} seeds: published means (CQL-sepsis, coursework with open code) among "
        f"all means of {n} episodes",
        ("arm", "published", "true value", "95 % of means", "P(so much)", f"P(so much, best of {LOOKS} kept)"),
        [
            (
                p.arm,
                percent(p.published),
                f"{number(p.true_value)}{'' if p.known else ' supposed'}",
                f"{percent(p.low)} – {percent(p.high)}",
                number(p.reached),
                "–" if p.reached_selected is None else number(p.reached_selected),
            )
            for p in found.positions
        ],
        (
            "True values are exact for random and for the published behaviour-cloning networks (0.785 to 0.786); the "
            "others are not known here, and are supposed to be random's to see how far chance alone would go.",
            f"P(so much): of the published mean or more. In the last column every run reports the best of {LOOKS} "
            f"independent evaluations (the script of the two baselines makes {LOOKS // 2} unless told otherwise). "
            "Figures near 1 there mean that selection did less than that.",
            f"{SEEDS} seeds that differ by chance alone have a standard deviation of {_points(spread.expected)} points "
            f"on average, 95 % between {_points(spread.low)} and {_points(spread.high)}; mean ± that deviation "
            f"encloses the true value {percent(spread.covered)} of the time.",
        ),
    )


def _points(share: float) -> str:
    return f"{100 * share:.1f}"


def _comparison(c: Comparison) -> tuple[str, ...]:
    wrong = "< 0.1 %" if c.wrong < 0.001 else percent(c.wrong)
    return f"{c.low:.4f} and {c.high:.4f}", percent(c.right_order), percent(c.tie), percent(c.power), wrong


def _needed(need: Needed) -> tuple[str, ...]:
    deviations = (" and ".join(f"{sd:.3f}" for sd in pair) for pair in (need.raw_sd, need.advantage_sd))
    return f"{need.low:.4f} and {need.high:.4f}", f"{need.raw:,}", f"{need.advantage_sum:,}", *deviations
