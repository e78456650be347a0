"""The Q-network: what is seen now and was seen before goes in, a value for every action comes out.

Two hidden layers, then the value of the state and the advantage of each action over their mean (Wang et al., Dueling
network architectures, ICML 2016, equation 9): an hour's order changes little of what a patient will earn, and without
the split the network would learn the large common part for every action anew.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear, relu

Weights = dict[str, Tensor]


def initial(inputs: int, hidden: int, actions: int, rng: np.random.Generator) -> Weights:
    """New weights: He et al. (ICCV 2015) for layers followed by a ReLU, and output layers of zeros."""
    shapes = {
        "1": (inputs, hidden),
        "2": (hidden, hidden),
        "value": (hidden, 1),
        "advantage": (hidden, actions),
    }
    weights: Weights = {}
    for name, (into, out) in shapes.items():
        drawn = rng.normal(0.0, np.sqrt(2.0 / into), (out, into)) * (name in ("1", "2"))
        weights[f"{name}.weight"] = torch.tensor(drawn, dtype=torch.float32, requires_grad=True)
        weights[f"{name}.bias"] = torch.zeros(out, requires_grad=True)
    return weights


def q_values(weights: Weights, seen: Tensor) -> Tensor:
    """Q(s, a), shape (n, actions), of states (n, inputs)."""

    def layer(name: str, x: Tensor) -> Tensor:
        return linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    x = relu(layer("2", relu(layer("1", seen))))
    advantage = layer("advantage", x)
    return layer("value", x) + advantage - advantage.mean(dim=1, keepdim=True)
