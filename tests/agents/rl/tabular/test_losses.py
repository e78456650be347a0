"""What SAC and PPO minimise, against slow and plain forms of the same."""

from __future__ import annotations

import numpy as np
import pytest

from harness.agents.rl.tabular.ppo import PPO
from harness.agents.rl.tabular.ppo import Settings as PPOSettings
from harness.agents.rl.tabular.sac import SAC
from harness.agents.rl.tabular.sac import Settings as SACSettings
from tests.agents.rl.tabular.test_learning import ladder


class Plain:
    """Adam on one table, as it is written."""

    def __init__(self, table, rate):
        self.table, self.rate, self.t = table, rate, 0
        self.m, self.v = np.zeros_like(table), np.zeros_like(table)

    def step(self, g):
        self.t += 1
        self.m = 0.9 * self.m + 0.1 * g
        self.v = 0.999 * self.v + 0.001 * g * g
        m, v = self.m / (1 - 0.9**self.t), self.v / (1 - 0.999**self.t)
        self.table -= self.rate * m / (np.sqrt(v) + 1e-4)


def written_out(mdp, settings, batches):
    """The published update, two critics and all actions, batch after batch: logits and both Q, each (S, A)."""
    S, A = mdp.n_states, mdp.n_actions
    logits, one, two = (np.zeros((S, A)) for _ in range(3))
    actor, critics = Plain(logits, 0.025), (Plain(one, 0.025), Plain(two, 0.025))
    targets = [one.copy(), two.copy()]

    def policy(s):
        z = logits[s] - logits[s].max(axis=1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        return np.exp(log_p), log_p

    for step, (s, a, r, following) in batches:
        p, log_p = policy(following)
        soft = (p * (np.minimum(targets[0][following], targets[1][following]) - settings.alpha * log_p)).sum(axis=1)
        goal = r + np.where(mdp.terminal[following], 0.0, mdp.discount) * soft
        for critic in critics:
            g = np.zeros((S, A))
            np.add.at(g, (s, a), 2 * (critic.table[s, a] - goal) / len(s))
            critic.step(g)
        p, log_p = policy(s)
        loss = settings.alpha * log_p - np.minimum(one[s], two[s])
        g = np.zeros((S, A))
        np.add.at(g, s, p * (loss - (p * loss).sum(axis=1, keepdims=True)) / (len(s) * A))
        actor.step(g)
        if step % settings.target_every == 0:
            for i, critic in enumerate(critics):
                targets[i] = settings.polyak * critic.table + (1 - settings.polyak) * targets[i]
    return logits, one, two


def test_sac_with_one_critic_and_the_others_as_one_is_the_published_update():
    mdp = ladder(0.9)
    settings = SACSettings(learning_starts=10, buffer=100, batch=16, target_every=7, polyak=0.3)
    learner = SAC(mdp, settings, [0])
    learn, batches = learner._learn, []

    def watched(i):
        learn(i)
        replay, entries = learner._replay, learner._entries
        state, action = entries.state[replay.entry], entries.action[replay.entry]
        batches.append((i, (state, action, replay.reward.copy(), replay.following.copy())))

    learner._learn = watched
    learner.advance()
    assert len(batches) == 489
    logits, one, two = written_out(mdp, settings, batches)
    entries, live = learner._entries, slice(0, 4)
    assert np.array_equal(one, two)
    assert not one[live, 2].any()
    found_q, found_z = learner._q[0], learner._logits[0]
    assert found_q[: entries.size] == pytest.approx(one[entries.state, entries.action], abs=2e-3)
    assert np.abs(one).max() > 0.5
    assert found_z[: entries.size] == pytest.approx(logits[entries.state, entries.action], abs=5e-3)
    assert found_z[entries.size : entries.size + 4] == pytest.approx(logits[live, 2], abs=5e-3)
    assert np.ptp(logits[live], axis=1).max() > 0.1


def test_the_gradient_of_ppo_is_that_of_its_loss():
    """By central differences; the loss as the publication and its code have it, over admissible actions."""
    mdp = ladder(0.9)
    settings = PPOSettings(rollout=40, clip=0.1, entropy=0.05)
    learner = PPO(mdp, settings, [0, 1])
    rng = np.random.default_rng(0)
    own, size = learner._own, learner._entries.size
    learner._table[:, :size] = rng.normal(size=(2, size))
    learner._table[:, own : own + 4] = rng.normal(size=(2, 4))
    states, places = learner._roll_out()
    advantage, returns = rng.normal(size=(40, 2)), rng.normal(size=(40, 2))
    lane = np.arange(2)
    before, _ = learner._scores(states[:-1], places, lane)
    learner._table[:, :size] += 0.2 * rng.normal(size=(2, size))
    gradient, divergence = learner._gradient(states[:-1], places, lane, before, advantage, returns)

    def loss():
        taken, scores = learner._scores(states[:-1], places, lane)
        p = np.exp(scores)
        entropy = -(p * np.where(p > 0, scores, 0)).sum(axis=0).mean(axis=0)
        ratio = np.exp(taken - before)
        push = np.maximum(-advantage * ratio, -advantage * np.clip(ratio, 0.9, 1.1)).mean(axis=0)
        error = learner._values_of(states[:-1], lane) - returns
        return push - 0.05 * entropy + 0.3 * 0.5 * (error**2).mean(axis=0)

    for i in [*range(size), *range(own, own + 4)]:
        kept = learner._table[:, i].copy()
        learner._table[:, i] = kept + 1e-6
        high = loss()
        learner._table[:, i] = kept - 1e-6
        low = loss()
        learner._table[:, i] = kept
        assert gradient[:, i] == pytest.approx((high - low) / 2e-6, abs=1e-6)
    assert np.abs(gradient).max() > 0.01
    assert (divergence > 0).all()


def test_generalised_advantages_are_discounted_sums_of_errors_within_an_episode():
    mdp = ladder(0.9)
    learner = PPO(mdp, PPOSettings(rollout=30, gae_lambda=0.7), [0])
    learner._table[:, learner._own : learner._own + 4] = np.random.default_rng(1).normal(size=(1, 4))
    states, _ = learner._roll_out()
    advantage, returns = learner._advantages(states)
    value = learner._table[0, learner._own :]
    ended, rewards = learner.lanes.ended[:, 0], learner.lanes.rewards[:, 0]
    assert ended.sum() > 3
    for t in range(30):
        total, weight = 0.0, 1.0
        for n in range(t, 30):
            ahead = 0.0 if ended[n] else 0.9 * value[states[n + 1, 0]]
            total += weight * (rewards[n] + ahead - value[states[n, 0]])
            if ended[n]:
                break
            weight *= 0.9 * 0.7
        assert advantage[t, 0] == pytest.approx(total)
        assert returns[t, 0] == pytest.approx(total + value[states[t, 0]])
