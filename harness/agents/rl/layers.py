"""Fully connected layers: their weights by name, drawn anew, and what a layer makes of its input."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear

Weights = dict[str, Tensor]


def initial_layers(
    shapes: Mapping[str, tuple[int, int]], outputs: Collection[str], rng: np.random.Generator
) -> Weights:
    """New weights: He et al. (ICCV 2015) for layers followed by a ReLU, and zeros for `outputs`.

    Parameters
    ----------
    shapes : mapping
        Inputs and outputs of every layer by its name.
    outputs : collection of str
        The layers that no ReLU follows.
    """
    weights: Weights = {}
    for name, (into, out) in shapes.items():
        drawn = rng.normal(0.0, np.sqrt(2.0 / into), (out, into)) * (name not in outputs)
        weights[f"{name}.weight"] = torch.tensor(drawn, dtype=torch.float32, requires_grad=True)
        weights[f"{name}.bias"] = torch.zeros(out, requires_grad=True)
    return weights


def layer(weights: Weights, name: str, x: Tensor) -> Tensor:
    """What a layer makes of x, shape (n, inputs): shape (n, outputs)."""
    return linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])
