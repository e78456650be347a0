"""A small MDP whose episodes can all be listed, with their probabilities."""

from __future__ import annotations

from itertools import product

import numpy as np

from harness.mdp.build import from_arrays
from harness.mdp.dataset import Dataset, checked

LAYERS, WIDTH, ACTIONS = 3, 2, 2
LIVE = LAYERS * WIDTH
END = LIVE


def layered(seed=0, discount=0.9):
    """Two states in each of three layers, each decision leading to the next layer or to the end."""
    rng = np.random.default_rng(seed)
    P = np.zeros((LIVE + 1, ACTIONS, LIVE + 1))
    R = np.zeros((LIVE + 1, ACTIONS, LIVE + 1))
    for layer, i, a in product(range(LAYERS), range(WIDTH), range(ACTIONS)):
        following = [(layer + 1) * WIDTH + j for j in range(WIDTH)] if layer < LAYERS - 1 else []
        s, into = layer * WIDTH + i, [*following, END]
        P[s, a, into] = rng.dirichlet(np.ones(len(into)))
        R[s, a, into] = rng.normal(size=len(into))
    P[END, :, END] = 1
    start = np.zeros(LIVE + 1)
    start[:WIDTH] = rng.dirichlet(np.ones(WIDTH))
    return from_arrays(P, R, start, terminal=np.arange(LIVE + 1) == END, discount=discount), P, R


def some_policy(seed):
    policy = np.random.default_rng(seed).dirichlet(np.ones(ACTIONS), size=LIVE + 1)
    policy[END] = 1 / ACTIONS
    return policy


def broad_policy(seed):
    """A policy that does everything often: each of two actions at least every fourth time."""
    return 0.5 * some_policy(seed) + 0.5 / ACTIONS


def all_episodes(mdp, P, R, behaviour) -> tuple[Dataset, np.ndarray]:
    """Every possible episode once, and how probable each is under the behaviour policy."""
    rows, chances = [], []

    def go_on(s, p, so_far):
        for a, t in product(range(ACTIONS), range(LIVE + 1)):
            q = p * behaviour[s, a] * P[s, a, t]
            if q == 0:
                continue
            episode = [*so_far, (s, a, R[s, a, t], t)]
            if t == END:
                rows.extend((len(chances), k, *decision) for k, decision in enumerate(episode))
                chances.append(q)
            else:
                go_on(t, q, episode)

    for s in np.flatnonzero(mdp.start):
        go_on(s, mdp.start[s], [])
    episode, step, state, action, reward, following = (np.array(c) for c in zip(*rows, strict=True))
    data = checked(
        episode=episode, step=step, state=state, action=action, reward=reward, next_state=following,
        terminated=following == END, propensity=behaviour[state, action], n_states=LIVE + 1, n_actions=ACTIONS,
        discount=mdp.discount,
    )  # fmt: skip
    return data, np.array(chances)
