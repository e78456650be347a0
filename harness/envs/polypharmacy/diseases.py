"""Which conditions a patient has: as often as the tables say for age and sex, and together as often as they say."""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from harness.envs.polypharmacy.body import BANDS, FEMALE, Body
from harness.envs.polypharmacy.chart import Sex
from harness.envs.polypharmacy.rows import Condition
from harness.envs.polypharmacy.tables import Tables

RAREST = 1e-6


class Logit(NamedTuple):
    """Log odds of one condition: those without any of the earlier ones, and what each of those adds."""

    name: str
    intercept: float
    added: tuple[tuple[int, float], ...]


def prevalence(condition: Condition, band: int, sex: Sex) -> float:
    """How many of one sex have a condition, in an age band of which `FEMALE` are women."""
    overall = (condition.prevalence_65, condition.prevalence_75, condition.prevalence_85)[band]
    if condition.female_odds == 0:
        return overall if sex == "m" else 0.0
    share, ratio = FEMALE[band], condition.female_odds
    low, high = 0.0, 1.0
    for _ in range(50):  # bisection over the prevalence of men
        men = (low + high) / 2
        women = ratio * men / (1 - men + ratio * men)
        low, high = (men, high) if share * women + (1 - share) * men < overall else (low, men)
    return women if sex == "f" else men


@lru_cache(maxsize=4)
def logits(tables: Tables) -> dict[tuple[int, Sex], tuple[Logit, ...]]:
    """The log odds of all conditions, in the table's order, for each age band and sex.

    A condition's intercept is such that as many have it as the table says, the earlier conditions that change its odds
    being taken as independent of one another.
    """
    order = {name: i for i, name in enumerate(tables.conditions)}
    added: list[list[tuple[int, float]]] = [[] for _ in order]
    for row in tables.cooccurrence:
        first, second = sorted((order[row.condition_a], order[row.condition_b]))
        added[second].append((first, math.log(row.odds_ratio)))
    sexes: tuple[Sex, Sex] = ("f", "m")
    found = {}
    for band, sex in itertools.product(range(len(BANDS)), sexes):
        shares = [min(max(prevalence(row, band, sex), 0.0), 1 - RAREST) for row in tables.conditions.values()]
        found[band, sex] = tuple(
            Logit(name, _intercept(shares[i], [(shares[j], weight) for j, weight in added[i]]), tuple(added[i]))
            for name, i in order.items()
        )
    return found


def _intercept(share: float, causes: list[tuple[float, float]]) -> float:
    if share < RAREST:
        return -math.inf
    shifts, weights = np.zeros(1), np.ones(1)
    for present, added in causes:
        shifts = np.concatenate([shifts, shifts + added])
        weights = np.concatenate([weights * (1 - present), weights * present])
    low, high = -40.0, 40.0
    for _ in range(60):  # bisection
        middle = (low + high) / 2
        low, high = (middle, high) if weights @ (1 / (1 + np.exp(-middle - shifts))) < share else (low, middle)
    return (low + high) / 2


def draw(rng: np.random.Generator, body: Body, tables: Tables, burden: float = 0.0) -> tuple[str, ...]:
    """A patient's conditions, in the table's order; `burden` is added to the log odds of each."""
    found: list[bool] = []
    for logit, uniform in zip(logits(tables)[body.band, body.sex], rng.random(len(tables.conditions)), strict=True):
        odds = logit.intercept + burden
        for cause, added in logit.added:
            if found[cause]:
                odds += added
        found.append(bool(uniform * (1 + math.exp(-odds)) < 1) if odds > -700 else False)
    return tuple(name for name, present in zip(tables.conditions, found, strict=True) if present)
