"""The Q-network: what is seen now and was seen before goes in, a value for every action comes out.

Two hidden layers, then the value of the state and the advantage of each action over their mean (Wang et al., Dueling
network architectures, ICML 2016, equation 9): an hour's order changes little of what a patient will earn, and without
the split the network would learn the large common part for every action anew.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from torch import Tensor
from torch.nn.functional import relu

from harness.agents.rl.layers import Weights, initial_layers, layer


def initial(inputs: int, hidden: int, actions: int, rng: np.random.Generator) -> Weights:
    """New weights; the output layers are zeros."""
    shapes = {
        "1": (inputs, hidden),
        "2": (hidden, hidden),
        "value": (hidden, 1),
        "advantage": (hidden, actions),
    }
    return initial_layers(shapes, ("value", "advantage"), rng)


def q_values(weights: Weights, seen: Tensor) -> Tensor:
    """Q(s, a), shape (n, actions), of states (n, inputs)."""
    through = partial(layer, weights)
    x = relu(through("2", relu(through("1", seen))))
    advantage = through("advantage", x)
    return through("value", x) + advantage - advantage.mean(dim=1, keepdim=True)
