"""Combinations that an environment's patients took, and the agent that asks what a search on them suspects."""

from __future__ import annotations

import numpy as np
import pytest

from harness.agents.bandits import records as module
from harness.agents.bandits.asking import optim_neural_ts
from harness.agents.bandits.combinations import Simulation, from_sets, simulate
from harness.agents.bandits.optim_neural_ts import Settings
from harness.agents.bandits.records import Records, records
from harness.agents.bandits.train import train
from harness.agents.heuristics.medication_review import heuristic
from harness.core.agent import Situation, Trained
from harness.core.errors import RunError, UsageError
from harness.envs import registry
from harness.envs.polypharmacy.interactions import interactions
from harness.envs.polypharmacy.patients import patient
from harness.envs.polypharmacy.review import QueryDDI

TASK = "polypharmacy/easy-screening"


@pytest.fixture(scope="module")
def env():
    return registry.make(TASK)


@pytest.fixture
def some(monkeypatch):
    """Records of a hundred patients."""
    monkeypatch.setattr(module, "TRAINING_SEEDS", range(100))
    return records(Records(env=TASK, per_patient=2))


def test_records_are_parts_of_lists_and_their_risk_is_that_of_the_pairs_in_them(env, some):
    lists = [patient(seed, env.task, env.tables) for seed in range(100)]
    drugs = np.array(some.drugs)
    for row, risk in zip(some.members.toarray().astype(bool), some.risk, strict=True):
        held = set(drugs[row])
        assert len(held) >= 2
        of = [who for who in lists if held <= {m.drug for m in who.medications}]
        names = sorted(held)
        sums = [interactions(names, who.conditions, env.tables)[:, :, 0, 0].sum() / 2 for who in of]
        assert np.isclose(risk - 1, sums).any()


def test_the_same_records_every_time_and_each_combination_once(some):
    again = records(Records(env=TASK, per_patient=2))
    assert again.fingerprint == some.fingerprint
    assert len(np.unique(some.members.toarray(), axis=0)) == len(some)


def test_only_medication_reviews_have_drug_lists():
    with pytest.raises(UsageError, match="icu-sepsis has no drug lists"):
        records(Records(env="icu-sepsis"))


async def test_asks_first_what_the_search_suspects(env, tmp_path):
    """A search that was told of one pair alone asks about it first."""
    shown = env.reset(100_000)
    taken = [m.drug for m in shown.medications]
    bad = frozenset((taken[-1], taken[0]))
    rng = np.random.default_rng(0)
    sets = [frozenset(rng.choice(taken, size=n, replace=False).tolist()) for n in (1, 2, 3) for _ in range(20)]
    others = [frozenset({drug}) for drug in env.tables.drugs]
    data = from_sets("told", tuple(env.tables.drugs), {held: 1.0 + 2 * (bad <= held) for held in (*sets, bad, *others)})
    train(tmp_path, data, Settings(steps=400, warm_up=390, hidden=16), 0)
    agent = optim_neural_ts(tmp_path, env)
    asked = (await agent.act(shown, Situation(why_illegal=env.why_illegal, seed=100_000))).action.action
    assert isinstance(asked, QueryDDI)
    assert {asked.drug_id_1, asked.drug_id_2} == bad
    assert isinstance(agent, Trained)
    assert agent.identity["algorithm"] == "optim-neural-ts"
    assert not isinstance(heuristic(env), Trained)


def test_a_search_over_other_drugs_is_refused(env, tmp_path):
    small = simulate(Simulation(seed=4, drugs=30, combinations=500, patterns=3, mean_size=3))
    train(tmp_path, small, Settings(steps=60, warm_up=50, hidden=8), 0)
    with pytest.raises(RunError, match=f"train one with harness train optim-neural-ts --env {TASK}"):
        optim_neural_ts(tmp_path, env)
    with pytest.raises(UsageError, match="reviews medications"):
        optim_neural_ts(tmp_path, registry.make("icu-sepsis"))
