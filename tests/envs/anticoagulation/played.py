"""An episode played to its end."""

from __future__ import annotations


def finish(env, choose):
    """Play on; rewards, regrets and the observations seen."""
    rewards, regrets, seen = [], [], []
    while True:
        action = choose(env)
        regrets.append(env.reference.value() - env.reference.action_value(action))
        transition = env.step(action)
        rewards.append(transition.reward)
        seen.append(transition.observation)
        if transition.terminated:
            return rewards, regrets, seen
