"""REINFORCE with a learned baseline, masks and an entropy bonus.

One update: play a batch of episodes with the policy as it is, all at once; then, with G the reward from a step to the
end of its episode and b(s) the baseline, take one step of Adam down the gradient of

    - mean((G - b(s)) log π(a|s)) - c_H mean(H(π(·|s))) + c_b mean((G - b(s))²)

Williams (Machine Learning 1992;8:229) with reward to go; the entropy term H is that of Williams and Peng (Connection
Science 1991;3:241). The differences G - b(s) are divided by their standard deviation over the batch. Actions that the
rules refuse have no row in a view, so no probability. All randomness is drawn from streams named after the seed and the
update: an interrupted training goes on as if it never was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field

from harness.agents.rl.cohort import HELD_OUT, blocks, learned_from
from harness.agents.rl.layers import Weights
from harness.agents.rl.network import batch_of, initial, scores
from harness.agents.rl.views import View, Views
from harness.core.environment import Environment
from harness.core.seeds import check_training_seeds, stream

BASELINE_LOSS = 0.5
LARGEST_GRADIENT = 1.0

Row = dict[str, Any]
"""Of the curve, plain data."""

Envs = Sequence[Environment[Any, Any]]


class Settings(BaseModel):
    """What a training depends on, beside its environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(0, description="of the weights, the order of patients, and the actions drawn")
    episodes: int = Field(8_000, ge=1, description="episodes to learn from, rounded up to whole batches")
    batch: int = Field(32, ge=2, description="episodes an update")
    learning_rate: float = Field(1e-3, gt=0)
    entropy: float = Field(0.01, ge=0, description="c_H")
    hidden: int = Field(64, ge=1, description="width of every layer")
    look_every: int = Field(25, ge=1, description="updates between two looks at held-out patients")
    look_at: int = Field(200, ge=1, le=len(HELD_OUT), description="held-out patients a look")

    @property
    def updates(self) -> int:
        """Updates in all."""
        return -(-self.episodes // self.batch)


@dataclass
class Training:
    """Everything that the next update depends on, and the curve so far."""

    settings: Settings
    weights: Weights
    adam: torch.optim.Adam
    updates: int
    curve: list[Row]


@dataclass(frozen=True)
class Played:
    """One episode: what was seen, which row was taken, and what it was rewarded with."""

    views: list[View]
    rows: list[int]
    rewards: list[float]


def begin(views: Views, settings: Settings) -> Training:
    """A new training.

    Raises
    ------
    UsageError
        If the seed is no training seed.
    """
    check_training_seeds([settings.seed])
    weights = initial(views, settings.hidden, stream(settings.seed, "reinforce weights"))
    adam = torch.optim.Adam(list(weights.values()), lr=settings.learning_rate)
    return Training(settings, weights, adam, 0, [])


def advance(training: Training, envs: Envs, views: Views, after: Callable[[Training], None]) -> None:
    """Update to the end, telling `after` every time.

    Parameters
    ----------
    envs : sequence of Environment
        As many as a batch has episodes, all of the same task.
    """
    torch.set_num_threads(1)  # a sum by several threads may be rounded otherwise each time
    while training.updates < training.settings.updates:
        update(training, envs, views)
        after(training)


def update(training: Training, envs: Envs, views: Views) -> None:
    """Play a batch and learn from it."""
    settings, weights = training.settings, training.weights
    seeds = batch_seeds(settings, training.updates)
    episodes = play(envs, views, weights, seeds, stream(settings.seed, f"reinforce actions {training.updates}"))

    seen = batch_of([view for episode in episodes for view in episode.views])
    sizes = torch.bincount(seen.state_of_action)
    rows = torch.tensor([row for episode in episodes for row in episode.rows])
    taken = torch.cumsum(sizes, 0) - sizes + rows
    to_go = torch.tensor(np.concatenate([reward_to_go(episode.rewards) for episode in episodes]), dtype=torch.float32)

    log_p, baseline = scores(weights, seen)
    advantage = (to_go - baseline).detach()
    scale = advantage.std() + 1e-6
    policy_loss = -(advantage / scale * log_p[taken]).mean()
    entropy = -(log_p.exp() * log_p).sum() / len(to_go)
    baseline_loss = (to_go - baseline).square().mean()
    loss = policy_loss - settings.entropy * entropy + BASELINE_LOSS * baseline_loss

    training.adam.zero_grad()
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(list(weights.values()), LARGEST_GRADIENT)
    training.adam.step()
    training.updates += 1

    row: Row = {
        "update": training.updates,
        "episodes": training.updates * settings.batch,
        "mean_return": float(np.mean([sum(episode.rewards) for episode in episodes])),
        "entropy": float(entropy.detach()),
        "baseline_loss": float(baseline_loss.detach()),
    }
    if training.updates % settings.look_every == 0 or training.updates == settings.updates:
        row["held_out_returns"] = [sum(e.rewards) for e in look(envs, views, weights, settings.look_at)]
    training.curve.append(row)


def play(
    envs: Envs, views: Views, weights: Weights, seeds: Sequence[int], rng: np.random.Generator | None
) -> list[Played]:
    """One episode of each seed, all side by side; without a generator the likeliest actions are taken.

    Raises
    ------
    UsageError
        If one is no training seed.
    """
    check_training_seeds(seeds)
    played = [Played([], [], []) for _ in seeds]
    now = {n: env.reset(seed) for n, (env, seed) in enumerate(zip(envs, seeds, strict=False))}
    while now:
        seen = {n: views.view(observation) for n, observation in now.items()}
        with torch.no_grad():
            log_p = scores(weights, batch_of(list(seen.values()))).log_probabilities.numpy()
        ends = np.cumsum([len(view.actions) for view in seen.values()])
        if rng is not None:
            log_p = log_p + rng.gumbel(size=len(log_p))  # the largest is then drawn from the policy (Gumbel-max)
        for (n, view), own in zip(seen.items(), np.split(log_p, ends[:-1]), strict=True):
            row = int(own.argmax())
            transition = envs[n].step(view.action(row))
            played[n].views.append(view)
            played[n].rows.append(row)
            played[n].rewards.append(transition.reward)
            now[n] = transition.observation
            if transition.terminated or transition.truncated:
                del now[n]
    return played


def look(envs: Envs, views: Views, weights: Weights, patients: int) -> list[Played]:
    """The likeliest actions on held-out patients."""
    return [episode for part in blocks(patients, len(envs)) for episode in play(envs, views, weights, part, None)]


def batch_seeds(settings: Settings, update: int) -> list[int]:
    """The patients of an update."""
    numbers = range(update * settings.batch, (update + 1) * settings.batch)
    return learned_from(settings.seed, "reinforce patients", numbers)


def reward_to_go(rewards: Sequence[float]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """G of every step, shape (n,)."""
    return np.cumsum(np.asarray(rewards, dtype=np.float64)[::-1])[::-1]
