"""A review as a network sees it: what may be done, in rows that say nothing of the order of the list."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from harness.agents.heuristics.charts import Charts
from harness.agents.rl.review_views import ReviewViews
from harness.envs import registry as envs
from harness.envs.polypharmacy.environment import MedicationReview
from harness.envs.polypharmacy.harm import harm_of
from harness.envs.polypharmacy.patients import TASKS
from harness.envs.polypharmacy.review import ReviewObservation
from harness.envs.polypharmacy.state import ReviewState


def observations(env: MedicationReview, views: ReviewViews, seed: int):
    """Those of an episode in which every row of a view is as likely as any other."""
    rng = np.random.default_rng(seed)
    observation = env.reset(seed)
    while not observation.done:
        yield observation
        view = views.view(observation)
        transition = env.step(view.action(int(rng.integers(len(view.actions)))))
        assert transition.info["admissible"], transition.observation.problem
        observation = transition.observation


def turned(observation: ReviewObservation, seed: int) -> ReviewObservation:
    """The same with its list in another order."""
    order = np.random.default_rng(seed).permutation(len(observation.medications))
    return observation.model_copy(update={"medications": tuple(observation.medications[i] for i in order)})


@pytest.mark.parametrize("task", TASKS)
def test_the_rows_are_exactly_what_the_rules_allow(task):
    env = envs.make(f"polypharmacy/{task}")
    views, charts = ReviewViews(env.tables), Charts(env.tables)
    seen = 0
    for seed in range(6):
        for observation in observations(env, views, seed):
            view = views.view(observation)
            rows = [str(view.action(row)) for row in range(len(view.actions))]
            assert rows == [str(action) for action in charts.state(observation).actions()]
            seen += 1
    assert seen > 20


@pytest.mark.parametrize("task", TASKS)
def test_another_order_of_the_list_gives_the_same_rows(task):
    env = envs.make(f"polypharmacy/{task}")
    views = ReviewViews(env.tables)

    def facts(observation):
        view = views.view(observation)
        none = np.zeros_like(view.items[0])
        rows = {}
        for n, row in enumerate(view.actions):
            about = sorted(tuple(view.items[i] if i >= 0 else none) for i in view.about[n])
            rows[str(view.action(n))] = (*row, *about[0], *about[1])
        return view.context, sorted(map(tuple, view.items[: view.present])), rows

    for observation in observations(env, views, 11):
        context, items, rows = facts(observation)
        context_2, items_2, rows_2 = facts(turned(observation, 5))
        assert context == pytest.approx(context_2, abs=1e-6)
        assert items == items_2
        assert rows.keys() == rows_2.keys()
        assert all(rows[name] == pytest.approx(rows_2[name], abs=1e-6) for name in rows)


def test_a_view_is_the_same_in_a_world_where_nothing_interacts_until_an_answer_differs():
    env, harmless = (envs.make("polypharmacy/complex-tradeoff") for _ in range(2))
    views = ReviewViews(env.tables)
    harmless.tables = replace(env.tables, interactions={}, pairs=())
    compared = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        shown = env.reset(seed)
        harm = harm_of(env._patient, harmless.tables)
        harmless._patient, harmless._shown, other = env._patient, shown, shown
        harmless._state = harmless._first = ReviewState(harm, harm.start, frozenset(), 12, 5, 30)
        while not shown.done and [q.findings for q in shown.queries] == [q.findings for q in other.queries]:
            one, same = views.view(shown), views.view(other)
            for part in ("context", "items", "actions", "about"):
                assert np.array_equal(getattr(one, part), getattr(same, part)), part
            action = one.action(int(rng.integers(len(one.actions))))
            shown, other = env.step(action).observation, harmless.step(action).observation
            compared += 1
    assert compared > 8


def test_what_was_not_asked_about_is_not_in_a_view():
    env = envs.make("polypharmacy/complex-tradeoff")
    views = ReviewViews(env.tables)
    column = views.columns[1].index("found")
    told = untold = 0
    for observation in itertools.chain(*(observations(env, views, seed) for seed in range(3))):
        view = views.view(observation)
        taken = [m.drug for m in observation.medications if not m.stopped]
        known = {d for q in observation.queries if q.findings for d in (q.drug_id_1, q.drug_id_2)}
        for drug, row in zip(taken, view.items[: view.present], strict=True):
            if drug in known:
                told += row[column] > 0
            else:
                untold += 1
                assert row[column] == 0
    assert told
    assert untold
