"""How drugs accumulate: several prescribers that do not see one another, side effects treated as diseases, habits kept.

Every constant of this file is an assumption, chosen so that the patients resemble published ones in what is published
of them (tests/envs/polypharmacy/test_statistics.py): the shares of patients with a Beers item, with an interaction and
with a dose too high for the kidney.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from harness.envs.polypharmacy.chart import Liver, Prescription
from harness.envs.polypharmacy.rows import SEVERE, Drug
from harness.envs.polypharmacy.tables import Tables

FAMILY = "family-medicine"
SEES_FAMILY = 0.6
"""How often a chronic condition is treated by the family physician, not by its specialty."""

TREATS = {"first": 0.85, "further": 0.42, "optional": 0.3, "seldom": 0.12}
"""How often a role is treated: the first of a condition that needs treatment, a further one, one of a condition that
does not need it, and one for which only alternatives exist."""

FIRST_CHOICE = 3.0
"""How much more often a first choice is prescribed than an alternative."""

MINDS_ORGANS = 0.55
"""How often a prescriber minds kidneys and liver."""

MINDS_OWN = 0.9
"""How often a prescriber avoids severe interactions with what the same prescriber gave."""

DOSES = ((0.75, 1.0), (0.87, 0.5), (1.0, 2.0))
"""Cumulative share, and factor to the usual dose (never above the highest)."""

DAYS_CHRONIC, DAYS_SPREAD, DAYS_RANGE = 500, 1.0, (14, 5000)
"""Median days, standard deviation of their logarithm, and range."""

DAYS_ACUTE = (3, 14)

CASCADE = 0.16
"""How often a drug with a known side effect of that kind leads to another against it."""

FORGOTTEN = 0.35
"""Mean number of drugs that are continued without anybody knowing why."""

TRIES = 4
"""How many drugs a prescriber considers before leaving a role untreated."""


class Role(NamedTuple):
    """One role in a condition, the drugs that fill it, and how often it is treated."""

    role: str
    first: tuple[str, ...]
    alternatives: tuple[str, ...]
    drugs: frozenset[str]
    probability: float


class Habits(NamedTuple):
    """What prescribers know of the tables.

    `roles` are by condition, `severe` the pairs to be avoided, `cascades` by drug what is given against its side
    effects, `legacy` the drugs that are often continued without a reason.
    """

    roles: dict[str, tuple[Role, ...]]
    severe: frozenset[tuple[str, str]]
    cascades: dict[str, tuple[str, ...]]
    legacy: tuple[str, ...]


@lru_cache(maxsize=4)
def habits_of(tables: Tables) -> Habits:
    """What prescribers know of the tables."""
    by_role: dict[tuple[str, str], dict[str, list[str]]] = {}
    for row in tables.indications:
        by_role.setdefault((row.condition, row.role), {"first": [], "alternative": []})[row.line].append(row.drug)
    roles: dict[str, list[Role]] = {}
    for (condition, role), lines in by_role.items():
        known = roles.setdefault(condition, [])
        kind = "first" if not known else "further"
        kind = kind if tables.conditions[condition].needs_treatment else "optional"
        kind = kind if lines["first"] else "seldom"
        first, others = tuple(lines["first"]), tuple(lines["alternative"])
        known.append(Role(role, first, others, frozenset(first + others), TREATS[kind]))
    cascades: dict[str, list[str]] = {}
    for cascade in tables.cascades:
        for trigger in tables.members(cascade.trigger):
            if trigger != cascade.drug:
                cascades.setdefault(trigger, []).append(cascade.drug)
    return Habits(
        {condition: tuple(of_condition) for condition, of_condition in roles.items()},
        frozenset((pair.drug_a, pair.drug_b) for pair in tables.pairs if pair.severity in SEVERE),
        {trigger: tuple(drugs) for trigger, drugs in cascades.items()},
        tuple(drug.name for drug in tables.drugs.values() if "legacy" in drug.classes),
    )


def purposes(drug: str, conditions: Collection[str], tables: Tables) -> tuple[tuple[str, str], ...]:
    """What a drug is good for in somebody with these conditions: each condition and the role that it fills there."""
    roles = habits_of(tables).roles
    return tuple(
        (condition, role.role) for condition in conditions for role in roles.get(condition, ()) if drug in role.drugs
    )


def accumulate(
    rng: np.random.Generator, conditions: Sequence[str], crcl_ml_min: float, liver: Liver, tables: Tables
) -> list[Prescription]:
    """The medications of somebody with these conditions, the oldest first; no drug twice."""
    growing = _Growing(rng, conditions, crcl_ml_min, liver, tables)
    for condition in conditions:
        growing.treat(condition)
    growing.treat_side_effects()
    growing.forget()
    return sorted(growing.taken.values(), key=lambda known: -known.days)


class _Growing:
    """A list of medications as it grows."""

    def __init__(
        self, rng: np.random.Generator, conditions: Sequence[str], crcl_ml_min: float, liver: Liver, tables: Tables
    ) -> None:
        self.rng, self.conditions, self.crcl_ml_min, self.liver = rng, conditions, crcl_ml_min, liver
        self.tables = tables
        self.habits = habits_of(tables)
        self.chance = _chances(rng)
        self.taken: dict[str, Prescription] = {}

    def treat(self, condition: str) -> None:
        """Give a drug for each role that is treated and that nothing taken already fills."""
        row, chance = self.tables.conditions[condition], self.chance
        for role in self.habits.roles.get(condition, ()):
            if next(chance) >= role.probability or not role.drugs.isdisjoint(self.taken):
                continue
            prescriber = FAMILY if not row.acute and next(chance) < SEES_FAMILY else row.specialty
            minds = next(chance) < MINDS_ORGANS
            for _ in range(TRIES):
                drug = _choice(role, next(chance))
                if not (minds and self._forbidden(drug)) and not self._clashes(drug, prescriber):
                    self._start(drug, prescriber, self._days(row.acute), minds, reason=(condition, role.role))
                    break

    def treat_side_effects(self) -> None:
        """Give a drug against the side effect of another that has been taken for a while."""
        for trigger, known in list(self.taken.items()):
            against = [drug for drug in self.habits.cascades.get(trigger, ()) if drug not in self.taken]
            if against and known.days > DAYS_ACUTE[1] and next(self.chance) < CASCADE:
                drug = against[int(next(self.chance) * len(against))]
                days = max(int(known.days * next(self.chance)), 1)
                self._start(drug, FAMILY, days, next(self.chance) < MINDS_ORGANS, cascade_of=trigger)

    def forget(self) -> None:
        """Keep drugs of which nobody knows any longer why they were given."""
        for _ in range(int(self.rng.poisson(FORGOTTEN))):
            drug = self.habits.legacy[int(next(self.chance) * len(self.habits.legacy))]
            if drug not in self.taken:
                self._start(drug, FAMILY, self._days(acute=False), next(self.chance) < MINDS_ORGANS)

    def _start(
        self,
        drug: str,
        prescriber: str,
        days: int,
        minds: bool,
        reason: tuple[str, str] | None = None,
        cascade_of: str | None = None,
    ) -> None:
        dose = _dose(self.tables.drugs[drug], next(self.chance), self.crcl_ml_min if minds else None)
        if reason is None and (known := purposes(drug, self.conditions, self.tables)):
            filled = {taken.reason for taken in self.taken.values()}  # whatever it was started for, it has a reason now
            reason, cascade_of = next((role for role in known if role not in filled), known[0]), None
        self.taken[drug] = Prescription.model_construct(
            drug=drug, dose_mg=dose, days=days, reason=reason, cascade_of=cascade_of, prescriber=prescriber
        )

    def _forbidden(self, drug: str) -> bool:
        row = self.tables.drugs[drug]
        kidney = row.renal_avoid_crcl is not None and self.crcl_ml_min < row.renal_avoid_crcl
        return kidney or (row.hepatic == "avoid" and self.liver in ("moderate", "severe"))

    def _clashes(self, drug: str, prescriber: str) -> bool:
        """Whether a prescriber avoids a drug for what the same prescriber gave before."""
        own = (other for other, known in self.taken.items() if known.prescriber == prescriber)
        severe = any(((drug, other) if drug < other else (other, drug)) in self.habits.severe for other in own)
        return severe and next(self.chance) < MINDS_OWN

    def _days(self, acute: bool) -> int:
        if acute:
            return int(self.rng.integers(DAYS_ACUTE[0], DAYS_ACUTE[1] + 1))
        days = DAYS_CHRONIC * math.exp(DAYS_SPREAD * self.rng.standard_normal())
        return int(min(max(days, DAYS_RANGE[0]), DAYS_RANGE[1]))


def _chances(rng: np.random.Generator) -> Iterator[float]:
    while True:
        yield from rng.random(256).tolist()


def _choice(role: Role, uniform: float) -> str:
    firsts = FIRST_CHOICE * len(role.first)
    place = uniform * (firsts + len(role.alternatives))
    return role.first[int(place / FIRST_CHOICE)] if place < firsts else role.alternatives[int(place - firsts)]


def _dose(drug: Drug, uniform: float, crcl_ml_min: float | None) -> float:
    """A dose a day; no higher than the kidney bears if the prescriber minds it."""
    factor = next(factor for cumulative, factor in DOSES if uniform < cumulative)
    dose = min(drug.usual_mg * factor, drug.max_mg)
    if crcl_ml_min is not None and drug.renal_crcl is not None and crcl_ml_min < drug.renal_crcl:
        dose = min(dose, drug.renal_max_mg or dose)
    return dose
