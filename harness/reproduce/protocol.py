"""A published comparison on ICU-Sepsis re-examined: what 100 episodes for each of three seeds can tell.

The figures are those of the repository anishmariathasan/CQL-sepsis, coursework that publishes its code, its settings
and its means, which is what makes it possible to say this. The question is about the protocol, not about the methods:
how would its figures fall if the policies' true values were these?

Returns are 0 or 1 (survival), so an episode is a coin toss with the policy's value, and the distributions are exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import optimize

from harness.envs.icu_sepsis.environment import icu_sepsis
from harness.mdp.build import with_rewards
from harness.mdp.evaluate import evaluate
from harness.mdp.tabular import FloatArray
from harness.reproduce.binomial import (
    Comparison,
    SeedSpread,
    Shares,
    compare,
    episodes,
    episodes_needed,
    seed_spread,
)
from harness.reproduce.icu_sepsis import baselines

EPISODES = 100
"""Episodes of an evaluation (CQL-sepsis, `results/*/config.yaml`)."""

RUN_SEEDS = (42, 123, 456)
"""Seeds of an arm; the episodes of a run's evaluations have its seed and the next 99 (`src/utils/evaluation.py`)."""

SEEDS = len(RUN_SEEDS)

LOOKS = 20
"""Evaluations of a run of which the best is kept: every 5,000 of 100,000 updates (`results/*/config.yaml`,
`scripts/reproduce_all.ps1`). Left to its defaults, `scripts/04_train_baselines.py` makes 10."""

CLONED = 0.786
"""Survival of the repository's behaviour-cloning networks, evaluated exactly: 0.785 to 0.786."""

CQL_BEST = 0.86
"""The highest published mean, CQL with alpha 0.5."""


@dataclass(frozen=True)
class Arm:
    """One published mean over `SEEDS * EPISODES` episodes, of which `survived` were survived."""

    name: str
    survived: int
    best_of_checkpoints: bool = True

    @property
    def published(self) -> float:
        """The published mean."""
        return self.survived / (SEEDS * EPISODES)


ARMS = (
    Arm("random", 245, best_of_checkpoints=False),
    Arm("behaviour cloning", 252),
    Arm("DQN", 246),
    Arm("CQL, alpha 0", 246),
    Arm("CQL, alpha 0.1", 257),
    Arm("CQL, alpha 0.5", 258),
    Arm("CQL, alpha 1", 254),
    Arm("CQL, alpha 2", 251),
    Arm("CQL, alpha 5", 254),
    Arm("CQL, alpha 10", 251),
)
"""Means of three seeds times 300 (CQL-sepsis, `notebooks/02_comprehensive_evaluation.ipynb`, summary table)."""

CQL_ARMS = sum(arm.name.startswith("CQL") for arm in ARMS)


@dataclass(frozen=True)
class Position:
    """Where a published mean lies among the means of 300 independent episodes of a policy worth `true_value`.

    Attributes
    ----------
    arm : str
    published, true_value : float
    known : bool
        Whether `true_value` is that of the published policy; otherwise it is a supposition, the random policy's.
    low, high : float
        Central 95 % range of such means.
    reached : float
        Probability of the published mean or more, without any selection.
    reached_selected : float or None
        The same where the best of `LOOKS` independent evaluations of each run was kept; None where nothing was.
    """

    arm: str
    published: float
    true_value: float
    known: bool
    low: float
    high: float
    reached: float
    reached_selected: float | None


@dataclass(frozen=True)
class Best:
    """The best of several figures where every policy is worth the same.

    Attributes
    ----------
    what : str
    expected, low, high : float
        Mean and central 95 % range of the best.
    reached : float
        Probability that the best is at least `CQL_BEST`.
    """

    what: str
    expected: float
    low: float
    high: float
    reached: float


@dataclass(frozen=True)
class Needed:
    """Episodes an arm to tell two true values apart with probability 0.8 at the 5 % level, two-sided.

    Attributes
    ----------
    low, high : float
    raw_sd, advantage_sd : tuple of float
        Standard deviation of an episode's return, and of `J* - Σ regret`, for either policy.
    raw, advantage_sum : int
        Episodes, by the mean return and by the mean of `J* - Σ regret`.
    """

    low: float
    high: float
    raw_sd: tuple[float, float]
    advantage_sd: tuple[float, float]
    raw: int
    advantage_sum: int


@dataclass(frozen=True)
class Protocol:
    """What the protocol can tell, under the true values. `shared_seeds` episode seeds of an arm are used twice."""

    random_value: float
    optimal_value: float
    shared_seeds: int
    positions: tuple[Position, ...]
    spread: SeedSpread
    comparisons: tuple[Comparison, ...]
    best: tuple[Best, ...]
    needed: tuple[Needed, ...]


def examine() -> Protocol:
    """Everything about the protocol; nothing is sampled."""
    env = icu_sepsis()
    tables = baselines(env)
    lost = with_rewards(env.mdp, env.regret)
    random = evaluate(env.mdp, tables["random"]).J

    def worth(value: float) -> FloatArray:
        """A policy of this value: at each decision the optimum's action or a random one, by chance."""

        def mixed(share: float) -> FloatArray:
            return (1 - share) * tables["optimal"] + share * tables["random"]

        share = optimize.brentq(lambda x: evaluate(env.mdp, mixed(x)).J - value, 0.0, 1.0, xtol=1e-10)
        return mixed(float(share))

    def needed(value: float) -> Needed:
        policies = (tables["random"], worth(value))
        raw = tuple(evaluate(env.mdp, policy).variance for policy in policies)
        summed = tuple(evaluate(lost, policy).variance for policy in policies)
        return Needed(
            low=random,
            high=value,
            raw_sd=(math.sqrt(raw[0]), math.sqrt(raw[1])),
            advantage_sd=(math.sqrt(summed[0]), math.sqrt(summed[1])),
            raw=episodes_needed(value - random, (raw[0], raw[1])),
            advantage_sum=episodes_needed(value - random, (summed[0], summed[1])),
        )

    return Protocol(
        random_value=random,
        optimal_value=env.optimum.J,
        shared_seeds=SEEDS * EPISODES - len({seed + i for seed in RUN_SEEDS for i in range(EPISODES)}),
        positions=tuple(_position(arm, random) for arm in ARMS),
        spread=seed_spread(EPISODES, random),
        comparisons=tuple(compare(SEEDS * EPISODES, random, value) for value in (CLONED, CQL_BEST)),
        best=tuple(_best(what, shares) for what, shares in selections(random).items()),
        needed=tuple(needed(value) for value in (CLONED, CQL_BEST)),
    )


SINGLE = f"1 arm of {SEEDS * EPISODES} episodes, nothing selected"
SELECTED = f"mean of {SEEDS} seeds' best of {LOOKS} checkpoints"
BEST_SELECTED = f"best of {CQL_ARMS} such means"


def selections(value: float) -> dict[str, Shares]:
    """Distributions of reported means of policies that are all worth `value`, by what was selected on the way.

    The looks at a run are taken to be independent. Where the same episode seeds are used at every look they are
    positively related, and selection then lifts the figure by less: not at all if all checkpoints act alike.
    """
    look = episodes(EPISODES, value)
    arm = episodes(SEEDS * EPISODES, value)
    checkpoints = look.best_of(LOOKS)
    selected = checkpoints.mean_of(SEEDS)
    return {
        SINGLE: arm,
        f"best of {CQL_ARMS} arms of {EPISODES} episodes": look.best_of(CQL_ARMS),
        f"best of {CQL_ARMS} arms of {SEEDS * EPISODES} episodes": arm.best_of(CQL_ARMS),
        f"best of {LOOKS} checkpoints of {EPISODES} episodes": checkpoints,
        SELECTED: selected,
        BEST_SELECTED: selected.best_of(CQL_ARMS),
    }


def _position(arm: Arm, random: float) -> Position:
    known = {"random": random, "behaviour cloning": CLONED}
    value = known.get(arm.name, random)
    shares = episodes(SEEDS * EPISODES, value)
    selected = episodes(EPISODES, value).best_of(LOOKS).mean_of(SEEDS)
    low, high = shares.central()
    return Position(
        arm=arm.name,
        published=arm.published,
        true_value=value,
        known=arm.name in known,
        low=low,
        high=high,
        reached=shares.at_least(arm.published),
        reached_selected=selected.at_least(arm.published) if arm.best_of_checkpoints else None,
    )


def _best(what: str, shares: Shares) -> Best:
    low, high = shares.central()
    return Best(what, shares.mean, low, high, shares.at_least(CQL_BEST))
