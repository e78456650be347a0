"""The policy and its baseline: one scorer for every action, from its own row, its items, and all items pooled.

A sum over items does not know their order (deep sets: Zaheer et al., NeurIPS 2017, theorem 2), and neither does what
is done with the two items of an action: their sum and their product.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import relu

from harness.agents.rl.layers import Weights, initial_layers, layer
from harness.agents.rl.views import View, Views


class Batch(NamedTuple):
    """Several views, their rows below one another.

    `state_of_item` and `state_of_action` say which view a row belongs to; `about` holds numbers of rows of `items`, the
    one after the last for none.
    """

    context: Tensor
    items: Tensor
    pooled: Tensor
    """1 / (number of the state's items) for those, 0 for items that an action could bring in; shape (n, 1)."""
    state_of_item: Tensor
    actions: Tensor
    about: Tensor
    state_of_action: Tensor


class Scores(NamedTuple):
    """Of every action the logarithm of its probability, shape (a,), and of every state its baseline, shape (b,)."""

    log_probabilities: Tensor
    baseline: Tensor


def initial(views: Views, hidden: int, rng: np.random.Generator) -> Weights:
    """New weights; with output layers of zeros every legal action is equally likely at first, and the baseline 0."""
    context, item, action = (len(names) for names in views.columns)
    shapes = {
        "item.1": (item, hidden),
        "item.2": (hidden, hidden),
        "state": (context + hidden, hidden),
        "action.1": (action + 3 * hidden, hidden),
        "action.2": (hidden, hidden),
        "action.3": (hidden, 1),
        "baseline.1": (context + hidden, hidden),
        "baseline.2": (hidden, 1),
    }
    return initial_layers(shapes, ("action.3", "baseline.2"), rng)


def batch_of(views: Sequence[View]) -> Batch:
    """Views as one batch."""
    items, actions = [len(v.items) for v in views], [len(v.actions) for v in views]
    n = np.arange(len(views))
    first = np.cumsum([0, *items])
    pooled = [np.where(np.arange(len(v.items)) < v.present, 1.0 / max(v.present, 1), 0.0) for v in views]
    about = [np.where(v.about < 0, first[-1], v.about + start) for v, start in zip(views, first, strict=False)]
    return Batch(
        context=torch.from_numpy(np.stack([v.context for v in views])),
        items=torch.from_numpy(np.concatenate([v.items for v in views])),
        pooled=torch.from_numpy(np.concatenate(pooled).astype(np.float32)[:, None]),
        state_of_item=torch.from_numpy(np.repeat(n, items)),
        actions=torch.from_numpy(np.concatenate([v.actions for v in views])),
        about=torch.from_numpy(np.concatenate(about)),
        state_of_action=torch.from_numpy(np.repeat(n, actions)),
    )


def scores(weights: Weights, batch: Batch) -> Scores:
    """What the network makes of a batch."""
    through = partial(layer, weights)
    states = len(batch.context)
    item = through("item.2", relu(through("item.1", batch.items)))
    pool = torch.zeros(states, item.shape[1]).index_add(0, batch.state_of_item, item * batch.pooled)
    state = relu(through("state", torch.cat([batch.context, pool], dim=1)))
    none = torch.zeros(1, item.shape[1])
    a, b = torch.cat([item, none])[batch.about].unbind(1)
    row = torch.cat([batch.actions, a + b, a * b, state[batch.state_of_action]], dim=1)
    score = through("action.3", relu(through("action.2", relu(through("action.1", row)))))[:, 0]
    known = torch.cat([batch.context, pool.detach()], dim=1)  # the baseline does not shape what the policy sees
    baseline = through("baseline.2", relu(through("baseline.1", known)))[:, 0]
    return Scores(log_softmax(score, batch.state_of_action, states), baseline)


def log_softmax(score: Tensor, state: Tensor, states: int) -> Tensor:
    """Logarithms of probabilities in proportion to exp(score) among the actions of each state."""
    most = torch.full((states,), -torch.inf).scatter_reduce(0, state, score.detach(), "amax")
    shifted = score - most[state]
    return shifted - torch.zeros(states).index_add(0, state, shifted.exp()).log()[state]
