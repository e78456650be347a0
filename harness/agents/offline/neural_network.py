"""The network of CQL-sepsis: a vector for every state, two hidden layers with ReLU, a number for every action.

First weights as there (`src/algorithms/cql.py`): vectors of states from N(0, 0.1²), layers uniform after Glorot and
Bengio (AISTATS 2010), offsets zero.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding, relu

from harness.agents.rl.layers import Weights, layer

STATES = "states"

SPREAD = 0.1
"""Standard deviation of a state's first vector."""


def initial(n_states: int, n_actions: int, hidden: int, rng: np.random.Generator) -> Weights:
    """New weights."""
    drawn = {STATES: rng.normal(0.0, SPREAD, (n_states, hidden))}
    for name, (into, out) in {"1": (hidden, hidden), "2": (hidden, hidden), "actions": (hidden, n_actions)}.items():
        most = np.sqrt(6.0 / (into + out))
        drawn |= {f"{name}.weight": rng.uniform(-most, most, (out, into)), f"{name}.bias": np.zeros(out)}
    return {name: torch.tensor(values, dtype=torch.float32, requires_grad=True) for name, values in drawn.items()}


def outputs(weights: Weights, states: Tensor) -> Tensor:
    """A number for every action, shape (n, A), of states (n,)."""
    x = relu(layer(weights, "1", embedding(states, weights[STATES])))
    return layer(weights, "actions", relu(layer(weights, "2", x)))


def table(weights: Weights) -> Tensor:
    """The same of every state, shape (S, A)."""
    with torch.no_grad():
        return outputs(weights, torch.arange(len(weights[STATES])))
