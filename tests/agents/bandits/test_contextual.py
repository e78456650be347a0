"""Contextual bandits on tabular tasks: what they learn, and what they are shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.agents.bandits.contexts import contexts
from harness.agents.bandits.contextual import best, learn
from harness.agents.bandits.linear import LinearModels
from harness.agents.bandits.linucb import LinUCB
from harness.agents.bandits.thompson import Thompson
from harness.core.errors import UsageError
from harness.envs.icu_sepsis.data import parameters
from harness.envs.own import playable
from harness.mdp.build import from_arrays
from harness.mdp.environment import TabularEnvironment
from harness.mdp.evaluate import evaluate
from harness.mdp.read import GivenMDP
from harness.mdp.words import About, StateWords

KINDS = [LinUCB, Thompson]


def small(sepsis, mdp):
    """A small MDP with the words of ICU-Sepsis, of whose patients nothing is shown but the state."""

    class Shown:
        pass

    return TabularEnvironment(
        spec=sepsis.spec.model_copy(update={"id": "small", "horizon": 20}),
        mdp=mdp,
        actions=sepsis.actions[: mdp.n_actions],
        action_labels=sepsis.action_labels[: mdp.n_actions],
        observe=lambda state: Shown(),
        describe=str,
        fallback=np.zeros(mdp.n_states, dtype=np.int64),
    )


@pytest.fixture
def clinic(sepsis):
    """One decision, four kinds of patient, three treatments: no more than a bandit needs."""
    chance = np.array([[0.2, 0.9, 0.4], [0.8, 0.3, 0.5], [0.1, 0.2, 0.7], [0.6, 0.1, 0.3]])
    P, R = np.zeros((6, 3, 6)), np.zeros((6, 3, 6))
    P[:4, :, 4], P[:4, :, 5] = chance, 1 - chance
    R[:, :, 4] = 1.0
    mdp = from_arrays(P, R, [0.25] * 4 + [0, 0], terminal=np.arange(6) >= 4)
    return small(sepsis, mdp), chance


@pytest.mark.parametrize("kind", KINDS)
def test_the_best_action_of_every_context_is_learned(clinic, kind):
    env, chance = clinic
    policy, mean = learn(env, kind(episodes=8_000, batch=40))
    assert policy[:4].argmax(axis=1).tolist() == chance.argmax(axis=1).tolist()
    assert pytest.approx(env.optimum.J) == evaluate(env.mdp, policy).J
    assert np.abs(mean[:4].max(axis=1) - chance.max(axis=1)).max() < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_trying_is_given_up_where_it_is_no_use(clinic, kind):
    env, chance = clinic
    told = kind(episodes=8_000, batch=40)
    models = LinearModels(contexts(env), 3, told.ridge)
    rng = np.random.default_rng(0)
    first = told.tried(models, env.mdp.legal | env.mdp.terminal[:, None], rng)
    assert first[:4].max() < 0.8  # nothing is known: nothing is preferred
    for _ in range(200):
        state, action = rng.integers(4, size=100), rng.integers(3, size=100)
        models.update(state, action, (rng.random(100) < chance[state, action]).astype(float))
    later = told.tried(models, env.mdp.legal | env.mdp.terminal[:, None], rng)
    assert (later[np.arange(4), chance.argmax(axis=1)] > 0.95).all()


@pytest.mark.parametrize("kind", KINDS)
def test_training_is_the_same_for_the_same_seed(sepsis, kind):
    policies = [learn(sepsis, kind(episodes=400, seed=seed))[1] for seed in (3, 3, 4)]
    assert np.array_equal(policies[0], policies[1])
    assert not np.array_equal(policies[0], policies[2])


def test_illegal_actions_are_never_taken():
    from harness.envs.registry import make_tabular

    env = make_tabular("icu-sepsis", inadmissible="raise")
    policy, _ = learn(env, LinUCB(episodes=200))
    live = env.mdp.decision_states
    assert env.mdp.legal[live, policy[live].argmax(axis=1)].all()


def test_only_training_seeds_train(clinic):
    with pytest.raises(UsageError, match="Seed 100000 cannot be used to train"):
        learn(clinic[0], LinUCB(seed=100_000))


def test_the_features_of_icu_sepsis_are_shown_scaled(sepsis):
    X = contexts(sepsis)
    live = sepsis.mdp.decision_states
    assert X.shape == (716, 48)
    assert (X[live, -1] == 1).all()
    assert np.abs(X[live, :-1].mean(axis=0)).max() < 1e-9
    assert X[live, :-1].std(axis=0) == pytest.approx(1.0)
    raw = parameters().state_cluster_centers[live]
    assert stats.pearsonr(X[live, 31], raw[:, 31]).statistic == pytest.approx(1.0)
    assert not X[~np.isin(np.arange(716), live)].any()


def test_numbers_of_an_mdp_of_ones_own_are_shown(clinic):
    mdp, ages = clinic[0].mdp, [70, 50, 60, 40]
    known = [StateWords(None, {"age": age, "ward": i % 2}) for i, age in enumerate(ages)]

    def shown(*states):
        none = StateWords(None, {})
        given = GivenMDP(Path("icu-sepsis"), mdp, About(), False, (*states, none, none), (), None, "")
        return contexts(playable(given, "mdp:icu-sepsis"))  # a folder's name says nothing of what is in it

    X = shown(*known)
    assert X.shape == (6, 3)
    assert X[:4, 0].tolist() == pytest.approx(stats.zscore(ages))
    assert X[:4, 1].tolist() == [-1, 1, -1, 1]
    for last in ({"age": "sixty", "ward": 1}, {"age": 60}, {}):
        assert shown(*known[:3], StateWords(None, last))[:4].tolist() == np.eye(4).tolist()


def test_states_without_features_are_told_apart(clinic):
    assert contexts(clinic[0])[:4].tolist() == np.eye(4).tolist()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.floats(0.1, 10))
def test_models_are_ridge_regressions(seed, d, ridge):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(7, d))
    models = LinearModels(X, 2, ridge)
    state, action, outcome = rng.integers(7, size=40), rng.integers(2, size=40), rng.normal(size=40)
    for part in (slice(0, 15), slice(15, 40)):
        models.update(state[part], action[part], outcome[part])
    for a in range(2):
        seen = X[state[action == a]]
        A = seen.T @ seen + ridge * np.eye(d)
        theta = np.linalg.solve(A, seen.T @ outcome[action == a])
        assert models.mean()[:, a] == pytest.approx(X @ theta, abs=1e-9)
        assert models.width()[:, a] ** 2 == pytest.approx((X * np.linalg.solve(A, X.T).T).sum(axis=1), abs=1e-9)


def test_draws_have_the_mean_and_the_width():
    rng = np.random.default_rng(0)
    models = LinearModels(rng.normal(size=(5, 3)), 2, 1.0)
    models.update(rng.integers(5, size=30), rng.integers(2, size=30), rng.normal(size=30))
    drawn = models.drawn(0.7, 20_000, rng)
    error = 0.7 * models.width()
    assert (np.abs(drawn.mean(axis=0) - models.mean()) < 5 * error / np.sqrt(20_000)).all()
    assert drawn.std(axis=0) == pytest.approx(error, rel=0.03)


def test_ties_are_shared():
    legal = np.array([[True, True, True], [True, True, False]])
    assert best(np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 9.0]]), legal).tolist() == [[0.5, 0.5, 0], [0.5, 0.5, 0]]
