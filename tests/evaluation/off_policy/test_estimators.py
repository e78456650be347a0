"""Estimators against exact expectations over all episodes, and against the exact value."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from harness.core.errors import InvalidDataset, InvalidPolicy
from harness.evaluation.off_policy.bootstrap import percentile, resampled
from harness.evaluation.off_policy.doubly_robust import (
    Baseline,
    baseline,
    cross_fitted,
    doubly_robust,
    doubly_robust_terms,
    part,
    weighted_doubly_robust,
)
from harness.evaluation.off_policy.every import ESTIMATORS, by_model, by_weights, estimates
from harness.evaluation.off_policy.importance import per_episode, self_normalised, totals
from harness.evaluation.off_policy.model import fit, influences
from harness.evaluation.off_policy.weights import Weights, estimated_behaviour, importance_weights, kish
from harness.mdp.dataset import checked, counts
from harness.mdp.evaluate import action_values, evaluate
from harness.mdp.simulate import record
from tests.evaluation.off_policy.small import all_episodes, broad_policy, layered, some_policy

SEEDS = range(5)


def by_name(found):
    return {e.estimator: e for e in found}


def listed(seed, discount=0.9):
    mdp, P, R = layered(seed, discount)
    behaviour, policy = some_policy(seed + 10), some_policy(seed + 20)
    data, chances = all_episodes(mdp, P, R, behaviour)
    assert chances.sum() == pytest.approx(1)
    return mdp, behaviour, policy, data, chances


@pytest.mark.parametrize("discount", [1.0, 0.9])
@pytest.mark.parametrize("seed", SEEDS)
def test_is_and_pdis_are_unbiased_over_all_episodes(seed, discount):
    mdp, behaviour, policy, data, chances = listed(seed, discount)
    policy[seed] = [0, 1]  # an episode in which the other was taken counts no more from there on
    J = evaluate(mdp, policy).J
    weights = importance_weights(data, policy)
    assert chances @ weights.episode == pytest.approx(1, abs=1e-12)
    assert chances @ (weights.episode * data.returns) == pytest.approx(J, abs=1e-12)
    assert chances @ per_episode(data, weights.step * data.reward) == pytest.approx(J, abs=1e-12)
    known = importance_weights(data, policy, behaviour)
    assert np.allclose(known.step, weights.step, rtol=1e-12)


@pytest.mark.parametrize("discount", [1.0, 0.9])
@pytest.mark.parametrize("seed", SEEDS)
def test_dr_is_unbiased_for_any_q_and_varies_least_with_the_true_one(seed, discount):
    mdp, _, policy, data, chances = listed(seed, discount)
    exact = evaluate(mdp, policy)
    weights = importance_weights(data, policy)

    def moments(q):
        terms = doubly_robust_terms(data, weights, baseline(data, policy, q))
        mean = chances @ terms
        return mean, chances @ (terms - mean) ** 2

    true_mean, true_variance = moments(action_values(mdp, exact.V))
    wrong_mean, _ = moments(np.random.default_rng(seed).normal(size=policy.shape))
    none_mean, none_variance = moments(np.zeros(policy.shape))
    for mean in (true_mean, wrong_mean, none_mean):
        assert mean == pytest.approx(exact.J, abs=1e-12)
    assert true_variance < 0.9 * none_variance


@pytest.mark.parametrize("seed", SEEDS)
def test_dr_without_a_baseline_is_pdis(seed):
    _, _, policy, data, _ = listed(seed)
    weights = importance_weights(data, policy)
    terms = doubly_robust_terms(data, weights, baseline(data, policy, np.zeros(policy.shape)))
    assert np.allclose(terms, per_episode(data, weights.step * data.reward))


@pytest.mark.parametrize("seed", SEEDS)
def test_on_its_own_data_a_policy_is_worth_the_mean_return_with_every_episode_effective(seed):
    mdp, _, _ = layered(seed)
    policy = some_policy(seed)
    data = record(mdp, policy, 200, seed=seed)
    found = by_name(by_weights(data, policy))
    weights = importance_weights(data, policy)
    assert np.array_equal(weights.step, np.ones(len(data)))
    for name in ("IS", "WIS", "PDIS", "WPDIS"):
        assert found[name].value == pytest.approx(data.returns.mean(), abs=1e-12)
        assert found[name].ess == pytest.approx(200)
        assert found[name].lower < found[name].value < found[name].upper
    assert found["DR"].value == pytest.approx(found["WDR"].value, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_where_the_behaviour_is_estimated_cloning_it_is_on_policy(seed):
    mdp, _, _ = layered(seed)
    data = record(mdp, some_policy(seed), 300, seed=seed)
    cloned = estimated_behaviour(data)
    found = by_name([*by_weights(data, cloned, cloned), *by_model(data, cloned)])
    for name in ("IS", "WIS", "PDIS", "WPDIS", "FQE", "MB"):
        assert found[name].value == pytest.approx(data.returns.mean(), abs=1e-10), name
        assert found[name].ess == pytest.approx(300)


def test_wis_divides_by_the_sum_of_the_weights():
    mdp, _, _ = layered(2)
    data, policy = record(mdp, some_policy(3), 30, seed=2), some_policy(31)
    weights = importance_weights(data, policy).episode
    assert abs(weights.sum() - 30) > 1
    found = by_name(by_weights(data, policy))["WIS"]
    assert found.value == pytest.approx(sum(weights * data.returns) / sum(weights))


def test_the_interval_of_wdr_resamples_the_first_values_with_the_episodes():
    mdp, _, _ = layered(2)
    data, policy = record(mdp, some_policy(1), 30, seed=0), some_policy(2)
    start = np.random.default_rng(0).normal(size=30)
    known = Baseline(start, data.reward, np.zeros(len(data)))  # what follows is explained wholly
    weights, drawn = importance_weights(data, policy), resampled(30, 400)
    found = weighted_doubly_robust(data, weights, known, totals(data, weights, drawn))
    bounds = np.quantile(start @ drawn / 30, [0.025, 0.975])
    assert (found.lower, found.value, found.upper) == pytest.approx((bounds[0], start.mean(), bounds[1]), abs=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_wis_and_its_interval_stay_within_the_returns(seed):
    mdp, _, _ = layered(seed)
    data = record(mdp, some_policy(seed + 1), 12, seed=seed)
    found = by_name(by_weights(data, some_policy(seed + 30)))["WIS"]
    assert data.returns.min() <= found.lower <= found.value <= found.upper <= data.returns.max()


@pytest.mark.parametrize("seed", SEEDS)
def test_all_estimators_approach_the_exact_value(seed):
    mdp, _, _ = layered(seed)
    behaviour, policy = broad_policy(seed + 1), some_policy(seed + 2)
    J = evaluate(mdp, policy).J
    data = record(mdp, behaviour, 40_000, seed=seed)
    found = by_name(estimates(data, policy)) | {
        f"{e.estimator} estimated": e for e in by_weights(data, policy, estimated_behaviour(data))
    }
    for name, e in found.items():
        half = (e.upper - e.lower) / 2
        assert half < 0.3, name
        assert abs(e.value - J) < 2.5 * half, name


@pytest.mark.parametrize("seed", SEEDS)
def test_fqe_and_the_empirical_mdp_agree_where_everything_was_tried(seed):
    mdp, _, _ = layered(seed)
    data = record(mdp, broad_policy(seed), 3_000, seed=seed)
    assert (counts(data).visits[:-1] > 0).all()
    fqe, mb = by_model(data, some_policy(seed + 5))
    assert fqe.value == pytest.approx(mb.value, abs=1e-12)
    assert (fqe.lower, fqe.upper, fqe.ess) == pytest.approx((mb.lower, mb.upper, mb.ess))
    assert fqe.note == mb.note == ""


def test_fqe_is_where_repeated_fitting_ends():
    mdp, _, _ = layered(3)
    data, policy = record(mdp, some_policy(1), 100, seed=0), some_policy(2)
    found = counts(data)
    Q = np.zeros(policy.shape)
    for _ in range(50):
        target = data.reward + data.discount * np.where(data.terminated, 0.0, (policy * Q).sum(axis=1)[data.next_state])
        sums = np.zeros(policy.shape)
        np.add.at(sums, (data.state, data.action), target)
        Q = np.where(found.visits > 0, sums / np.maximum(found.visits, 1), 0.0)
    fitted = fit(found, policy, data.discount, fill=False)
    assert np.allclose(fitted.Q, Q, atol=1e-12)
    value = (policy * Q).sum(axis=1)[data.state[data.first]].mean()
    assert by_model(data, policy)[0].value == pytest.approx(value, abs=1e-12)


def test_influences_are_the_derivative_of_the_value_by_how_often_an_episode_counts():
    mdp, _, _ = layered(4)
    behaviour = some_policy(1)
    behaviour[mdp.start.argmax()] = [1, 0]  # what the policy does there was never tried
    data, policy = record(mdp, behaviour, 40, seed=0), some_policy(2)
    check_influences(data, policy)


def test_so_they_are_where_the_data_have_no_way_out_for_the_policy():
    """Action 0 in state 0 only ever came back to it, and the policy takes nothing else."""
    rows = []
    for e in range(40):
        came = [(0, 0, 0, 0)] if e % 3 == 0 else []
        went = [(0, 1, 0, 1), (1, 0, e % 2 / 2, 2)] if e % 3 == 1 else [(e % 3 // 2, 1 - e % 3 // 2, e % 4 == 0, 2)]
        rows += [(e, step, *row) for step, row in enumerate(came + went)]
    names = ("episode", "step", "state", "action", "reward", "next_state")
    columns = dict(zip(names, np.array(rows, dtype=float).T, strict=True))
    data = checked(**columns, terminated=columns["next_state"] == 2, n_states=3, n_actions=2, discount=1.0)
    policy = np.array([[1.0, 0.0]] * 3)
    assert fit(counts(data), policy, 1.0, fill=True).stuck > 0.5
    check_influences(data, policy)


def check_influences(data, policy):
    for fill in (False, True):
        found = counts(data)
        fitted = fit(found, policy, data.discount, fill=fill)
        influence = influences(data, found, fitted, fill=fill)
        assert influence.mean() == pytest.approx(0, abs=1e-12)
        value = found.start @ fitted.V / found.start.sum()
        for i in (0, 7, 23):  # the episode stands there one more time than 400 of each
            tiled = repeated(data, 400, i)
            again = counts(tiled)
            moved = again.start @ fit(again, policy, data.discount, fill=fill).V / again.start.sum() - value
            assert moved * (40 * 400 + 1) == pytest.approx(influence[i], rel=0.02, abs=0.02)


def repeated(data, times, more):
    """Every episode so often, and one of them once more."""
    alone = part(data, np.arange(data.n_episodes) == more)
    columns = {}
    for name in ("step", "state", "action", "reward", "next_state", "terminated", "propensity"):
        columns[name] = np.concatenate([np.tile(getattr(data, name), times), getattr(alone, name)])
    episode = np.cumsum(columns["step"] == 0) - 1
    return checked(episode=episode, **columns, n_states=data.n_states, n_actions=data.n_actions, discount=data.discount)


def by_the_book(data, policy, q):
    """DR by Jiang and Li's recursion and WDR by Thomas and Brunskill's sum, episode by episode and step by step."""
    V = (policy * q).sum(axis=1)
    ratio = policy[data.state, data.action] / data.propensity
    episodes = [np.flatnonzero(data.episode == i) for i in range(data.n_episodes)]
    dr = []
    for rows in episodes:
        value = 0.0
        for row in rows[::-1]:
            s, a = data.state[row], data.action[row]
            value = V[s] + ratio[row] * (data.reward[row] + data.discount * value - q[s, a])
        dr.append(value)
    T = max(map(len, episodes))
    rho = np.array([np.prod([ratio[r] for r in rows[: t + 1]]) for rows in episodes for t in range(T)]).reshape(-1, T)
    w = rho / rho.sum(axis=0)
    wdr = 0.0
    for i, rows in enumerate(episodes):
        for t, row in enumerate(rows):
            s, a, before = data.state[row], data.action[row], w[i, t - 1] if t else 1 / len(episodes)
            wdr += data.discount**t * (w[i, t] * (data.reward[row] - q[s, a]) + before * V[s])
    return np.mean(dr), wdr


@pytest.mark.parametrize("seed", SEEDS)
def test_dr_and_wdr_are_those_of_their_papers(seed):
    mdp, _, _ = layered(seed)
    data, policy = record(mdp, some_policy(seed + 1), 25, seed=seed), some_policy(seed + 2)
    q = np.random.default_rng(seed).normal(size=policy.shape)
    q[-1] = 0  # the end
    weights, known = importance_weights(data, policy), baseline(data, policy, q)
    dr, wdr = by_the_book(data, policy, q)
    assert doubly_robust(data, weights, known).value == pytest.approx(dr, abs=1e-10)
    steps = totals(data, weights, resampled(25, 20))
    assert weighted_doubly_robust(data, weights, known, steps).value == pytest.approx(wdr, abs=1e-10)


def test_the_loop_over_resamples_is_the_estimator_on_each_resample():
    mdp, _, _ = layered(2)
    data, policy = record(mdp, some_policy(1), 30, seed=0), some_policy(2)
    weights = importance_weights(data, policy)
    drawn = resampled(30, 8, seed=1)
    assert (drawn.sum(axis=0) == 30).all()
    terms = weights.step * data.reward
    _, replicates = self_normalised(data, terms, totals(data, weights, drawn))
    lengths = np.bincount(data.episode)
    for b in range(8):
        numerator, denominator = np.zeros(3), np.zeros(3)
        for i, times in enumerate(drawn[:, b]):
            rows = np.flatnonzero(data.episode == i)
            for t in range(3):
                row = rows[min(t, lengths[i] - 1)]
                denominator[t] += times * weights.step[row]
                if t < lengths[i]:
                    numerator[t] += times * data.discount**t * terms[row]
        assert replicates[b] == pytest.approx((numerator / denominator).sum(), abs=1e-6)


def test_a_percentile_interval_cuts_off_a_fortieth_at_either_end_and_needs_half_of_the_resamples():
    found = percentile(40.0, np.arange(1001) / 10, 5)
    assert (found.value, found.lower, found.upper, found.n) == pytest.approx((40, 2.5, 97.5, 5))
    few = percentile(40.0, np.append(np.arange(4.0), np.full(5, math.nan)), 5)
    enough = percentile(40.0, np.append(np.arange(5.0), np.full(5, math.nan)), 5)
    assert (math.isnan(few.lower), math.isnan(enough.lower)) == (True, False)
    assert math.isnan(percentile(40.0, np.arange(9.0), 1).upper)


def test_what_was_never_tried_is_told_and_treated_as_said():
    """State 0 goes on to 1, where action 0 pays 1 and action 1 was never taken."""
    data = checked(
        episode=[0, 0, 1, 1], step=[0, 1, 0, 1], state=[0, 1, 0, 1], action=[0, 0, 0, 0], reward=[0, 1, 0, 0.5],
        next_state=[1, 2, 1, 2], terminated=[0, 1, 0, 1], propensity=[1, 0.5, 1, 0.5], n_states=3, n_actions=2,
        discount=1.0,
    )  # fmt: skip
    policy = np.array([[1, 0], [0.2, 0.8], [0.5, 0.5]])
    fqe, mb = by_model(data, policy)
    assert fqe.value == pytest.approx(0.2 * 0.75)
    assert mb.value == pytest.approx(0.75)
    assert fqe.note == mb.note
    assert fqe.note.endswith("40.0 % of the policy's decisions stand nowhere in the data")


def test_the_empirical_mdp_s_q_of_what_was_never_tried_is_the_mean_of_what_followed_the_visits():
    data = checked(
        episode=[0, 1, 2, 3], step=[0] * 4, state=[0] * 4, action=[0, 0, 0, 1], reward=[1, 1, 1, 5],
        next_state=[1] * 4, terminated=[1] * 4, n_states=2, n_actions=3, discount=1.0,
    )  # fmt: skip
    policy = np.full((2, 3), 1 / 3)
    assert fit(counts(data), policy, 1.0, fill=True).Q[0] == pytest.approx([1, 5, 2])
    assert fit(counts(data), policy, 1.0, fill=False).Q[0] == pytest.approx([1, 5, 0])


def test_without_an_episode_of_the_policy_there_is_no_interval():
    data = checked(
        episode=[0, 1], step=[0, 0], state=[0, 0], action=[0, 0], reward=[1, 0], next_state=[1, 1],
        terminated=[1, 1], propensity=[0.5, 0.5], n_states=2, n_actions=2, discount=1.0,
    )  # fmt: skip
    found = by_name(by_weights(data, np.array([[0.0, 1.0], [0.5, 0.5]])))
    assert math.isnan(found["WIS"].value)
    assert math.isnan(found["WPDIS"].value)
    for e in found.values():
        assert e.ess == 0
        assert math.isnan(e.lower)
        assert "no episode" in e.note


def test_data_that_cannot_hold_what_the_policy_does_are_told_by_the_mean_weight():
    mdp, _, _ = layered(1)
    behaviour, policy = broad_policy(1), broad_policy(2)
    behaviour[0], behaviour[1] = [1, 0], [1, 0]
    weights = importance_weights(record(mdp, behaviour, 2_000, seed=0), policy)
    assert "the mean weight is" in weights.doubt
    assert all(weights.doubt in e.note for e in by_weights(record(mdp, behaviour, 2_000, seed=0), policy))
    assert importance_weights(record(mdp, broad_policy(1), 2_000, seed=0), policy).doubt == ""


def test_the_mean_weight_says_nothing_where_the_behaviour_is_estimated_from_the_same_data():
    episode = np.random.default_rng(0).normal(0.93, 0.1, 500)
    assert "not 1" in Weights(episode, episode).doubt
    assert Weights(episode, episode, estimated=True).doubt == ""
    assert Weights(0 * episode, 0 * episode, estimated=True).doubt.startswith("no episode")


def test_where_the_data_have_no_way_out_for_a_policy_fqe_ends_unpaid_and_the_empirical_mdp_goes_on_as_they_do():
    """One patient came back once and then was paid 1, another was paid 1 at once: as in the data, all are."""
    data = checked(
        episode=[0, 0, 1], step=[0, 1, 0], state=[0, 0, 0], action=[0, 1, 1], reward=[0, 1, 1], next_state=[0, 1, 1],
        terminated=[0, 1, 1], n_states=2, n_actions=2, discount=1.0,
    )  # fmt: skip
    fqe, mb = by_model(data, np.array([[1.0, 0.0], [0.5, 0.5]]))
    assert (fqe.value, mb.value) == pytest.approx((0, 1))
    assert fqe.note == "100.0 % of episodes come to where the data have no way out, and end there, unpaid"
    assert "no way out, and go on as in the data" in mb.note


def test_no_way_out_is_only_left_where_the_data_were_cut_off():
    data = checked(
        episode=[0, 0, 1], step=[0, 1, 0], state=[0, 0, 1], action=[0, 0, 1], reward=[0, 0, 1], next_state=[0, 0, 2],
        terminated=[0, 0, 1], n_states=3, n_actions=2, discount=1.0,
    )  # fmt: skip
    fitted = fit(counts(data), np.array([[1.0, 0.0]] * 3), 1.0, fill=True)
    assert fitted.V.tolist() == pytest.approx([0, 1, 0])


def test_what_happens_where_the_data_have_no_way_out_moves_no_value():
    """Half of the episodes begin in such a state, and are worth nothing whatever is paid there."""
    data = checked(
        episode=[0, 0, 1, 1, 2, 3], step=[0, 1, 0, 1, 0, 0], state=[0, 0, 0, 0, 1, 1], action=[0, 1, 0, 1, 0, 0],
        reward=[0, 1, 1, 1, 0.5, 0], next_state=[0, 2, 0, 2, 2, 2], terminated=[0, 1, 0, 1, 1, 1], n_states=3,
        n_actions=2, discount=1.0,
    )  # fmt: skip
    found, policy = counts(data), np.array([[1.0, 0.0]] * 3)
    fitted = fit(found, policy, 1.0, fill=False)
    assert (fitted.stuck, fitted.V.tolist()) == (0.5, [0, 0.25, 0])
    found_influences = influences(data, found, fitted, fill=False)
    assert found_influences == pytest.approx([-0.125, -0.125, 0.375, -0.125])


def test_folds_explain_one_another():
    mdp, _, _ = layered(1)
    data, policy = record(mdp, some_policy(1), 50, seed=0), some_policy(2)
    known = cross_fitted(data, policy)
    odd = np.arange(50) % 2 == 1
    other = fit(counts(part(data, odd)), policy, data.discount, fill=True)
    assert np.allclose(known.taken[~odd[data.episode]], other.Q[data.state, data.action][~odd[data.episode]])
    assert not known.following[data.terminated].any()


def test_long_products_neither_overflow_nor_vanish_into_one_another():
    n = 3_000
    data = checked(
        episode=[0] * n + [1] * n, step=[*range(n)] * 2, state=[0] * (2 * n), action=[0] * (2 * n),
        reward=[0] * (2 * n), next_state=([0] * (n - 1) + [1]) * 2, terminated=([0] * (n - 1) + [1]) * 2,
        propensity=[0.5] * n + [1] * n, n_states=2, n_actions=1, discount=1.0,
    )  # fmt: skip
    weights = importance_weights(data, np.ones((2, 1)))
    assert np.isfinite(weights.step**2).all()
    assert weights.episode[1] == pytest.approx(1)
    assert weights.ess == pytest.approx(1)


def test_kish_counts_equal_weights_whole():
    assert kish(np.full(7, 0.3)) == pytest.approx(7)
    assert kish(np.zeros(3)) == 0


def test_what_cannot_be_weighed_is_one_sentence():
    mdp, _, _ = layered(0)
    policy = some_policy(1)
    data = record(mdp, policy, 5, seed=0)
    with pytest.raises(InvalidPolicy, match=r"policy has shape \(2, 2\)"):
        importance_weights(data, np.ones((2, 2)))
    never = policy.copy()
    never[data.state[0], data.action[0]] = 0
    with pytest.raises(InvalidDataset, match="never does"):
        importance_weights(data, policy, never)
    unknown = checked(
        **{
            name: getattr(data, name)
            for name in ("episode", "step", "state", "action", "reward", "next_state", "terminated")
        },
        n_states=data.n_states, n_actions=data.n_actions, discount=data.discount,
    )  # fmt: skip
    with pytest.raises(InvalidDataset, match="do not say how probable"):
        importance_weights(unknown, policy)


def test_intervals_cover_on_a_small_mdp():
    """300 datasets of 200 episodes, a behaviour policy that does everything: 95 % less the slack of 300 draws."""
    mdp, _, _ = layered(6)
    behaviour, policy = broad_policy(7), broad_policy(8)
    J = evaluate(mdp, policy).J
    whole = record(mdp, behaviour, 300 * 200, seed=9)
    drawn = resampled(200, 200)
    held = dict.fromkeys(ESTIMATORS, 0)
    for r in range(300):
        data = part(whole, (np.arange(whole.n_episodes) // 200) == r)
        for e in (*by_weights(data, policy, resamples=drawn), *by_model(data, policy)):
            held[e.estimator] += e.lower <= J <= e.upper
    least = stats.binom.ppf(1e-4, 300, 0.93)  # asymptotic intervals may fall a little short
    assert min(held.values()) >= least, held
