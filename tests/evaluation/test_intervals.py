"""Intervals: identities that define them, and that they cover what they say on skewed samples."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.core.environment import Grade
from harness.core.trace import End
from harness.envs.own import _binary
from harness.envs.registry import make
from harness.evaluation.intervals import (
    Interval,
    anytime,
    anytime_factor,
    bca,
    betting,
    clustered_share,
    few_losses,
    of_mean,
    of_returns,
    p_value,
    skewness_corrected,
    student_t,
    wilson,
)
from harness.evaluation.rollout import TOLD_FROM, Estimator, Scale, looks, planned_episodes
from harness.mdp.environment import TabularEnvironment

samples = st.lists(st.floats(-50, 50), min_size=5, max_size=60).filter(lambda x: np.std(x) > 1e-3)


@settings(deadline=None, max_examples=80)
@given(samples)
def test_the_corrected_interval_holds_what_its_test_does_not_reject(sample):
    found = skewness_corrected(sample)
    assert found.lower < found.upper
    for end in (found.lower, found.upper):
        assert p_value(sample, end) == pytest.approx(0.05, abs=1e-6)
    assert p_value(sample, found.upper + 1.0) < 0.05


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-3, 5), min_size=1, max_size=40))
def test_betting_encloses_the_mean_within_what_is_possible(sample):
    found = betting(sample, -3, 5)
    assert -3 <= found.lower <= found.value <= found.upper <= 5
    turned = betting([-x for x in sample], -5, 3)
    assert (turned.lower, turned.upper) == pytest.approx((-found.upper, -found.lower), abs=1e-9)


def test_betting_covers_where_few_observations_are_not_zero():
    rng = np.random.default_rng(100_000)
    rare = rng.choice([0.0, -1.0, 0.2], size=(500, 50), p=[0.97, 0.01, 0.02])
    found = [betting(x, -1, 1) for x in rare]
    assert np.mean([e.lower <= -0.006 <= e.upper for e in found]) >= 0.95
    assert np.mean([len(set(x)) == 1 for x in rare]) > 0.15  # and then other intervals are of width zero
    assert betting(np.zeros(400), -1, 1).upper < betting(np.zeros(50), -1, 1).upper < 0.1


def test_without_skewness_nothing_is_corrected():
    x = np.array([-3.0, -1.0, 0.0, 1.0, 3.0])
    corrected, plain = skewness_corrected(x), student_t(x)
    assert (corrected.lower, corrected.upper) == pytest.approx((plain.lower, plain.upper), abs=1e-12)


def test_corrected_intervals_cover_where_students_does_not():
    """A tenth of the patients lose something, most of them little: the shape of a good agent's summed regrets."""
    rng = np.random.default_rng(100_000)
    losses = rng.exponential(size=(2_000, 60)) * (rng.random((2_000, 60)) < 0.1)
    covered = {
        how: np.mean([e.lower <= 0.1 <= e.upper for e in map(how, losses)]) for how in (skewness_corrected, student_t)
    }
    assert 0.93 < covered[skewness_corrected] < 0.975
    assert covered[student_t] < 0.91


def test_the_bootstrap_agrees_with_the_correction():
    x = np.random.default_rng(7).exponential(size=200)
    ours, theirs = skewness_corrected(x), bca(x)
    assert (theirs.lower, theirs.upper) == pytest.approx((ours.lower, ours.upper), abs=0.03)
    assert bca(x) == bca(x)


@pytest.mark.parametrize("interval", list(Interval))
def test_a_sample_without_spread_has_no_interval_and_says_so(interval):
    found = of_mean([0.5] * 10, interval)
    assert (found.value, found.n, found.interval) == (0.5, 10, "no interval: all are equal")
    assert math.isnan(found.lower)
    assert math.isnan(found.upper)


def test_what_is_a_share_gets_wilsons_interval_and_nothing_else_does_whatever_was_seen():
    found, expected = of_returns([0, 1, 1, 1], binary=True), stats.binomtest(3, 4).proportion_ci(method="wilson")
    assert found.interval.startswith("Wilson")
    assert (found.lower, found.upper) == pytest.approx((expected.low, expected.high))
    assert of_returns([0, 1, 1, 1]).interval.startswith("skewness")
    for seen in (0.0, 1.0, -12.0):
        assert of_returns([seen] * 20).interval == "no interval: all are equal"


@pytest.mark.parametrize(
    ("env_id", "binary"),
    [("icu-sepsis", True), ("sepsis-os", False), ("heparin-hit", False), ("polypharmacy/easy-screening", False)],
)
def test_what_is_a_share_is_told_by_the_task(env_id, binary):
    env = make(env_id)
    assert env.spec.binary is binary
    if isinstance(env, TabularEnvironment):
        assert _binary(env.mdp) is binary


def test_an_anytime_interval_holds_at_every_look_at_once():
    rng = np.random.default_rng(100_001)
    x = rng.exponential(size=(1_500, 2_000))
    n = np.arange(1, 2_001)
    mean = x.cumsum(axis=1) / n
    s = np.sqrt(np.maximum((x**2).cumsum(axis=1) / n - mean**2, 0) * n / np.maximum(n - 1, 1))
    half = np.array([anytime_factor(int(k), 500) for k in n]) * s
    late = slice(49, None)  # the sequence is asymptotic; runs look after fifty episodes first
    assert (np.abs(mean - 1.0) <= half)[:, late].all(axis=1).mean() > 0.95
    peeked = np.abs(mean - 1.0) <= stats.t.ppf(0.975, np.maximum(n - 1, 1)) / np.sqrt(n) * s
    assert peeked[:, late].all(axis=1).mean() < 0.80  # what looking does to an interval for one look
    found = anytime(x[0], 500)
    assert (found.upper - found.lower) / 2 == pytest.approx(half[0, -1], rel=1e-9)


def test_decisions_of_one_patient_count_together():
    rng = np.random.default_rng(3)
    alone = rng.random(400) < 0.3
    found, plain = clustered_share(alone, np.ones(400)), wilson(alone.sum(), 400)
    assert (found.lower, found.upper) == pytest.approx((plain.lower, plain.upper), abs=1e-3)
    tenfold = clustered_share(10 * alone, np.full(400, 10))
    assert (tenfold.lower, tenfold.upper) == pytest.approx((found.lower, found.upper), abs=1e-3)
    none = clustered_share(np.zeros(20), np.full(20, 10))
    assert (none.value, none.lower) == (0.0, 0.0)
    assert none.upper == pytest.approx(wilson(0, 20).upper)


def test_clustered_shares_cover():
    rng = np.random.default_rng(100_002)
    covered = 0
    for _ in range(1_000):
        sizes = rng.integers(1, 20, size=60)
        counts = rng.binomial(sizes, rng.beta(0.5, 2.0, size=60))
        found = clustered_share(counts, sizes)
        covered += found.lower <= 0.2 <= found.upper
    assert 930 < covered < 980


def test_hardly_any_loss_is_bounded_by_the_worst_there_is():
    found = few_losses([0.0] * 59, 0.5)
    assert found.upper == pytest.approx(0.5 * (1 - 0.05 ** (1 / 59)))
    assert few_losses([0.1] * 3, 0.5).upper == 0.5
    mixed = few_losses([0.0] * 58 + [0.2, 1e-15], 0.5, rounding=1e-12)
    assert mixed.n == 60  # episodes, not those that lost something
    assert mixed.value == pytest.approx(0.2 / 60)
    assert found.upper < mixed.upper == pytest.approx(0.5 * stats.beta.ppf(0.95, 2, 59))


def end(i, regret, expected=None, status="terminated"):
    grade = Grade(score=1.0)
    return End(
        episode=i, seed=100_000 + i, episode_return=1.0, grade=grade, regret=regret, expected_regret=expected, steps=3,
        invalid=0, inadmissible=0, status=status,
    )  # fmt: skip


SCALE = Scale(optimal=0.9, worst=0.4, most_lost=0.6, spread=0.1, raw_spread=0.4)


def test_a_sample_without_spread_says_nothing_of_its_error():
    for planned in (None, 200):
        found = of_returns([2.0] * 50, planned=planned)
        assert math.isnan(found.lower)
        assert found.interval == "no interval: all are equal"
    assert of_returns([1.0] * 50, binary=True, planned=200, looks=20).lower == wilson(50, 50, 1 - 0.05 / 20).lower < 1


def test_without_a_worst_policy_few_losses_have_no_interval():
    unbounded = Scale(optimal=0.9, worst=-math.inf, most_lost=math.inf, spread=0.1, raw_spread=0.4)
    found = Estimator(unbounded).value([end(i, 0.0) for i in range(30)]).estimate
    assert found.value == pytest.approx(0.9)
    assert found.interval == "no interval: too few episodes lost anything"
    assert math.isnan(found.lower)


def test_which_estimate_is_made_of_what_the_episodes_tell():
    ends = [end(i, i / 500, i / 1_000) for i in range(TOLD_FROM)]
    told = Estimator(SCALE).value(ends)
    assert told.estimate.value == pytest.approx(0.9 - np.mean(np.arange(TOLD_FROM) / 1_000))
    assert "probabilities known" in told.estimator
    few = Estimator(SCALE).value(ends[:-1])  # too few to trust that little noise is little error
    assert few.estimator == "advantage sum"
    assert few.estimate.value == pytest.approx(0.9 - np.mean(np.arange(TOLD_FROM - 1) / 500))
    untold = Estimator(SCALE).value([end(i, i / 100) for i in range(20)])
    assert untold.estimate.value == pytest.approx(0.9 - np.mean(np.arange(20) / 100))
    assert untold.estimator == "advantage sum"
    cut = Estimator(SCALE).value([*ends, end(TOLD_FROM, 0.0, 0.0, status="truncated")])
    assert cut.estimator == "mean return"
    assert Estimator(None).value(ends).estimator == "mean return"


def test_an_interval_of_returns_ends_where_returns_end():
    ends = [end(i, 0.0).model_copy(update={"episode_return": x}) for i, x in enumerate([1.0, 2.0, 30.0])]
    free = Estimator(None).value(ends).raw
    cut = Estimator(None, possible=(free.value - 1.0, free.value + 1.0)).value(ends).raw
    assert free.lower < cut.lower == free.value - 1.0
    assert free.upper > cut.upper == free.value + 1.0
    assert cut.value == free.value
    same = [one.model_copy(update={"episode_return": 2.0}) for one in ends]
    assert math.isnan(Estimator(None, possible=(-9.0, 9.0)).value(same).raw.lower)


@pytest.mark.parametrize(
    ("env_id", "least", "most"),
    [("doac", -1_800.0, 0.0), ("warfarin", -465.0, 90.0), ("heparin-labs", -155.52, 48.0)],
)
def test_what_an_episode_can_return_is_known(env_id, least, most):
    assert make(env_id).spec.possible_returns == pytest.approx((least, most))


@pytest.mark.parametrize("planned", [None, 100])
def test_equal_losses_say_nothing_of_their_error(planned):
    found = Estimator(SCALE, planned=planned, looks=10).value([end(i, 0.3) for i in range(20)]).estimate
    assert found.value == pytest.approx(0.6)
    assert found.interval == "no interval: all episodes lost the same"
    assert math.isnan(found.lower)
    assert math.isnan(found.upper)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0, 5), min_size=1, max_size=30), st.sampled_from([None, 100]))
@example([1.0] * 5, None)
def test_no_interval_leaves_what_is_possible(losses, planned):
    found = Estimator(SCALE, planned=planned, looks=10).value([end(i, x) for i, x in enumerate(losses)]).estimate
    if not math.isnan(found.lower):
        assert SCALE.worst <= found.lower <= found.value <= found.upper <= SCALE.optimal
        assert found.lower < found.upper


def test_looks_grow_and_end_at_the_most():
    assert looks(30) == [30]
    found = looks(10_000)
    assert found[0] == 50
    assert found[-1] == 10_000
    assert all(a < b for a, b in itertools.pairwise(found))
    n = planned_episodes(0.13, 0.01, 100_000)
    assert anytime_factor(n, n) * 0.13 <= 0.01 < anytime_factor(n - 1, n - 1) * 0.13


def test_a_clustered_share_s_bounds_are_wilson_s_at_the_effective_number_of_decisions():
    counts, sizes = np.array([1, 0, 2, 3, 0]), np.array([2, 5, 2, 4, 3])
    found, p = clustered_share(counts, sizes), 6 / 16
    variance = 5 * np.var(counts - p * sizes, ddof=1) / 16**2
    z = stats.norm.ppf(0.975)
    effective = p * (1 - p) / variance * (z / stats.t.ppf(0.975, 4)) ** 2
    assert found.value == pytest.approx(p)
    assert effective < 16
    for bound in (found.lower, found.upper):
        assert (bound - p) ** 2 == pytest.approx(z**2 * bound * (1 - bound) / effective)
    alike = clustered_share([5, 5, 5, 6], [10] * 4)  # more alike than chance makes them: no more than 40 decisions
    for bound in (alike.lower, alike.upper):
        assert (bound - 21 / 40) ** 2 == pytest.approx(z**2 * bound * (1 - bound) / 40)


def test_at_its_lower_bound_betting_has_won_just_what_is_needed_by_bets_on_what_was_seen_before():
    x, alpha = np.random.default_rng(3).beta(2, 5, 30), 0.05
    lower = betting(x, 0.0, 1.0).lower
    capital, total, squares = 1.0, 0.5, 0.25
    for t, value in enumerate(x, start=1):
        bet = min(np.sqrt(2 * np.log(2 / alpha) / (len(x) * squares / t)), 0.75 / lower)
        capital *= 1 + bet * (value - lower)
        total += value
        squares += (value - total / (t + 1)) ** 2
    assert capital == pytest.approx(2 / alpha)


@pytest.mark.parametrize("looks_taken", [1, 10])
def test_four_losses_are_too_few_for_any_interval_but_their_bound_which_every_look_makes_wider(looks_taken):
    scale = Scale(optimal=1.0, worst=-9.0, most_lost=2.0, spread=1.0, raw_spread=1.0)
    four, five = (np.append(np.zeros(60), np.linspace(0.1, 0.5, n)) for n in (4, 5))
    estimator = Estimator(scale, planned=100, looks=looks_taken)
    bound = few_losses(four, 2.0, 1 - 0.05 / looks_taken)
    found = estimator.of_losses(four, scale)
    assert (found.value, found.lower, found.upper) == pytest.approx((1 - bound.value, 1 - bound.upper, 1.0))
    always = anytime(1 - five, 100)
    found = estimator.of_losses(five, scale)
    assert (found.lower, found.upper) == pytest.approx((always.lower, min(always.upper, 1.0)))
    once = skewness_corrected(1 - five)
    found = Estimator(scale).of_losses(five, scale)
    assert (found.lower, found.upper) == pytest.approx((once.lower, min(once.upper, 1.0)))
