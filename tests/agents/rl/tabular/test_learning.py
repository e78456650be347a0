"""The five algorithms: what they reach, and that lanes know nothing of each other."""

from __future__ import annotations

import numpy as np
import pytest

from harness.agents.rl.tabular.algorithms import ALGORITHMS, settings_of
from harness.core.errors import InvalidMDP, UsageError
from harness.mdp.build import from_arrays
from harness.mdp.evaluate import action_values, evaluate
from harness.mdp.policy import uniform
from harness.mdp.solve import solve

SMALL = {
    "sarsa": {"episodes": 6000, "learning_rate": 0.02, "exploration_fraction": 0.8},
    "q-learning": {"episodes": 6000, "learning_rate": 0.02, "exploration_fraction": 0.8},
    "tabular-dqn": {
        "episodes": 6000, "learning_rate": 0.02, "exploration_fraction": 0.8, "learning_starts": 100, "buffer": 1000,
        "train_every": 2, "target_every": 20, "polyak": 0.5,
    },
    "sac": {
        "episodes": 6000, "learning_starts": 100, "buffer": 1000, "batch": 32, "target_every": 10, "polyak": 0.5,
        "alpha": 0.01, "train_every": 2, "all_actions": False,
    },
    "ppo": {"episodes": 12000, "rollout": 200, "learning_rate": 0.02, "entropy": 0.001, "target_kl": 0.02},
}  # fmt: skip
"""Settings for an MDP of a few states: less patience than for hundreds."""


def ladder(discount=1.0):
    """Four rungs; the brave action climbs with 0.8 and falls off with 0.2, the other pays a little and stops.

    On the first rungs it is best to climb, on the last to stop; the third action is inadmissible, and the best.
    """
    P, r = np.zeros((6, 3, 6)), np.zeros((6, 3))
    for s in range(4):
        P[s, 0, s + 1 if s < 3 else 5] = 0.8
        P[s, 0, 4] = 0.2
        P[s, 1, 5] = 1.0
        P[s, 2, 5] = 1.0
        r[s] = 0.0, (0.1, 0.2, 0.3, 0.9)[s], 2.0
    r[3, 0] = 0.8
    P[4:, :, 4] = 1.0
    return from_arrays(
        P, r, np.array([0.5, 0.2, 0.2, 0.1, 0, 0]), terminal=np.arange(6) >= 4, discount=discount,
        admissible=np.tile([True, True, False], (6, 1)),
    )  # fmt: skip


def best_admissible(mdp):
    from dataclasses import replace

    return solve(replace(mdp, row_of=np.where(mdp.admissible, mdp.row_of, -1)))


def trained(name, mdp, seeds, blocks=None, **more):
    settings = settings_of(name, {**SMALL[name], **more})
    learner = ALGORITHMS[name].learner(mdp, settings, seeds)
    while blocks is None and learner.lanes.episodes.min() < settings.episodes:
        learner.advance()
    for _ in range(blocks or 0):
        learner.advance()
    return learner


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("discount", [1.0, 0.9])
def test_every_algorithm_reaches_the_optimum_of_a_small_task(name, discount):
    mdp = ladder(discount)
    optimum = best_admissible(mdp)
    learner = trained(name, mdp, [0, 1, 2])
    for policy in learner.policy():
        assert policy[:4].argmax(axis=1).tolist() == optimum.actions[:4].tolist()
        assert pytest.approx(optimum.J, abs=0.02) == evaluate(mdp, policy).J
        assert not policy[:4][~mdp.admissible[:4]].any()


@pytest.mark.parametrize("name", ["sarsa", "q-learning", "tabular-dqn"])
def test_action_values_come_near_the_true_ones(name):
    mdp = ladder()
    optimum = best_admissible(mdp)
    Q = trained(name, mdp, [3], learning_rate=0.003, episodes=20000).values()[0]
    assert np.isnan(Q[:, 2]).all()
    best = optimum.actions[:4]
    assert Q[np.arange(4), best] == pytest.approx(optimum.V[:4], abs=0.1)


def test_sarsa_learns_what_its_own_exploring_policy_is_worth_and_q_learning_the_optimum():
    mdp = ladder()
    exploring = uniform(mdp.admissible | mdp.terminal[:, None])
    worth = {"sarsa": evaluate(mdp, exploring).V, "q-learning": best_admissible(mdp).V}
    for name, V in worth.items():
        learner = trained(name, mdp, [3], start_epsilon=1.0, end_epsilon=1.0, learning_rate=0.003, episodes=8000)
        assert learner.values()[0, :4, 0] == pytest.approx(action_values(mdp, V)[:4, 0], abs=0.08), name


def test_dqn_backs_up_the_target_network_alone():
    mdp = ladder()
    Q = trained("tabular-dqn", mdp, [3], episodes=1500, target_every=10**9).values()[0]
    assert Q[:4, :2] == pytest.approx(mdp.reward()[:4, :2], abs=0.05)  # that network is zero still


def test_dqn_s_target_goes_a_share_of_the_way():
    given = {"learning_starts": 0, "train_every": 10**9, "target_every": 250, "polyak": 0.25}
    learner = trained("tabular-dqn", ladder(), [0], blocks=0, **given)
    learner._q[:, :-1] = 1.0
    learner.advance()  # 500 decisions
    assert learner._target[:, :-1] == pytest.approx(1 - 0.75**2)


@pytest.mark.parametrize(("name", "more"), [*((name, {}) for name in ALGORITHMS), ("sarsa", {"stale_greedy": True})])
def test_lanes_are_bit_for_bit_the_seeds_trained_alone(sepsis, name, more):
    shortened = {"learning_starts": 200} if name in ("tabular-dqn", "sac") else {}
    settings = settings_of(name, {"episodes": 100, **shortened, **more})
    together = ALGORITHMS[name].learner(sepsis.mdp, settings, [7, 8, 9])
    alone = [ALGORITHMS[name].learner(sepsis.mdp, settings, [seed]) for seed in (7, 8, 9)]
    for learner in (together, *alone):
        for _ in range(3):
            learner.advance()
    assert together.lanes.episodes.tolist() == [int(one.lanes.episodes[0]) for one in alone]
    assert np.array_equal(together.lanes.rewards, np.hstack([one.lanes.rewards for one in alone]))
    assert np.array_equal(together.policy(), np.concatenate([one.policy() for one in alone]))
    if together.values() is not None:
        assert np.array_equal(together.values(), np.concatenate([one.values() for one in alone]), equal_nan=True)
    assert together.policy()[0].tolist() != together.policy()[1].tolist()


@pytest.mark.parametrize("name", ALGORITHMS)
def test_what_is_kept_of_a_training_is_all_that_it_needs(name):
    mdp = ladder()
    whole = trained(name, mdp, [0, 1], blocks=6)
    first = trained(name, mdp, [0, 1], blocks=3)
    settings = settings_of(name, SMALL[name])
    second = ALGORITHMS[name].learner(mdp, settings, [0, 1])
    for key, array in second.memory.items():
        array[...] = first.memory[key]
    for _ in range(3):
        second.advance()
    assert np.array_equal(second.policy(), whole.policy())
    assert all(np.array_equal(second.memory[key], whole.memory[key], equal_nan=True) for key in whole.memory)


def test_the_published_sarsa_takes_actions_that_are_not_admissible():
    mdp = ladder()
    proper, published = (
        trained("sarsa", mdp, [0], stale_greedy=stale, end_epsilon=0.2, episodes=3000) for stale in (False, True)
    )
    assert np.isnan(proper.values()[0][:4, 2]).all()
    assert np.isfinite(published.values()[0][:4]).all()


def test_a_task_that_may_never_end_is_refused():
    P = np.zeros((2, 2, 2))
    P[0, 0, 0] = P[0, 1, 1] = 1.0
    P[1, :, 1] = 1.0
    mdp = from_arrays(P, np.zeros((2, 2)), np.array([1.0, 0.0]), terminal=np.array([False, True]))
    with pytest.raises(InvalidMDP, match="may never end"):
        trained("q-learning", mdp, [0])


def test_settings_are_checked_with_a_sentence():
    with pytest.raises(UsageError, match=r"no setting of ppo 'learning_rat'. Did you mean 'learning_rate'"):
        settings_of("ppo", {"learning_rat": 1})
    with pytest.raises(UsageError, match="A setting of q-learning does not fit: learning_rate: Input should be great"):
        settings_of("q-learning", {"learning_rate": 0})
    with pytest.raises(UsageError, match="no tabular algorithm 'q'"):
        settings_of("q", {})
