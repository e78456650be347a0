"""HIT: platelets and hazards, the best continuation by trying all, and what acting on the 4Ts is worth."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from harness.core.environment import ReferenceKind
from harness.core.errors import IllegalAction
from harness.envs.anticoagulation.four_ts import deepest_fall
from harness.envs.anticoagulation.heparin.hit import constants as c
from harness.envs.anticoagulation.heparin.hit import policies
from harness.envs.anticoagulation.heparin.hit.course import Course, Therapy, draw, run
from harness.envs.anticoagulation.heparin.hit.shown import HitAction, chart_of, observed
from harness.envs.registry import make

MANY = draw(range(100_000, 101_500))
HAS = MANY.onset < c.DAYS


def test_patients_have_hit_and_other_causes_as_often_as_the_constants_say():
    assert HAS.mean() == pytest.approx(c.HIT, abs=0.03)
    assert (MANY.onset[HAS] == 0).mean() == pytest.approx(c.RAPID, abs=0.06)
    rapid = MANY.onset == 0
    assert MANY.exposure[rapid].max() <= 30
    later = MANY.onset[HAS & ~rapid]
    assert (later.min(), later.max()) == (5, 9)
    ill = MANY.illness[0] < c.DAYS
    assert ill[~HAS].mean() == pytest.approx(c.ILL, abs=0.04)


def test_the_day_of_a_sign_tells_nobody_whether_the_other_cause_is_there():
    """Only how sure it seems does."""
    ill = MANY.illness[0] < c.DAYS
    assert (MANY.seems == MANY.illness[0])[ill].all()
    for day in range(c.DAYS):
        assert (MANY.seems == day)[ill].mean() == pytest.approx((MANY.seems == day)[~ill].mean(), abs=0.06)
    exposed = np.isfinite(MANY.exposure)
    assert exposed[MANY.onset > 0].mean() == pytest.approx(c.EXPOSED, abs=0.03)


def test_hit_halves_platelets_within_days_and_they_come_back_off_heparin():
    heparin = run(MANY, policies.always(Therapy.HEPARIN))
    early = HAS & (MANY.onset <= 5)
    assert (deepest_fall(heparin.counts).fall[early] > 0.5).mean() > 0.9
    switched = run(MANY, policies.by_count())
    gone = (switched.therapy[4] == Therapy.ALTERNATIVE) & early
    assert gone.sum() > 50
    assert (switched.counts[10] > 1.5 * switched.counts.min(axis=0))[gone].mean() > 0.9
    well = ~HAS & (MANY.illness[0] > c.DAYS)
    assert np.abs(heparin.counts[:, well] / MANY.before[well] - 1).max() < 0.25  # no drift without a cause


def test_hit_is_dangerous_on_heparin_and_the_alternative_where_there_is_none():
    returns = {therapy: run(MANY, policies.always(therapy)).returns() for therapy in Therapy}
    assert returns[Therapy.HEPARIN][HAS].mean() < returns[Therapy.ALTERNATIVE][HAS].mean() - 10
    assert returns[Therapy.HEPARIN][~HAS].mean() > returns[Therapy.ALTERNATIVE][~HAS].mean() + 4
    assert returns[Therapy.STOP].mean() < min(returns[t].mean() for t in (Therapy.HEPARIN, Therapy.ALTERNATIVE))


def test_the_4ts_beat_chance_and_every_constant_and_are_beaten_by_who_knows():
    by_score = run(MANY, policies.by_four_ts())
    chance = run(MANY, policies.random_therapy(np.random.default_rng(0)))
    knowing = run(MANY, lambda chart: np.where(MANY.onset <= chart.day, Therapy.ALTERNATIVE, Therapy.HEPARIN))
    for therapy in Therapy:
        constant = run(MANY, policies.always(therapy))
        assert constant.returns().mean() < by_score.returns().mean()
        assert constant.right().mean() < by_score.right().mean()
    assert by_score.right().mean() - chance.right().mean() > 0.15
    assert knowing.returns().mean() > by_score.returns().mean() + 1
    assert (knowing.right() == 1).all()


def test_a_batch_is_its_patients_one_by_one():
    together = run(draw(range(8)), policies.by_four_ts())
    for seed in range(8):
        alone = run(draw([seed]), policies.by_four_ts())
        assert np.array_equal(alone.counts[:, 0], together.counts[:, seed])
        assert alone.returns()[0] == pytest.approx(together.returns()[seed])


# --------------------------------------------------------------------------- as it is played


def test_the_reference_is_the_best_of_all_continuations():
    env = make("heparin-hit")
    assert env.reference.kind is ReferenceKind.INFORMED
    seed = next(s for s in range(100) if draw([s]).onset[0] == 7)
    env.reset(seed)
    for _ in range(6):
        env.step(HitAction(therapy="heparin"))
    course = Course(draw([seed]))
    for _ in range(6):
        course.step(np.array([0]))
    found = {}
    for days in itertools.product(range(3), repeat=4):
        branch = course.branch()
        found[days] = sum(float(branch.step(np.array([day]))[0]) for day in days)
    assert env.reference.value() == pytest.approx(max(found.values()))
    for first, name in enumerate(("heparin", "stop", "alternative")):
        best = max(value for days, value in found.items() if days[0] == first)
        assert env.reference.action_value(HitAction(therapy=name)) == pytest.approx(best)


def test_regrets_add_up_and_following_the_reference_regrets_nothing():
    env = make("heparin-hit")
    for seed, knows in itertools.product(range(100_000, 100_004), (True, False)):
        env.reset(seed)
        promised, total, lost, over = env.reference.value(), 0.0, 0.0, False
        while not over:
            action = env.reference.best_action() if knows else env.fallback()
            regret = env.reference.value() - env.reference.action_value(action)
            assert regret >= 0
            transition = env.step(action)
            total, lost, over = total + transition.reward, lost + regret, transition.terminated
            low, high = env.spec.reward_range
            assert low <= transition.reward <= high
        assert total + lost == pytest.approx(promised)
        if knows:
            assert lost == 0
    with pytest.raises(IllegalAction, match="the episode is over"):
        env.step(env.fallback())


def test_an_observation_holds_the_whole_chart():
    course = run(draw([100_001]), policies.random_therapy(np.random.default_rng(3)))
    chart = course.chart()
    again = chart_of(observed(chart, c.DAYS))
    for name in ("day", "counts", "therapy", "sequelae", "other", "exposure"):
        assert np.array_equal(getattr(chart, name), getattr(again, name)), name
