"""Makes `data/fitted.npz`: fitted value iteration on simulated patients of the training seeds.

    python -m harness.envs.anticoagulation.dic.fit

Backward from the last decision, with patients as several rules left them at each one: the value of every action is its
reward and the mean, over whether the patient will bleed, of the value fitted to the next decision's states (true ones,
which the simulator knows). These values are then fitted to what a chart shows, and the policy takes the highest: it
knows no more than an agent. What that policy earns, not what an all-knowing one would, is the value fitted to the
states before. Each further round begins from patients that the round before it has treated; kept is the policy that is
worth most in other patients of the training seeds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from harness.core.seeds import TRAINING_SEEDS, stream
from harness.envs.anticoagulation.dic import constants as c
from harness.envs.anticoagulation.dic import policies
from harness.envs.anticoagulation.dic.actions import CAUSE
from harness.envs.anticoagulation.dic.course import Chart, Course, Policy, run
from harness.envs.anticoagulation.dic.fitted import features, greedy, hinges
from harness.envs.anticoagulation.dic.model import State, step, survival
from harness.envs.anticoagulation.dic.patients import draw
from harness.mdp.tabular import FloatArray

PATIENTS: Final = 6_000
ROUNDS: Final = 4
RIDGE: Final = 1e-6
"""Added to the diagonal of the mean square of the features."""

OUT: Final = Path(__file__).parent / "data" / "fitted.npz"


def true_features(s: State) -> FloatArray:
    """What the value of a true state is linear in, shape (n, F)."""
    n = len(s)
    drive = np.minimum(s.drive, 5.0)
    pt = (100.0 / s.factors) ** c.PT_EXPONENT
    columns = [np.ones(n), drive, drive * s.keeps, s.keeps, s.lysis, s.lysis * s.keeps, s.organs * drive]
    columns += [s.organs * drive * s.keeps, s.organs * s.keeps, drive**2, drive**2 * s.keeps, s.organs**2 * drive]
    for x, knots in (
        (s.platelets, (15.0, 30.0, 45.0, 60.0, 80.0, 120.0, 200.0)),
        (s.fibrinogen, (0.4, 0.7, 1.0, 1.4, 2.0, 3.0)),
        (pt, (1.0, 1.15, 1.3, 1.5, 1.7, 1.9, 2.3)),
        (s.organs, (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0)),
        (s.volume, (0.0, 0.6, 1.2, 1.8, 3.0, 5.0)),
    ):
        columns += list(hinges(x, np.array(knots)).T)
    well = np.clip((s.platelets - 15.0) / 65.0, 0, 1) * np.clip((s.fibrinogen - 0.7) / 1.3, 0, 1)
    columns += [well, well * np.clip((1.9 - pt) / 0.6, 0, 1), np.clip((1.9 - pt) / 0.6, 0, 1) * s.organs]
    columns += [well * drive, well * s.organs, well * s.lysis, pt * drive, pt * drive * s.keeps, s.lysis * drive]
    columns += [s.platelets / 100.0 * drive, s.fibrinogen * drive, s.fibrinogen * s.lysis, s.organs**3, drive**3]
    columns += [s.keeps**2, drive * s.keeps**2, drive**2 * s.keeps**2, s.organs * drive**2 * s.keeps]
    columns += [s.organs * drive * s.keeps**2, s.volume * s.organs]
    for cause in range(len(c.CAUSES)):
        here = (s.cause == cause).astype(np.float64)
        columns += [here, here * drive, here * s.keeps, here * drive * s.keeps, here * s.organs]
        columns += [here * drive * s.organs, here * well]
    return np.stack(columns, axis=1)


class Value:
    """A value fitted to true states, apart for those who bleed and those who do not; of who is alive."""

    def __init__(self, states: State, values: FloatArray) -> None:
        x = true_features(states)
        self._weights = [least_squares(x[who], values[who]) for who in (~states.bleeding, states.bleeding)]

    def __call__(self, states: State) -> FloatArray:
        """The values, weighted by the probability to live, shape (n,)."""
        x = true_features(states)
        return states.alive * np.where(states.bleeding, x @ self._weights[1], x @ self._weights[0])


def least_squares(x: FloatArray, y: FloatArray) -> FloatArray:
    """Ridge regression, shape (F,) or (F, A)."""
    return solved(x.T @ x, x.T @ y, len(x))


def solved(gram: FloatArray, cross: FloatArray, n: int) -> FloatArray:
    """The same from the features' products of n patients, (F, F) and with what is to be fitted."""
    return np.asarray(np.linalg.solve(gram + RIDGE * n * np.eye(len(gram)), cross))


def explored(seeds: range, usual: Policy, seed: int) -> list[tuple[State, Chart]]:
    """Patients at every decision, as they are met under a rule, changed by chance."""
    rng = stream(seed, "explored")
    course, found = Course(draw(seeds)), []
    n = len(seeds)
    while not course.over:
        chart = course.chart()
        alive = State(**{**vars(course.state), "alive": np.ones(n)})
        found.append((alive, chart))
        kind = rng.random(n)
        orders = np.where(kind < 0.5, usual(chart), policies.guideline(chart))
        orders = np.where(kind > 0.7, CAUSE + rng.integers(CAUSE, size=n), orders)
        orders = np.where(kind > 0.9, policies.untreated(chart), orders)
        course.order(orders)
    return found


def iterate(met: list[tuple[State, Chart]]) -> FloatArray:
    """Weights of the policy, shape (F, A), by one pass backward."""
    after: Callable[[State], FloatArray] = survival
    size = features(met[0][1]).shape[1]
    gram, cross = np.zeros((size, size)), np.zeros((size, CAUSE))
    for states, chart in reversed(met):
        q = np.empty((len(states), CAUSE))
        for action in range(CAUSE):
            found = step(states, np.full(len(states), CAUSE + action))
            q[:, action] = found.reward + found.either(after)
        x = features(chart)
        chosen = greedy(chart, least_squares(x, q))
        gram, cross = gram + x.T @ x, cross + x.T @ q
        after = Value(states, q[np.arange(len(q)), chosen % CAUSE])
    return solved(gram, cross, sum(len(states) for states, _ in met))


def main() -> None:
    """Fit, say on stderr what each round's policy is worth in patients that it has not seen, and keep the best."""
    seeds, others = TRAINING_SEEDS[:PATIENTS], draw(TRAINING_SEEDS[PATIENTS:])
    usual: Policy = policies.guideline
    found = []
    for turn in range(ROUNDS):
        table = iterate(explored(seeds, usual, turn))
        usual = partial(greedy, table=table)
        found.append((float(run(others, usual).returns.mean()), table))
        sys.stderr.write(f"round {turn + 1}: net survival {found[-1][0]:.4f}\n")
    OUT.parent.mkdir(exist_ok=True)
    np.savez_compressed(OUT, weights=max(found, key=lambda pair: pair[0])[1].astype(np.float32))


if __name__ == "__main__":
    main()
