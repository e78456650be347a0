"""What the neural learners make small, each the mean over a batch of transitions.

A state that is several times in a batch goes through the network once: there are some hundred states and 256
transitions. In exact arithmetic nothing changes, gradients included.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from harness.agents.offline.neural_network import outputs
from harness.agents.rl.layers import Weights
from harness.mdp.dataset import Dataset


@dataclass(frozen=True, eq=False)
class Transitions:
    """Columns of `harness.mdp.dataset.Dataset` as tensors, shape (n,) each."""

    state: Tensor
    action: Tensor
    reward: Tensor
    next_state: Tensor
    goes_on: Tensor

    def drawn(self, rows: Tensor) -> Transitions:
        """Some of them."""
        columns = (self.state, self.action, self.reward, self.next_state, self.goes_on)
        return Transitions(*(column[rows] for column in columns))


def tensors(data: Dataset) -> Transitions:
    """The transitions of a dataset."""
    return Transitions(
        state=torch.from_numpy(data.state),
        action=torch.from_numpy(data.action),
        reward=torch.from_numpy(data.reward).float(),
        next_state=torch.from_numpy(data.next_state),
        goes_on=torch.from_numpy(~data.terminated),
    )


def cross_entropy(weights: Weights, batch: Transitions) -> Tensor:
    """Minus the logarithm of the probability of the action taken, the network's outputs being logits."""
    states, place = torch.unique(batch.state, return_inverse=True)
    return -log_softmax(outputs(weights, states), dim=1)[place, batch.action].mean()


def temporal_difference(
    weights: Weights, target: Weights, batch: Transitions, *, discount: float, alpha: float = 0.0
) -> Tensor:
    """`(Q(s, a) - y)² + α (logsumexp Q(s, ·) - Q(s, a))`, with the target y of Double DQN.

    Notes
    -----
    `y = r + γ Q'(s', argmax Q(s', ·))`, r alone where the episode has ended, with Q' of the target network (van
    Hasselt, Guez, Silver, AAAI 2016). The second term is that of CQL(H) (Kumar, Zhou, Tucker, Levine, NeurIPS 2020).
    The square has no factor 1/2, as in the code of CQL-sepsis and unlike in its README and in
    `harness.agents.offline.conservative`: this α is as conservative as α / 2 is there. The maximum is over all actions:
    admissible ones are told apart when acting, not when learning.
    """
    states, place = torch.unique(batch.state, return_inverse=True)
    q = outputs(weights, states)
    taken = q[place, batch.action]
    with torch.no_grad():
        ahead, where = torch.unique(batch.next_state[batch.goes_on], return_inverse=True)
        chosen = outputs(weights, ahead).argmax(dim=1, keepdim=True)
        y = batch.reward.clone()
        y[batch.goes_on] += discount * outputs(target, ahead).gather(1, chosen)[where, 0]
    loss = ((taken - y) ** 2).mean()
    return loss if alpha == 0 else loss + alpha * (torch.logsumexp(q, dim=1)[place] - taken).mean()
