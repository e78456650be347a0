"""Behaviour cloning, Double DQN and conservative Q-learning by a small network, from logged transitions alone.

As in CQL-sepsis (github.com/anishmariathasan/CQL-sepsis), so that its figures can be put beside exact values. States
are discrete, so what a network has learned is a table (S, A), and its policy is known in every state.

Batches are drawn from streams named after the seed and the step: an interrupted training goes on as if it never was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from harness.agents.offline.neural_losses import Transitions, cross_entropy, temporal_difference, tensors
from harness.agents.offline.neural_network import initial, table
from harness.agents.offline.neural_settings import Cloning, Conservative, DoubleDQN, Settings
from harness.agents.rl.layers import Weights
from harness.core.seeds import stream
from harness.mdp.dataset import Dataset
from harness.mdp.tabular import BoolArray, FloatArray

Outputs = npt.NDArray[np.float32]

TOLD_EVERY = 100
"""Steps after which it is told how far a training is."""


@dataclass
class Training:
    """A training under way.

    Attributes
    ----------
    settings : Settings
        Of which kind they are says which learner it is.
    transitions : Transitions
    weights, target : dict of tensors
        Behaviour cloning has no target network, an empty one.
    adam : torch.optim.Adam
    steps : int
        Done.
    outputs : list of float arrays, shape (S, A)
        Of the network at every look so far: logits, or Q.
    losses : list of float
        Mean loss of the steps up to each look, from the look before.
    loss : tensor
        Sum of the losses since the last look.
    """

    settings: Settings
    discount: float
    transitions: Transitions
    weights: Weights
    target: Weights
    adam: torch.optim.Adam
    steps: int = 0
    outputs: list[Outputs] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    loss: torch.Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))


def begin(data: Dataset, settings: Settings) -> Training:
    """A new training."""
    weights = initial(data.n_states, data.n_actions, settings.hidden, stream(settings.seed, "weights"))
    bootstraps = isinstance(settings, DoubleDQN)
    target = {name: values.detach().clone() for name, values in weights.items()} if bootstraps else {}
    decay = settings.weight_decay if isinstance(settings, Cloning) else 0.0
    adam = torch.optim.Adam(weights.values(), lr=settings.learning_rate, weight_decay=decay, fused=True)
    discount = min(settings.discount, data.discount) if isinstance(settings, DoubleDQN) else data.discount
    return Training(settings, discount, tensors(data), weights, target, adam)


def advance(training: Training, after: Callable[[Training], None] = lambda training: None) -> None:
    """Go on to the last step, telling `after` now and then."""
    torch.set_num_threads(1)  # a sum by several threads may be rounded otherwise each time
    settings, before = training.settings, training.steps
    looks = settings.looks
    since = training.steps - (looks[len(training.losses) - 1] if training.losses else 0)
    while training.steps < settings.steps:
        training.loss += step(training)
        training.steps += 1
        since += 1
        looked = training.steps == looks[len(training.outputs)]
        if looked:
            training.outputs.append(table(training.weights).numpy())
            training.losses.append(float(training.loss) / since)
            training.loss, since = torch.zeros((), dtype=torch.float64), 0
        if looked or (training.steps - before) % TOLD_EVERY == 0:
            after(training)


def step(training: Training) -> torch.Tensor:
    """One step of Adam; the loss before it."""
    settings, transitions = training.settings, training.transitions
    rng = stream(settings.seed, f"batch {training.steps}")
    batch = transitions.drawn(torch.from_numpy(rng.integers(len(transitions.state), size=settings.batch)))
    if isinstance(settings, DoubleDQN):
        alpha = settings.alpha if isinstance(settings, Conservative) else 0.0
        loss = temporal_difference(training.weights, training.target, batch, discount=training.discount, alpha=alpha)
    else:
        loss = cross_entropy(training.weights, batch)
    training.adam.zero_grad()
    torch.autograd.backward(loss)
    if isinstance(settings, DoubleDQN):
        torch.nn.utils.clip_grad_norm_(training.weights.values(), settings.clip)
    training.adam.step()
    if isinstance(settings, DoubleDQN):
        with torch.no_grad():
            torch._foreach_lerp_(list(training.target.values()), list(training.weights.values()), settings.tau)
    return loss.detach()


def policy(settings: Settings, outputs: Outputs, allowed: BoolArray) -> FloatArray:
    """What a network does, kept to the actions allowed (S, A): shape (S, A).

    The action of the largest output, the lowest of several; by probabilities where the settings say so. Where nothing
    is allowed every action is as likely.
    """
    somewhere = np.asarray(allowed.any(axis=1))
    masked = np.where(allowed | ~somewhere[:, None], outputs.astype(np.float64), -np.inf)
    if isinstance(settings, Cloning) and not settings.greedy:
        found = np.exp(masked - masked.max(axis=1, keepdims=True))
    else:
        found = np.zeros(outputs.shape)
        found[np.arange(len(found)), masked.argmax(axis=1)] = 1.0
    found[~somewhere] = 1.0
    result: FloatArray = found / found.sum(axis=1, keepdims=True)
    return result


def curve(training: Training) -> list[dict[str, Any]]:
    """A row for every look so far: steps and mean loss."""
    return [
        {"steps": steps, "loss": loss} for steps, loss in zip(training.settings.looks, training.losses, strict=False)
    ]
