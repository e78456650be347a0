"""Steps per second of OptimNeuralTS: ours beside a straightforward implementation, on one core, in one run.

The straightforward one does what the published code does, by the same rules: a gradient of 64,257 numbers for every
member that differential evolution looks at, the nearest combination by distances to all 100,000 rows, batches of dense
rows. With torch installed its gradients and updates are torch's, else NumPy's. Both begin from the same warm-up, and
both retrain by 300 updates every 10 steps; what the published 100 epochs would take is printed from the time of an
update. CPU seconds, because a core may be shared.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from harness.agents.bandits import differential_evolution as de
from harness.agents.bandits.combinations import Combinations, Simulation, simulate
from harness.agents.bandits.neural_ts import layers
from harness.agents.bandits.optim_neural_ts import Search, Settings, advance, begin
from harness.agents.bandits.training import BATCH, EPOCHS, RATE, WARM_UPDATES, Adam, batches

try:
    import torch

    torch.set_num_threads(1)
except ImportError:
    torch = None


@dataclass(frozen=True)
class Parts:
    """CPU seconds of one suggestion, one update of U, and one update of the network."""

    suggestion: float
    update_of_u: float
    update: float

    def step(self, updates: float) -> float:
        """Seconds of one step with so many updates of the network every 10."""
        return self.suggestion + self.update_of_u + updates / 10 * self.update


def timed(work: Callable[[], object], times: int) -> float:
    work()
    started = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started) / times


def ours(search: Search, steps: int) -> tuple[float, Parts]:
    from harness.agents.bandits import optim_neural_ts as parts
    from harness.agents.bandits.neural_ts import add_squared_gradients
    from harness.agents.bandits.training import fit

    data, rng, n = search.data, np.random.default_rng(0), search.step
    x, y = data.members[search.rows[:n]], search.observed[:n]
    whole = Parts(
        timed(lambda: parts._suggest(search, rng), steps),
        timed(
            lambda: add_squared_gradients(search.U.copy(), search.adam.parameters, data.dense(search.rows[:1])), steps
        ),
        timed(lambda: fit(copied(search.adam), x, y, rng, updates=WARM_UPDATES, decay=1 / n), 3) / WARM_UPDATES,
    )
    started = time.process_time()
    advance(search, search.step + steps, lambda search, due: None)
    return (time.process_time() - started) / steps, whole


def copied(adam: Adam) -> Adam:
    return Adam(adam.parameters.copy(), adam.first.copy(), adam.second.copy(), adam.updates)


def straightforward(search: Search, steps: int) -> Parts:
    data, n = search.data, search.step
    dense = data.members.toarray()
    gradient, update = torch_parts(search, dense) if torch else numpy_parts(search, dense)
    u, rng = search.U.copy(), np.random.default_rng(0)

    def thompson(members: np.ndarray) -> np.ndarray:
        drawn = []
        for member in members:
            mean, g = gradient(member)
            drawn.append(rng.normal(mean, np.sqrt(np.sum(g * g / u))))
        return np.array(drawn)

    def suggest() -> int:
        start = dense[rng.integers(len(dense), size=de.POPULATION)]
        best, _ = de.maximise(thompson, start, rng)
        return int(np.abs(dense - best).sum(axis=1).argmin())

    def grow() -> None:
        _, g = gradient(dense[0])
        np.add(u, g * g, out=u)

    return Parts(
        timed(suggest, steps), timed(grow, steps), timed(lambda: update(rng.integers(n, size=BATCH)), WARM_UPDATES)
    )


def torch_parts(search: Search, dense: np.ndarray) -> tuple[Callable, Callable]:
    drugs, hidden = dense.shape[1], search.settings.hidden
    network = torch.nn.Sequential(torch.nn.Linear(drugs, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 1))
    given = layers(search.adam.parameters, drugs)
    with torch.no_grad():
        for into, values in zip(network.parameters(), (given.W1.T, given.b1, given.w2[None], given.b2), strict=True):
            into.copy_(torch.from_numpy(np.ascontiguousarray(values)))
    adam = torch.optim.Adam(network.parameters(), lr=RATE, weight_decay=1 / search.step)
    loss = torch.nn.MSELoss()
    x = torch.from_numpy(dense[search.rows[: search.step]])
    y = torch.from_numpy(search.observed[: search.step].copy())[:, None]

    def gradient(member: np.ndarray) -> tuple[float, np.ndarray]:
        network.zero_grad(set_to_none=True)
        mean = network(torch.from_numpy(member)[None])
        mean.backward()
        return mean.item(), torch.cat([p.grad.flatten() for p in network.parameters()]).numpy()

    def update(rows: np.ndarray) -> None:
        adam.zero_grad(set_to_none=True)
        loss(network(x[rows]), y[rows]).backward()
        adam.step()

    return gradient, update


def numpy_parts(search: Search, dense: np.ndarray) -> tuple[Callable, Callable]:
    adam, drugs = copied(search.adam), dense.shape[1]
    network = layers(adam.parameters, drugs)
    x, y = dense[search.rows[: search.step]], search.observed[: search.step]

    def gradient(member: np.ndarray) -> tuple[float, np.ndarray]:
        a = np.maximum(member @ network.W1 + network.b1, 0)
        back = (a > 0) * network.w2
        return float(a @ network.w2 + network.b2[0]), np.concatenate([np.outer(member, back).ravel(), back, a, [1.0]])

    def update(rows: np.ndarray) -> None:
        a = np.maximum(x[rows] @ network.W1 + network.b1, 0)
        error = 2 / len(rows) * (a @ network.w2 + network.b2 - y[rows])
        back = np.outer(error, network.w2) * (a > 0)
        flat = np.concatenate([(x[rows].T @ back).ravel(), back.sum(axis=0), error @ a, [error.sum()]])
        adam.descend((flat + adam.parameters / search.step).astype(np.float32), RATE)

    return gradient, update


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200, help="of ours; a twentieth of the other")
    parser.add_argument("--warm-up", type=int, default=10_000)
    asked = parser.parse_args()
    data: Combinations = simulate(Simulation(seed=1))
    search = begin(data, Settings(warm_up=asked.warm_up, snapshot_every=30_000), 0)
    advance(search, 1, lambda search, due: None)
    n = search.step
    plain = straightforward(search, max(asked.steps // 20, 3))
    measured, parts = ours(search, asked.steps)
    print(
        f"500 drugs, {len(data):,} combinations, {n:,} observations; plain gradients by {'torch' if torch else 'NumPy'}"
    )
    print(f"{'CPU ms':34} {'ours':>10} {'plain':>10} {'ratio':>8}")
    for name, label in (
        ("suggestion", "suggestion (544 draws, nearest)"),
        ("update_of_u", "update of U"),
        ("update", "update of the network"),
    ):
        a, b = getattr(parts, name), getattr(plain, name)
        print(f"{label:34} {1e3 * a:10.3f} {1e3 * b:10.3f} {b / a:8.1f}")
    for label, updates in (
        ("step, 300 updates / 10 steps", WARM_UPDATES),
        ("step, 100 epochs / 10 steps", EPOCHS * batches(n)),
    ):
        a, b = parts.step(updates), plain.step(updates)
        print(f"{label:34} {1e3 * a:10.3f} {1e3 * b:10.3f} {b / a:8.1f}")
    for label, seconds in (
        ("ours, measured", measured),
        ("plain, 300 updates", plain.step(WARM_UPDATES)),
        ("plain, 100 epochs as published", plain.step(EPOCHS * batches(n))),
    ):
        print(f"{label:34} {1 / seconds:10.2f} steps/s, ratio {seconds / measured:.1f}")


if __name__ == "__main__":
    main()
