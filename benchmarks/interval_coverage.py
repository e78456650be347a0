"""How often a 95 % interval holds the truth: known policies, exact values, thousands of repeated evaluations.

    python benchmarks/interval_coverage.py

Every cell is the share of repeated evaluations of n episodes whose interval holds the policy's exact value; an honest
95 % is between 93 and 97. `own p` uses the probabilities that an agent told, which the harness does from 100 episodes
on. `width` is the mean half-width of the default. The last column repeats whole runs with
`--until`: looking after every batch, stopping when the interval is narrow enough, as a user does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from harness.envs.registry import make
from harness.evaluation.intervals import (
    Estimate,
    bca,
    clustered_share,
    of_returns,
    skewness_corrected,
    student_t,
)
from harness.evaluation.rollout import Estimator, looks, planned_episodes, scale_of
from harness.mdp.build import with_rewards
from harness.mdp.environment import TabularEnvironment
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import deterministic, uniform
from harness.mdp.simulate import simulate

SEED = 100_000
SIZES = (30, 50, 100, 300, 1_000)
REPEATS, REPEATS_OF_BOOTSTRAP, REPEATS_OF_RUNS = 2_000, 300, 400
MOST = 2_000
"""Episodes of a run with `--until`, at most."""

SHARE_OF_PLAN = 0.5
"""A run with `--until` asks for the half-width that a sample of this share of `MOST` is expected to reach."""


def policies(env: TabularEnvironment) -> dict[str, np.ndarray]:
    mdp = env.mdp
    chance, best = uniform(mdp.legal), deterministic(mdp, env.optimum.actions)
    found = {"chance": chance}
    if env.expert_policy is not None:
        found["expert"] = env.expert_policy
    rng = np.random.default_rng(SEED)
    drawn = np.array([rng.choice(np.flatnonzero(row)) if row.any() else 0 for row in mdp.legal])
    found["one action a state, half of them best"] = deterministic(
        mdp, np.where(rng.random(mdp.n_states) < 0.5, env.optimum.actions, drawn)
    )
    return found | {
        "optimal but for 20 %": 0.8 * best + 0.2 * chance,
        "optimal but for 2 %": 0.98 * best + 0.02 * chance,
    }


def covered(truth: float, samples: np.ndarray, how: Callable[[np.ndarray], Estimate]) -> float:
    found = [how(sample) for sample in samples]
    return float(np.mean([e.lower <= truth <= e.upper for e in found]))


def stopped(env: TabularEnvironment, truth: float, losses: np.ndarray, spread: float) -> tuple[float, float]:
    """Share of runs with `--until` that held the truth, and their mean number of episodes."""
    scale = scale_of(env)
    aimed = 3.0 * spread / math.sqrt(SHARE_OF_PLAN * MOST)
    estimator = Estimator(scale, planned=planned_episodes(scale.spread, aimed, MOST), looks=len(looks(MOST)))
    right, played = 0, 0
    for sample in losses:
        for n in looks(MOST):
            found = estimator.of_losses(sample[:n], scale)
            if (found.upper - found.lower) / 2 <= aimed:
                break
        right += found.lower <= truth <= found.upper
        played += n
    return right / len(losses), played / len(losses)


def main() -> None:
    headings = ("n", "raw", "default", "own p", "Student", "BCa", "share", "width")
    print(f"{'':54}{'{:>6} {:>7} {:>8} {:>7} {:>8} {:>7} {:>7} {:>8}'.format(*headings)}")
    for env_id in ("icu-sepsis", "sepsis-os"):
        env = make(env_id)
        assert isinstance(env, TabularEnvironment)
        mdp, regret = env.mdp, np.nan_to_num(env.regret)
        scale = scale_of(env)
        default = Estimator(scale)
        for name, policy in policies(env).items():
            truth = evaluate(mdp, policy).J
            n_all = REPEATS * max(SIZES)
            mean_regret = np.broadcast_to((policy * regret).sum(axis=1)[:, None], regret.shape)
            population = simulate(mdp, policy, n_all, seed=SEED, table=regret, horizon=env.spec.horizon)
            told = simulate(mdp, policy, n_all, seed=SEED, table=mean_regret, horizon=env.spec.horizon).losses
            odd = np.where(mdp.admissible, 0.0, 1.0)
            undiscounted = evaluate(mdp, policy)
            counts = simulate(mdp, policy, n_all, seed=SEED, table=odd, horizon=env.spec.horizon)
            shares_known = mdp.discount == 1.0 and odd.any()
            share = float(undiscounted.occupancy @ (policy * odd).sum(axis=1)) / undiscounted.length
            losses = population.losses.reshape(REPEATS, -1)
            own = told.reshape(REPEATS, -1)
            returns = population.returns.reshape(REPEATS, -1)
            for n in SIZES:
                cells = [
                    covered(truth, returns[:, :n], partial(of_returns, binary=env.spec.binary)),
                    covered(truth, losses[:, :n], partial(default.of_losses, scale=scale)),
                    covered(truth, own[:, :n], partial(default.of_losses, scale=scale)),
                    covered(scale.optimal - truth, losses[:, :n], student_t),
                    covered(scale.optimal - truth, losses[:REPEATS_OF_BOOTSTRAP, :n], bca) if n <= 300 else math.nan,
                ]
                if shares_known:
                    pairs = zip(
                        counts.losses.reshape(REPEATS, -1)[:, :n],
                        counts.lengths.reshape(REPEATS, -1)[:, :n],
                        strict=True,
                    )
                    found = [clustered_share(y, m) for y, m in pairs]
                    cells.append(float(np.mean([e.lower <= share <= e.upper for e in found])))
                else:
                    cells.append(math.nan)
                width = np.mean([np.ptp([e.lower, e.upper]) / 2 for e in map(skewness_corrected, losses[:, :n])])
                label = f"{env_id}, {name}" if n == SIZES[0] else ""
                shown = " ".join(f"{'–' if math.isnan(c) else f'{100 * c:.1f}':>7}" for c in cells)
                print(f"{label:54}{n:6} {shown} {width:8.4f}", flush=True)
            spread = math.sqrt(evaluate(with_rewards(mdp, regret), policy).variance)
            wide = population.losses[: REPEATS_OF_RUNS * MOST].reshape(REPEATS_OF_RUNS, MOST)
            held, played = stopped(env, truth, wide, spread)
            print(f"{'':54}--until: {100 * held:.1f} of {REPEATS_OF_RUNS} runs, {played:.0f} episodes each", flush=True)
    print(f"{REPEATS} repeated evaluations a cell, {REPEATS_OF_BOOTSTRAP} for the bootstrap")


if __name__ == "__main__":
    main()
