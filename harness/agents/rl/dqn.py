"""A deep Q-network with experience replay and a target network, over many patients side by side.

One round: play a batch of episodes by epsilon-greedy actions, all at once, and keep them; then take some steps of Adam
down the Huber loss between Q(s, a) and

    r_t + γ r_{t+1} + … + γ^(m-1) r_{t+m-1} + γ^m Q'(s_{t+m}, argmax_a Q(s_{t+m}, a))

on transitions drawn from the episodes kept. Mnih et al. (Nature 2015;518:529) for replay and the target network Q',
which here follows Q slowly (Lillicrap et al., ICLR 2016); van Hasselt et al. (AAAI 2016) for choosing by Q what Q'
values (Double DQN); returns over m steps as in Hessel et al. (AAAI 2018). The policy is greedy by Q', which changes
less from one round to the next.

Nemati, Ghassemi, Clifford (EMBC 2016:2978) chose heparin doses by a deep Q-network too (the abstract was read, not the
paper). Theirs learned from the doses that clinicians had given (MIMIC-II), never trying any, and its state was inferred
from a patient's history by a discriminative hidden Markov model. This one learns from what it tries itself, on
simulated patients, orders its own tests, and is shown what was seen some hours before beside what is seen now: a
history in place of an inferred state.

All randomness is drawn from streams named after the seed and the round: an interrupted training goes on as if it never
was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt
from torch.nn.functional import smooth_l1_loss

from harness.agents.rl.cohort import HELD_OUT, blocks, learned_from
from harness.agents.rl.dqn_network import initial, q_values
from harness.agents.rl.dqn_replay import Replay, looked_back, nothing
from harness.agents.rl.dqn_tasks import Task
from harness.agents.rl.layers import Weights
from harness.core.seeds import check_training_seeds, stream

LARGEST_GRADIENT = 10.0

SIDE_BY_SIDE = 500
"""Held-out patients that are played at a time."""

Row = dict[str, Any]
"""Of the curve, plain data."""

FloatArray = npt.NDArray[np.float64]


class Settings(BaseModel):
    """What a training depends on, beside its environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(0, description="of the weights, the order of patients, the actions tried, the transitions drawn")
    episodes: int = Field(38_400, ge=1, description="episodes to learn from, rounded up to whole rounds")
    patients: int = Field(128, ge=1, description="episodes a round")
    kept: int = Field(12_800, ge=1, description="latest episodes that transitions are drawn from, in whole rounds")
    updates: int = Field(100, ge=1, description="steps of Adam a round")
    batch: int = Field(256, ge=1, description="transitions a step of Adam")
    learning_rate: float = Field(5e-4, gt=0, description="at first; it falls to 0 in a straight line")
    hidden: int = Field(128, ge=1, description="width of both hidden layers")
    lags: tuple[NonNegativeInt, ...] = Field(
        (0, 3, 6, 12), min_length=1, description="steps back whose features are shown"
    )
    ahead: int = Field(4, ge=1, description="m, steps whose rewards are added up before Q' takes over")
    double: bool = Field(True, description="Double DQN; otherwise Q' also chooses what it values")
    target: float = Field(0.005, gt=0, le=1, description="part of the way that Q' goes to Q after every step of Adam")
    epsilon: tuple[float, float] = Field((0.5, 0.03), description="share of random actions at first and later")
    epsilon_falls: float = Field(
        0.3, gt=0, le=1, description="part of the training in which it falls from one to the other"
    )
    look_every: int = Field(25, ge=1, description="rounds between two looks at held-out patients")
    look_at: int = Field(500, ge=1, le=len(HELD_OUT), description="held-out patients a look")

    @property
    def rounds(self) -> int:
        """Rounds in all."""
        return -(-self.episodes // self.patients)

    def epsilon_in(self, number: int) -> float:
        """Share of random actions in a round."""
        first, last = self.epsilon
        return first + (last - first) * min(number / (self.epsilon_falls * self.rounds), 1.0)


@dataclass
class Training:
    """Everything that the next round depends on, and the curve so far."""

    settings: Settings
    weights: Weights
    target: Weights
    adam: torch.optim.Adam
    replay: Replay
    rounds: int
    curve: list[Row]


@dataclass(frozen=True)
class Played:
    """Episodes side by side: seen (T + 1, n, f), actions (T, n), rewards (T, n)."""

    seen: npt.NDArray[np.float32]
    actions: npt.NDArray[np.int64]
    rewards: npt.NDArray[np.float32]


def begin(task: Task, settings: Settings) -> Training:
    """A new training.

    Raises
    ------
    UsageError
        If the seed is no training seed.
    """
    check_training_seeds([settings.seed])
    inputs = len(settings.lags) * len(task.features)
    weights = initial(inputs, settings.hidden, len(task.actions), stream(settings.seed, "dqn weights"))
    target = {name: values.detach().clone() for name, values in weights.items()}
    adam = torch.optim.Adam(list(weights.values()), lr=settings.learning_rate, fused=True)
    kept = min(-(-settings.kept // settings.patients), settings.rounds)
    replay = nothing(kept, task.steps, settings.patients, len(task.features))
    return Training(settings, weights, target, adam, replay, 0, [])


def advance(training: Training, task: Task, after: Callable[[Training], None]) -> None:
    """Go on to the last round, telling `after` every time."""
    torch.set_num_threads(1)  # a sum by several threads may be rounded otherwise each time
    while training.rounds < training.settings.rounds:
        play_and_learn(training, task)
        after(training)


def play_and_learn(training: Training, task: Task) -> None:
    """One round."""
    settings, number = training.settings, training.rounds
    seeds = learned_from(
        settings.seed, "dqn patients", range(number * settings.patients, (number + 1) * settings.patients)
    )
    epsilon = settings.epsilon_in(number)
    rng = stream(settings.seed, f"dqn actions {number}")
    played = play(task, training.weights, settings.lags, seeds, epsilon, rng)
    training.replay.add(played.seen, played.actions, played.rewards)
    losses = [learn(training, task, rng) for _ in range(settings.updates)]
    training.rounds += 1
    row: Row = {
        "round": training.rounds,
        "episodes": training.rounds * settings.patients,
        "epsilon": epsilon,
        "mean_return": float(played.rewards.sum(axis=0).mean()),
        "loss": float(np.mean(losses)),
    }
    if training.rounds % settings.look_every == 0 or training.rounds == settings.rounds:
        row["held_out_returns"] = look(task, training.target, settings)
    training.curve.append(row)


def learn(training: Training, task: Task, rng: np.random.Generator) -> float:
    """One step of Adam; the loss before it."""
    settings, weights, target = training.settings, training.weights, training.target
    drawn = training.replay.draw(settings.batch, settings.lags, settings.ahead, task.discount, rng)
    seen, actions, earned, then, after = map(torch.from_numpy, drawn)
    with torch.no_grad():
        chosen = q_values(weights if settings.double else target, then).argmax(dim=1, keepdim=True)
        aim = earned + after * q_values(target, then).gather(1, chosen)[:, 0]
    loss = smooth_l1_loss(q_values(weights, seen).gather(1, actions[:, None])[:, 0], aim)
    left = 1.0 - training.rounds / settings.rounds
    training.adam.param_groups[0]["lr"] = settings.learning_rate * left
    training.adam.zero_grad()
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(list(weights.values()), LARGEST_GRADIENT)
    training.adam.step()
    with torch.no_grad():
        for name, values in target.items():
            values.lerp_(weights[name], settings.target)
    return float(loss.detach())


def play(
    task: Task,
    weights: Weights,
    lags: Sequence[int],
    seeds: Sequence[int],
    epsilon: float = 0.0,
    rng: np.random.Generator | None = None,
) -> Played:
    """One episode of each seed, all side by side; without a generator every action is the greedy one.

    Raises
    ------
    UsageError
        If one is no training seed.
    """
    check_training_seeds(seeds)
    n = len(seeds)
    seen = np.empty((1, task.steps + 1, n, len(task.features)), dtype=np.float32)
    actions = np.empty((task.steps, n), dtype=np.int64)
    rewards = np.empty((task.steps, n), dtype=np.float32)
    who, zero = np.arange(n), np.zeros(n, dtype=np.int64)
    seen[0, 0] = task.ward.reset(seeds)
    for step in range(task.steps):
        now = looked_back(seen, (zero, zero + step, who), lags)
        with torch.no_grad():
            chosen = q_values(weights, torch.from_numpy(now)).argmax(dim=1).numpy()
        if rng is not None:
            tried = rng.integers(len(task.actions), size=n)
            chosen = np.where(rng.random(n) < epsilon, tried, chosen)
        actions[step] = chosen
        seen[0, step + 1], rewards[step], _ = task.ward.step(chosen)
    return Played(seen[0], actions, rewards)


def look(task: Task, weights: Weights, settings: Settings) -> list[float]:
    """Returns of the greedy actions on held-out patients."""
    found: list[float] = []
    for seeds in blocks(settings.look_at, SIDE_BY_SIDE):
        played = play(task, weights, settings.lags, seeds)
        found += played.rewards.sum(axis=0, dtype=np.float64).tolist()
    return found
