"""The search on small data: what it finds, and that it finds it by searching."""

from __future__ import annotations

import numpy as np
import pytest

from harness.agents.bandits.combinations import Disjoint, Simulation, simulate
from harness.agents.bandits.optim_neural_ts import Arm, Settings, advance, begin
from harness.agents.bandits.training import WARM_UPDATES, Schedule

SMALL = simulate(Simulation(seed=4, drugs=30, combinations=500, patterns=3, mean_size=3))
LEARNABLE = simulate(
    Simulation(seed=4, drugs=30, combinations=500, patterns=3, mean_size=3, disjoint=Disjoint.PROTECTIVE)
)
SETTINGS = Settings(steps=1_000, warm_up=200, hidden=32, lam=0.3)


def searched(settings: Settings, seed: int = 0, data=SMALL):
    search = begin(data, settings, seed)
    advance(search, settings.steps, lambda search, due: None)
    return search


@pytest.fixture(scope="module")
def found():
    return searched(SETTINGS)


@pytest.fixture(scope="module")
def by_chance():
    return searched(SETTINGS.model_copy(update={"arm": Arm.RANDOM}))


def test_it_finds_most_of_what_is_dangerous_and_nothing_else(found):
    last = found.curve[-1]
    assert last["precision"] >= 0.98
    assert last["recall"] > 0.7
    assert last["patterns"] == len(SMALL.patterns)


def test_it_finds_sooner_than_chance(found, by_chance):
    at_600 = [search.curve[2]["recall"] for search in (found, by_chance)]
    assert at_600[0] > at_600[1] + 0.15


def test_it_observes_more_dangerous_combinations_than_chance(found, by_chance):
    share = [SMALL.dangerous[s.rows[SETTINGS.warm_up :]].mean() for s in (found, by_chance)]
    assert share[0] > share[1] + 0.3
    assert share[1] == pytest.approx(SMALL.dangerous.mean(), abs=0.06)


def test_the_arm_without_search_suggests_existing_combinations_by_their_draws():
    search = searched(SETTINGS.model_copy(update={"arm": Arm.NO_SEARCH, "steps": 400}))
    suggested = search.rows[SETTINGS.warm_up : 400]
    assert SMALL.dangerous[suggested].mean() > SMALL.dangerous.mean() + 0.2


def test_flags_are_a_union_so_recall_never_falls(found):
    recalls = [row["recall"] for row in found.curve]
    assert [row["step"] for row in found.curve] == [200, 400, 600, 800, 1_000]
    assert recalls == sorted(recalls)
    assert all(row["recall_now"] <= row["recall"] for row in found.curve)
    assert found.flagged.sum() == found.curve[-1]["flagged"]


def test_what_is_observed_is_the_risk_with_noise(found):
    noise = found.observed - SMALL.risk[found.rows]
    assert noise.mean() == pytest.approx(0.0, abs=0.02)
    assert noise.std() == pytest.approx(0.1, rel=0.1)


def test_the_warm_up_draws_uniformly():
    search = begin(SMALL, Settings(steps=5_000, warm_up=5_000, hidden=2, generations=0), 0)
    advance(search, 1, lambda search, due: None)
    assert search.step == 5_000
    counts = np.bincount(search.rows, minlength=len(SMALL))
    assert ((counts - 10) ** 2 / 10).sum() == pytest.approx(len(SMALL), abs=5 * np.sqrt(2 * len(SMALL)))


@pytest.mark.parametrize(("schedule", "epochs"), [(Schedule.WARM, None), (Schedule.PUBLISHED, 100)])
def test_the_schedule_says_how_long_a_retraining_is(schedule, epochs):
    search = begin(SMALL, Settings(steps=130, warm_up=120, hidden=4, schedule=schedule), 0)
    advance(search, 120, lambda search, due: None)
    first = search.adam.updates
    advance(search, 130, lambda search, due: None)
    assert first == 100 * 2  # 120 observations are two batches
    assert search.adam.updates == (first + WARM_UPDATES if epochs is None else epochs * 3)


def test_seeds_differ_and_repeat():
    settings = SETTINGS.model_copy(update={"steps": 220})
    one, again, other = (searched(settings, seed) for seed in (0, 0, 1))
    assert (one.rows == again.rows).all()
    assert one.adam.parameters.tobytes() == again.adam.parameters.tobytes()
    assert not (one.rows == other.rows).all()


def test_what_is_neutral_by_nature_and_dangerous_by_chance_is_not_called_a_pattern(found):
    """A few disjoint combinations have a risk above 1.1 by chance; nothing about their drugs says so."""
    by_chance = SMALL.dangerous & ~LEARNABLE.dangerous
    assert by_chance.any()
    assert found.flagged[by_chance].mean() < 0.2
