"""What every offline learner is to do, on small MDPs of which the optimum is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

from harness.agents.offline import batch_constrained, cloning, conservative, fitted_q, pessimistic
from harness.agents.offline.empirical import empirical
from harness.agents.offline.learners import LEARNERS, learner, within_legal
from harness.core.errors import InvalidDataset, UsageError
from harness.mdp.build import from_arrays
from harness.mdp.dataset import checked, counts
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import check_policy, uniform
from harness.mdp.simulate import record
from harness.mdp.solve import solve
from tests.mdp.test_solve import random_mdp, random_policy

CLEAR = 0.15
"""Every state's best action is better than the second by this much in `ward`."""


@pytest.fixture(scope="module")
def ward():
    """Five states of illness from which two of four treatments lead up, and two down; the rewards say by how much."""
    S, A = 7, 4
    P, R = np.zeros((S, A, S)), np.zeros((S, A, S))
    for state in range(5):
        for action in range(A):
            up = [0.2, 0.45, 0.7, 0.1][(action + state) % A]
            P[state, action, state + 1 if state < 4 else 6] += up
            P[state, action, state - 1 if state > 0 else 5] += 1 - up
    R[:, :, 6] = 1.0
    return from_arrays(P, R, [0, 0, 1, 0, 0, 0, 0], terminal=np.arange(S) >= 5)


def empirical_mdp(data, support=1):
    """The empirical model as an MDP of its own, by other means than the learners': exact policy iteration solves it.

    Actions with so much support are legal, or the first of the most frequent ones where none has it.
    """
    seen = counts(data)
    P = seen.transitions.toarray().reshape(data.n_states, data.n_actions, data.n_states).astype(float)
    n = np.maximum(seen.visits, 1)
    known = seen.visits.any(axis=1)
    most = np.eye(data.n_actions, dtype=bool)[seen.visits.argmax(axis=1)]
    legal = np.where((seen.visits >= support).any(axis=1)[:, None], seen.visits >= support, most)
    return from_arrays(
        P / n[..., None],
        seen.reward / n,
        seen.start / seen.start.sum(),
        terminal=~known,
        discount=data.discount,
        legal=legal | ~known[:, None],
    )


def logged(seed, episodes=60, discount=0.9, horizon=20):
    rng = np.random.default_rng(seed)
    mdp = random_mdp(rng, discount=discount)
    return mdp, record(mdp, random_policy(rng, mdp), episodes, seed=seed % 10_000, horizon=horizon)


# --------------------------------------------------------------------------- ample data


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fitted-q", {}),
        ("batch-constrained-q", {}),
        ("pessimistic-vi", {}),
        ("conservative-q", {"alpha": 0.01, "discount": 0.99999}),
    ],
)
def test_the_optimum_is_learned_from_ample_data(ward, name, said):
    data = record(ward, uniform(ward.legal), 40_000, seed=0)
    found = learner(name)
    policy, q = found.learn(data, found.settings(**said))
    optimum = solve(ward)
    assert np.array_equal(policy[:5].argmax(axis=1), optimum.actions[:5])
    assert pytest.approx(optimum.J, abs=1e-9) == evaluate(ward, policy).J
    assert q is not None
    assert np.nanmax(np.abs(q[:5].max(axis=1) - optimum.V[:5])) < 0.05


def test_behaviour_is_cloned(ward):
    behaviour = np.tile([0.1, 0.2, 0.3, 0.4], (ward.n_states, 1))
    data = record(ward, behaviour, 40_000, seed=1)
    policy, q = cloning.learn(data)
    assert q is None
    assert np.abs(policy[:5] - behaviour[:5]).max() < 0.02
    assert pytest.approx(evaluate(ward, behaviour).J, abs=0.01) == evaluate(ward, policy).J


def test_smoothing_adds_to_every_count():
    data = checked(
        episode=[0, 0, 1], step=[0, 1, 0], state=[0, 1, 0], action=[1, 0, 0], reward=[0, 1, 0], next_state=[1, 2, 2],
        terminated=[False, True, True], n_states=3, n_actions=2, discount=1.0,
    )  # fmt: skip
    assert cloning.learn(data)[0].tolist() == [[0.5, 0.5], [1.0, 0.0], [0.5, 0.5]]
    smoothed, _ = cloning.learn(data, cloning.Settings(smoothing=0.5))
    assert smoothed.tolist() == [[0.5, 0.5], [0.75, 0.25], [0.5, 0.5]]


# --------------------------------------------------------------------------- invariants


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(LEARNERS)))
def test_every_learner_gives_a_policy_and_always_the_same(seed, name):
    mdp, data = logged(seed)
    found = learner(name)
    policy, q = found.learn(data, found.settings())
    check_policy(mdp, within_legal(policy, mdp.legal))
    assert np.allclose(policy.sum(axis=1), 1.0)
    again, q_again = found.learn(data, found.settings())
    assert np.array_equal(policy, again)
    if q is not None:
        assert np.array_equal(q, q_again, equal_nan=True)
        taken = (policy == 1.0) & counts(data).visits.any(axis=1)[:, None]
        assert q[taken] == pytest.approx(np.nanmax(q[taken.any(axis=1)], axis=1), rel=1e-7, abs=1e-7)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_fitted_q_solves_the_empirical_model(seed):
    _, data = logged(seed)
    policy, q = fitted_q.learn(data)
    exact = solve(empirical_mdp(data))
    known = counts(data).visits.any(axis=1)
    assert q is not None
    assert np.nanmax(np.abs(np.nanmax(q[known], axis=1) - exact.V[known])) < 1e-7
    assert np.abs(q[known][policy[known] == 1.0] - exact.V[known]).max() < 1e-7


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_learners_that_are_told_to_trust_the_data_are_fitted_q(seed):
    _, data = logged(seed)
    policy, q = fitted_q.learn(data)
    for other, other_q in (
        batch_constrained.learn(data, batch_constrained.Settings(support=1)),
        conservative.learn(data, conservative.Settings(alpha=0)),
        pessimistic.learn(data, pessimistic.Settings(beta=0)),
    ):
        assert np.array_equal(policy, other)
        assert np.array_equal(q, other_q, equal_nan=True)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_only_supported_actions_are_taken(seed, support):
    _, data = logged(seed)
    policy, q = batch_constrained.learn(data, batch_constrained.Settings(support=support))
    visits = counts(data).visits
    for state in np.flatnonzero(visits.any(axis=1)):
        action = policy[state].argmax()
        if visits[state].max() >= support:
            assert visits[state, action] >= support
            assert np.array_equal(~np.isnan(q[state]), visits[state] >= support)
        else:
            assert action == visits[state].argmax()
    known = visits.any(axis=1)
    assert np.nanmax(q[known], axis=1) == pytest.approx(solve(empirical_mdp(data, support)).V[known], abs=1e-7)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0.001, 10))
def test_pessimism_only_lowers_values(seed, beta):
    _, data = logged(seed)
    _, free = fitted_q.learn(data)
    _, lowered = pessimistic.learn(data, pessimistic.Settings(beta=beta))
    _, more = pessimistic.learn(data, pessimistic.Settings(beta=2 * beta))
    assert (lowered - free)[~np.isnan(free)].max() < 1e-8
    assert (more - lowered)[~np.isnan(free)].max() < 1e-8


def test_of_actions_that_are_as_good_the_one_seen_most_often_is_taken_then_the_lowest():
    state = np.array([0, 0, 0, 1, 1, 2])
    data = checked(
        episode=range(6), step=[0] * 6, state=state, action=[0, 1, 1, 2, 1, 0], reward=[1] * 6, next_state=[3] * 6,
        terminated=[True] * 6, n_states=4, n_actions=3, discount=0.9,
    )  # fmt: skip
    assert fitted_q.learn(data)[0][:3].argmax(axis=1).tolist() == [1, 1, 0]


def test_the_penalty_falls_with_the_root_of_the_visits_and_leaves_the_least_return():
    data = checked(
        episode=range(7), step=[0] * 7, state=[0] * 7, action=[0, 0, 0, 0, 1, 2, 2], reward=[1, 1, 1, 3, 2, 0.2, -0.2],
        next_state=[1] * 7, terminated=[True] * 7, n_states=2, n_actions=3, discount=1.0,
    )  # fmt: skip
    policy, q = pessimistic.learn(data, pessimistic.Settings(beta=0.8))
    assert q[0] == pytest.approx([1.5 - 0.8 / 2, 2 - 0.8, -0.2])  # the third would be below what any decision brought
    assert policy[0].argmax() == 1


def test_what_is_worse_than_any_return_seen_is_not_raised_to_the_least_of_them():
    """An episode that was cut off before the state that costs most."""
    data = checked(
        episode=[0, 1], step=[0, 0], state=[0, 1], action=[0, 0], reward=[-0.5, -1], next_state=[1, 2],
        terminated=[False, True], n_states=3, n_actions=1, discount=0.9,
    )  # fmt: skip
    _, q = pessimistic.learn(data, pessimistic.Settings(beta=0.3))
    assert q[:2, 0] == pytest.approx([-0.5 - 0.9, -1])


def test_pessimism_takes_no_value_below_what_was_seen(sepsis):
    data = record(sepsis.mdp, sepsis.expert_policy, 200, seed=3)
    _, q = pessimistic.learn(data, pessimistic.Settings(beta=100))
    assert np.nanmin(q) == 0.0


# --------------------------------------------------------------------------- CQL


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.001, 0.1, 1.0, 10.0]))
def test_conservative_values_are_the_minimum_of_their_objective(seed, alpha):
    """Against a general minimiser, state by state."""
    rng = np.random.default_rng(seed)
    _, data = logged(seed)
    model = empirical(data)
    y = rng.normal(scale=3, size=len(model.state))
    q = conservative.Minimum(model, alpha)(y)
    for state in np.unique(model.state)[:4]:
        pairs = model.state == state
        share, target = model.share[pairs], y[pairs]

        def objective(Q, share=share, target=target):
            return alpha * (special.logsumexp(Q) - share @ Q) + 0.5 * share @ (Q - target) ** 2

        def gradient(Q, share=share, target=target):
            return alpha * (special.softmax(Q) - share) + share * (Q - target)

        assert np.abs(gradient(q[pairs])).max() < 1e-9 * max(1.0, alpha)
        found = optimize.minimize(objective, target, jac=gradient)
        assert objective(q[pairs]) <= found.fun + 1e-9


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 1.0, 10.0]))
def test_conservative_q_is_a_fixed_point(seed, alpha):
    _, data = logged(seed)
    model = empirical(data)
    _, table = conservative.learn(data, conservative.Settings(alpha=alpha))
    q = table[model.state, model.action]
    again = conservative.Minimum(model, alpha)(model.targets(model.best(q)))
    assert np.abs(again - q).max() < 1e-8 * max(1.0, np.abs(q).max())


def test_a_large_alpha_clones_the_most_frequent_action(sepsis):
    data = record(sepsis.mdp, sepsis.expert_policy, 2_000, seed=4)
    policy, _ = conservative.learn(data, conservative.Settings(alpha=1e4))
    visits = counts(data).visits
    ordered = np.sort(visits, axis=1)
    clear = ordered[:, -1] >= 1.5 * np.maximum(ordered[:, -2], 4)
    assert clear.sum() > 300
    assert np.array_equal(policy[clear].argmax(axis=1), visits[clear].argmax(axis=1))


def test_an_action_that_was_only_seen_to_lead_back_is_not_taken():
    """Without a discount its value is that of its state, and it would never end."""
    data = checked(
        episode=[0, 0, 0, 0], step=[0, 1, 2, 3], state=[0, 0, 0, 1], action=[0, 0, 1, 0], reward=[0, 0, 0, 1],
        next_state=[0, 0, 1, 2], terminated=[False, False, False, True], n_states=3, n_actions=2, discount=1.0,
    )  # fmt: skip
    policy, q = fitted_q.learn(data)
    assert q is not None
    assert q[0].tolist() == [1.0, 1.0]
    assert policy[0].tolist() == [0.0, 1.0]


# --------------------------------------------------------------------------- what cannot be learned


def test_going_round_for_ever_is_named(monkeypatch):
    monkeypatch.setattr("harness.agents.offline.empirical.MAX_ITERATIONS", 50)
    endless = {
        "episode": [0, 0], "step": [0, 1], "state": [0, 1], "action": [0, 0], "reward": [1, 1], "next_state": [1, 0],
        "terminated": [False, False], "n_states": 2, "n_actions": 1,
    }  # fmt: skip
    with pytest.raises(InvalidDataset, match="did not settle in 50 iterations"):
        fitted_q.learn(checked(**endless, discount=1.0))
    _, q = fitted_q.learn(checked(**endless, discount=0.5))
    assert q is not None


def test_an_unknown_learner_is_named():
    with pytest.raises(UsageError, match=r"no offline learner 'cql'.*conservative-q"):
        learner("cql")


def test_illegal_actions_lose_their_probability():
    policy = np.array([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [0.25, 0.25, 0.5]])
    legal = np.array([[True, False, True], [True, False, True], [True, True, True]])
    assert within_legal(policy, legal).tolist() == [[1.0, 0.0, 0.0], [0.5, 0.0, 0.5], [0.25, 0.25, 0.5]]
