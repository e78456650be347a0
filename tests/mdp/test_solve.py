"""Exact values: against the published ones, against a solve that shares no code, and against identities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.errors import InvalidMDP, InvalidPolicy
from harness.mdp.build import from_arrays
from harness.mdp.certify import unasked
from harness.mdp.evaluate import action_values, evaluate
from harness.mdp.policy import deterministic, uniform
from harness.mdp.solve import SOLVERS, backward_induction, gaps, near_optimal, regret, solve

DEATH = 713


@pytest.fixture(scope="module")
def published():
    """The package's arrays by the package's own reader, and nothing of ours."""
    import icu_sepsis.envs.sepsis as package
    from icu_sepsis.utils.io import MDPParameters

    return MDPParameters(package.Path(package.__file__).parent / "assets")


def dense_value_and_length(published, policy):
    """Textbook dense linear solve on the patient states."""
    P, R = published.tx_mat[:DEATH], published.r_mat[:DEATH]
    transitions = np.einsum("sa,sat->st", policy[:DEATH], P)
    reward = np.einsum("sa,sat,sat->s", policy[:DEATH], P, R)
    A = np.eye(DEATH) - transitions[:, :DEATH]
    start = published.d_0[:DEATH]
    return start @ np.linalg.solve(A, reward), start @ np.linalg.solve(A, np.ones(DEATH))


def dense_optimum(published):
    """Plain value iteration on the full array, as the authors' helper does it, and its greedy policy."""
    P, R = published.tx_mat, published.r_mat
    reward = np.einsum("sat,sat->sa", P, R)
    reward[DEATH:] = 0.0
    V = np.zeros(716)
    for _ in range(10_000):
        Q = reward + P @ V
        Q[DEATH:] = 0.0
        new = Q.max(axis=1)
        if np.abs(new - V).max() < 1e-13:
            break
        V = new
    return np.eye(25)[Q.argmax(axis=1)]


@pytest.mark.parametrize(
    ("name", "value", "length"),
    [("random", 0.7801, 9.46), ("expert", 0.7818, 9.24), ("optimal", 0.8751, 10.99)],
)
def test_reference_values_agree_with_the_paper_and_an_independent_solve(sepsis, published, name, value, length):
    independent = {
        "random": np.full((716, 25), 1 / 25),
        "expert": published.expert_policy,
        "optimal": None,
    }[name]
    if independent is None:
        independent = dense_optimum(published)
    ours = {
        "random": uniform(sepsis.mdp.legal),
        "expert": sepsis.expert_policy,
        "optimal": deterministic(sepsis.mdp, sepsis.optimum.actions),
    }[name]
    found = evaluate(sepsis.mdp, ours)
    J, T = dense_value_and_length(published, independent)
    assert round(found.J, 4) == value
    assert round(found.length, 2) == length
    assert pytest.approx(J, abs=1e-10) == found.J
    assert found.length == pytest.approx(T, abs=1e-8)


def test_no_policy_of_icu_sepsis_outlasts_the_horizon(sepsis):
    """The task is cut off after 500 decisions and its exact values are not: that must make no difference."""
    alive = np.where(sepsis.mdp.terminal, 0.0, 1.0)
    for _ in range(sepsis.spec.horizon):
        survive = sepsis.mdp.rows @ alive
        alive = np.where(sepsis.mdp.terminal, 0.0, survive[sepsis.mdp.row_of].max(axis=1))
    assert alive.max() < 1e-9


def random_mdp(rng, S=8, A=3, discount=1.0):
    P = rng.dirichlet(np.full(S, 0.5), size=(S, A))
    P = 0.9 * P
    P[:, :, -1] += 0.1  # every policy ends
    terminal = np.arange(S) == S - 1
    start = np.append(rng.dirichlet(np.ones(S - 1)), 0.0)
    return from_arrays(P, rng.normal(size=(S, A, S)), start, terminal=terminal, discount=discount)


def random_policy(rng, mdp):
    return rng.dirichlet(np.ones(mdp.n_actions), size=mdp.n_states)


seeds = st.integers(0, 2**32 - 1)


@settings(deadline=None, max_examples=60)
@given(seeds, st.sampled_from([1.0, 0.9]))
def test_performance_difference_identity(seed, discount):
    rng = np.random.default_rng(seed)
    mdp = random_mdp(rng, discount=discount)
    policy, optimum = random_policy(rng, mdp), solve(mdp)
    found = evaluate(mdp, policy)
    lost = found.occupancy @ (policy * regret(optimum)).sum(axis=1)
    assert pytest.approx(lost, abs=1e-10) == optimum.J - found.J


def test_performance_difference_identity_on_icu_sepsis(sepsis):
    found = evaluate(sepsis.mdp, sepsis.expert_policy)
    lost = found.occupancy @ (sepsis.expert_policy * sepsis.regret).sum(axis=1)
    assert pytest.approx(lost, abs=1e-10) == sepsis.optimum.J - found.J


@settings(deadline=None, max_examples=60)
@given(seeds, st.sampled_from([1.0, 0.9]))
def test_every_policy_lies_between_the_worst_and_the_optimum(seed, discount):
    rng = np.random.default_rng(seed)
    mdp = random_mdp(rng, discount=discount)
    V = evaluate(mdp, random_policy(rng, mdp)).V
    assert np.all(V <= solve(mdp).V + 1e-9)
    assert np.all(V >= solve(mdp, worst=True).V - 1e-9)


@settings(deadline=None, max_examples=40)
@given(seeds)
def test_the_optimum_satisfies_the_bellman_equation(seed):
    mdp = random_mdp(np.random.default_rng(seed), discount=0.95)
    optimum = solve(mdp)
    assert np.allclose(action_values(mdp, optimum.V).max(axis=1), optimum.V, atol=1e-10)


@settings(deadline=None, max_examples=40)
@given(seeds)
def test_value_of_a_policy_is_the_limit_of_applying_it(seed):
    rng = np.random.default_rng(seed)
    mdp = random_mdp(rng)
    policy = random_policy(rng, mdp)
    V = np.zeros(mdp.n_states)
    for _ in range(600):
        V = (policy * action_values(mdp, V)).sum(axis=1)
    assert np.allclose(evaluate(mdp, policy).V, V, atol=1e-9)


def test_illegal_actions_are_never_chosen_and_have_no_value():
    mdp = random_mdp(np.random.default_rng(0))
    legal = np.ones((8, 3), dtype=bool)
    best = solve(mdp).actions
    legal[np.arange(8), best] = False
    P = np.stack([[mdp.rows[[mdp.row_of[s, a]]].toarray()[0] for a in range(3)] for s in range(8)])
    restricted = from_arrays(P, mdp.reward(), mdp.start, terminal=mdp.terminal, legal=legal)
    solution = solve(restricted)
    assert np.all(solution.actions[:-1] != best[:-1])
    assert np.isnan(solution.Q[0, best[0]])
    with pytest.raises(InvalidPolicy, match="not legal"):
        evaluate(restricted, deterministic(restricted, best))


def endless_mdp():
    P = np.zeros((3, 2, 3))
    P[0, 0, 1] = P[1, 0, 0] = P[0, 1, 2] = P[1, 1, 2] = 1.0
    return P, np.ones((3, 2)), [1, 0, 0], [False, False, True]


def test_a_policy_that_never_ends_is_named():
    P, R, start, terminal = endless_mdp()
    mdp = from_arrays(P, R, start, terminal=terminal)
    with pytest.raises(InvalidPolicy, match="From state 0 the policy never reaches a terminal state"):
        evaluate(mdp, deterministic(mdp, [0, 0, 0]))
    with pytest.raises(InvalidMDP, match="never ends from state 0"):
        solve(mdp)


def test_going_on_for_nothing_is_no_obstacle_to_an_undiscounted_optimum():
    """A loop without reward beside an exit that pays one: policy iteration must not stop at the loop."""
    P, _, start, terminal = endless_mdp()
    mdp = from_arrays(P, np.array([[0.0, 1.0], [0.0, 0.5], [0.0, 0.0]]), start, terminal=terminal)
    assert not mdp.always_ends
    best, worst = solve(mdp), solve(mdp, worst=True)
    assert np.allclose(best.V, [1.0, 1.0, 0.0])
    assert np.allclose(worst.V, [0.5, 0.5, 0.0])


def test_bounds_are_refused_where_unasked_states_could_go_on_for_ever():
    P, R, start, terminal = endless_mdp()
    with pytest.raises(InvalidMDP, match="every policy ends"):
        unasked(from_arrays(P, R, start, terminal=terminal))


def test_the_same_policy_has_a_discounted_value():
    P, R, start, terminal = endless_mdp()
    mdp = from_arrays(P, R, start, terminal=terminal, discount=0.9)
    found = evaluate(mdp, deterministic(mdp, [0, 0, 0]))
    assert pytest.approx(10.0) == found.J
    assert found.length == float("inf")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda p: p[:, :2], r"shape \(8, 2\); expected \(8, 3\)"),
        (lambda p: np.where(np.arange(8)[:, None] == 4, p * 1.5, p), "policy of state 4 sums to 1.5"),
        (lambda p: np.where(np.arange(8)[:, None] == 2, [1.2, -0.2, 0.0], p), "state 2 holds a negative"),
        (lambda p: np.where(np.arange(8)[:, None] == 3, np.nan, p), "state 3 holds a negative or missing"),
    ],
)
def test_what_is_no_policy_is_named(change, sentence):
    rng = np.random.default_rng(1)
    mdp = random_mdp(rng)
    with pytest.raises(InvalidPolicy, match=sentence):
        evaluate(mdp, change(random_policy(rng, mdp)))


@settings(deadline=None, max_examples=40)
@given(seeds, st.sampled_from([1.0, 0.9]), st.booleans())
def test_all_methods_agree_within_what_they_promise(seed, discount, worst):
    mdp = random_mdp(np.random.default_rng(seed), discount=discount)
    exact = solve(mdp, worst=worst)
    for name, solver in SOLVERS.items():
        found = solver(mdp, worst=worst)
        assert found.error <= 1e-6, name
        assert np.abs(found.V - exact.V).max() <= found.error + 1e-9, name
        assert pytest.approx(exact.J, abs=1e-6) == evaluate(mdp, deterministic(mdp, found.actions)).J, name


@pytest.mark.parametrize("method", sorted(SOLVERS))
def test_all_methods_find_the_optimum_of_icu_sepsis(sepsis, method):
    found = SOLVERS[method](sepsis.mdp)
    assert pytest.approx(sepsis.optimum.J, abs=max(found.error, 1e-10)) == found.J
    assert found.error < 1e-5


@pytest.mark.parametrize("method", ["value-iteration", "modified-policy-iteration"])
def test_iterations_refuse_what_may_never_end(method):
    P, R, start, terminal = endless_mdp()
    with pytest.raises(InvalidMDP, match="may never end"):
        SOLVERS[method](from_arrays(P, R, start, terminal=terminal))


@settings(deadline=None, max_examples=20)
@given(seeds)
def test_a_long_horizon_is_no_horizon(seed):
    mdp = random_mdp(np.random.default_rng(seed))
    V, actions = backward_induction(mdp, 400)
    assert np.allclose(V[0], solve(mdp).V, atol=1e-8)
    assert np.allclose(V[-2], np.where(mdp.terminal, 0, mdp.reward().max(axis=1)))
    assert actions.shape == (400, mdp.n_states)


@settings(deadline=None, max_examples=30)
@given(seeds, st.sampled_from([1.0, 0.8]), st.booleans())
def test_variance_of_the_return_is_that_of_the_distribution(seed, discount, per_transition):
    """Against the moments of an explicit product: episodes followed decision by decision for 400 of them."""
    rng = np.random.default_rng(seed)
    mdp = random_mdp(rng, discount=discount)
    if not per_transition:
        mdp = from_arrays(
            np.stack([[mdp.rows[[mdp.row_of[s, a]]].toarray()[0] for a in range(3)] for s in range(8)]),
            mdp.reward(), mdp.start, terminal=mdp.terminal, discount=discount,
        )  # fmt: skip
    policy = random_policy(rng, mdp)
    rows = mdp.rows.toarray()
    paid = np.zeros_like(rows) + mdp.row_reward[:, None] if mdp.row_rewards is None else mdp.row_rewards.toarray()
    first, second = np.zeros(8), np.zeros(8)
    for _ in range(400):
        r, V, M = paid, discount * first, discount**2 * second
        row_second = (rows * (r**2 + 2 * r * V + M)).sum(axis=1)
        row_first = (rows * (r + V)).sum(axis=1)
        first = np.where(mdp.terminal, 0, (policy * row_first[mdp.row_of]).sum(axis=1))
        second = np.where(mdp.terminal, 0, (policy * row_second[mdp.row_of]).sum(axis=1))
    expected = mdp.start @ second - (mdp.start @ first) ** 2
    assert evaluate(mdp, policy).variance == pytest.approx(expected, abs=1e-8)


def test_survival_is_a_coin(sepsis):
    found = evaluate(sepsis.mdp, sepsis.expert_policy)
    assert found.variance == pytest.approx(found.J * (1 - found.J), abs=1e-10)


def test_of_actions_as_good_the_clinicians_is_taken_and_the_value_stays(sepsis):
    plain = solve(sepsis.mdp)
    assert sepsis.optimum.J == plain.J
    policy = deterministic(sepsis.mdp, sepsis.optimum.actions)
    assert pytest.approx(plain.J, abs=1e-12) == evaluate(sepsis.mdp, policy).J
    live = np.arange(DEATH)
    taken, before = (sepsis.expert_policy[live, found.actions[live]] for found in (sepsis.optimum, plain))
    assert (taken >= before).all()
    assert (taken > 0).all()
    assert (before == 0).any()


def test_gaps_and_near_optimal_actions_of_icu_sepsis(sepsis):
    gap = gaps(sepsis.optimum)[:DEATH]
    assert (gap > 1e-6).sum() == 476
    assert np.median(gap) == pytest.approx(0.00185, abs=5e-6)
    assert near_optimal(sepsis.optimum, 1e-9)[np.arange(DEATH), sepsis.optimum.actions[:DEATH]].all()
    assert near_optimal(sepsis.optimum, 1.0)[:DEATH].all()
    assert np.isnan(gaps(sepsis.optimum, 26)).all()
