"""OptimNeuralTS: neural Thompson sampling whose suggestions differential evolution finds.

Warm up with uniform draws. Then, at every step, differential evolution maximises a Thompson draw `N(μ, ν² σ²)`, the
result is moved to the nearest existing combination, its relative risk is observed with noise, and U grows by the
squared gradient there (the published code takes the gradient where differential evolution ended, which was not
observed). The network is fitted anew every few steps. At every snapshot the combinations with `μ - 3 σ > 1.1` are
flagged; what any snapshot flagged stays flagged.

All randomness of step t comes from the seed and t, so that a run that was interrupted goes on to the same result.

References
----------
Larouche, Durand, Khoury, Sirois: Neural bandits for data mining: searching for dangerous polypharmacy. Advances in
Artificial Intelligence, Springer 2023; arXiv 2212.05190.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from harness.agents.bandits import differential_evolution as de
from harness.agents.bandits.combinations import DANGEROUS, Combinations
from harness.agents.bandits.neural_ts import HIDDEN, FloatArray, Posterior, add_squared_gradients, initial
from harness.agents.bandits.training import WARM, Adam, Schedule, fit, fit_long
from harness.core.seeds import stream

NOISE_SD = 0.1
"""Standard deviation of the noise of an observed relative risk."""

AT_ONCE = 10_000
"""Combinations scored in one piece, a matter of memory alone."""


class Arm(StrEnum):
    """Where the next combination to observe comes from."""

    OPTIM_NEURAL_TS = "optim-neural-ts"
    NO_SEARCH = "no-search"
    RANDOM = "random"


class Settings(BaseModel):
    """What a run is made of, beside its data set and its seed. The defaults are the published ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arm: Arm = Arm.OPTIM_NEURAL_TS
    schedule: Schedule = Schedule.WARM
    steps: int = Field(30_000, ge=1, description="observations, those of the warm-up among them")
    warm_up: int = Field(10_000, ge=1, description="uniform draws before the first suggestion")
    nu: float = Field(1.0, ge=0, description="ν: exploration; the standard deviation of a Thompson draw is ν σ")
    lam: float = Field(1.0, gt=0, description="λ: what U begins with, and the weight decay times n")
    hidden: int = Field(HIDDEN, ge=1, description="units of the hidden layer")
    population: int = Field(de.POPULATION, ge=4, description="members of differential evolution")
    generations: int = Field(de.GENERATIONS, ge=0, description="its steps")
    retrain_every: int = Field(10, ge=1, description="steps from one fitting of the network to the next")
    snapshot_every: int = Field(200, ge=1, description="steps from one snapshot to the next")
    n_sigmas: float = Field(3.0, ge=0, description="flagged where μ - n_sigmas σ is above 1.1")


@dataclass
class Search:
    """A search in progress: everything that the next step depends on."""

    data: Combinations
    settings: Settings
    seed: int
    adam: Adam
    U: FloatArray
    rows: NDArray[np.int64]
    observed: FloatArray
    step: int = 0
    flagged: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    found: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    curve: list[dict[str, Any]] = field(default_factory=list)
    cpu_seconds: float = 0.0

    @property
    def posterior(self) -> Posterior:
        """What the network and U say now."""
        return Posterior(self.adam.parameters, self.U, len(self.data.drugs), self.settings.lam)


def begin(data: Combinations, settings: Settings, seed: int) -> Search:
    """A search before its first step."""
    parameters = initial(stream(seed, "network"), len(data.drugs), settings.hidden)
    return Search(
        data=data,
        settings=settings,
        seed=seed,
        adam=Adam.fresh(parameters),
        U=np.full_like(parameters, settings.lam),
        rows=np.zeros(settings.steps, dtype=np.int64),
        observed=np.zeros(settings.steps, dtype=np.float32),
        flagged=np.zeros(len(data), dtype=np.bool_),
        found=np.zeros(len(data.patterns), dtype=np.bool_),
    )


def advance(search: Search, until: int, after: Callable[[Search, bool], None]) -> None:
    """Go on to step `until`; `after` is called after the warm-up and every step, with whether a snapshot is due."""
    settings = search.settings
    until = min(until, settings.steps)
    while search.step < until:
        started = time.process_time()
        if search.step == 0:
            _warm_up(search)
            due = True
        else:
            _step(search)
            due = search.step % settings.snapshot_every == 0 or search.step == settings.steps
        if due:
            snapshot(search)
        search.cpu_seconds += time.process_time() - started
        after(search, due)


def _warm_up(search: Search) -> None:
    data, n = search.data, min(search.settings.warm_up, search.settings.steps)
    rng = stream(search.seed, "warm-up")
    rows = rng.integers(len(data), size=n)
    search.rows[:n] = rows
    search.observed[:n] = data.risk[rows] + rng.normal(0.0, NOISE_SD, size=n)
    for start in range(0, n, AT_ONCE):
        add_squared_gradients(search.U, search.adam.parameters, data.dense(rows[start : start + AT_ONCE]))
    search.step = n
    _fit(search, first=True)


def _step(search: Search) -> None:
    data, t = search.data, search.step
    row = _suggest(search, stream(search.seed, f"suggestion {t}"))
    noise = stream(search.seed, f"noise {t}").normal(0.0, NOISE_SD)
    search.rows[t] = row
    search.observed[t] = data.risk[row] + noise
    add_squared_gradients(search.U, search.adam.parameters, data.dense(search.rows[t : t + 1]))
    search.step = t + 1
    if search.step % search.settings.retrain_every == 0:
        _fit(search, first=False)


def _suggest(search: Search, rng: np.random.Generator) -> int:
    """Row of the next combination to observe."""
    settings, data = search.settings, search.data
    if settings.arm is Arm.RANDOM:
        return int(rng.integers(len(data)))
    posterior = search.posterior

    def thompson(X: FloatArray) -> FloatArray:
        mean, sigma = posterior.mean_and_sigma(X)
        draw: FloatArray = mean + np.float32(settings.nu) * sigma * rng.standard_normal(len(X), dtype=np.float32)
        return draw

    if settings.arm is Arm.NO_SEARCH:  # as many draws as differential evolution makes, all of existing combinations
        rows = rng.integers(len(data), size=settings.population * (settings.generations + 1))
        return int(rows[thompson(data.dense(rows)).argmax()])
    start = data.dense(rng.integers(len(data), size=settings.population))
    return data.nearest(de.maximise(thompson, start, rng, settings.generations)[0])


def _fit(search: Search, *, first: bool) -> None:
    n, settings = search.step, search.settings
    rng = stream(search.seed, f"fit {n}")
    X, y, decay = search.data.members[search.rows[:n]], search.observed[:n], settings.lam / n
    if first or settings.schedule is Schedule.PUBLISHED:
        search.adam = fit_long(search.adam.parameters, X, y, rng, decay=decay)
    else:
        for updates, rate in WARM:
            fit(search.adam, X, y, rng, updates=updates, decay=decay, rate=rate)


def snapshot(search: Search) -> None:
    """Flag what the network and U are sure of now, and note how good all flags so far are."""
    posterior, n_sigmas, data = search.posterior, search.settings.n_sigmas, search.data
    now = np.concatenate(
        [
            lower_bound(posterior, data.members[start : start + AT_ONCE], n_sigmas) > DANGEROUS
            for start in range(0, len(data), AT_ONCE)
        ]
    )
    search.flagged |= now
    if len(data.patterns):
        search.found |= lower_bound(posterior, data.patterns, n_sigmas) > DANGEROUS
    flagged, right = int(search.flagged.sum()), int((search.flagged & data.dangerous).sum())
    now_flagged, now_right = int(now.sum()), int((now & data.dangerous).sum())
    search.curve.append(
        {
            "step": search.step,
            "flagged": flagged,
            "precision": right / flagged if flagged else None,
            "recall": right / max(int(data.dangerous.sum()), 1),
            "patterns": int(search.found.sum()),
            "flagged_now": now_flagged,
            "precision_now": now_right / now_flagged if now_flagged else None,
            "recall_now": now_right / max(int(data.dangerous.sum()), 1),
        }
    )


def lower_bound(posterior: Posterior, X: Any, n_sigmas: float) -> FloatArray:
    """`μ - n_sigmas σ`, shape (n,)."""
    mean, sigma = posterior.mean_and_sigma(X)
    found: FloatArray = mean - np.float32(n_sigmas) * sigma
    return found
