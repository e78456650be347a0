"""How much harm a regimen can be expected to do, in harm points: this environment's scoring, with a cost on both sides.

    H = interactions of the drugs taken together, less where they are managed
      + Beers criteria met, and doses that kidneys or liver do not bear
      + what is left untreated that was treated at the start, and critical drugs stopped abruptly
      + a little for every drug without a reason

The points are those of the original's Beers weights (`original.BEERS_WEIGHTS`), and everything else is set beside them.
They are a convention, and no measured risks: what matters is that each harm has a price, so that stopping everything is
as bad an answer as changing nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.envs.polypharmacy.criteria import criteria_by_drug, meets, starting_dose
from harness.envs.polypharmacy.interactions import interactions
from harness.envs.polypharmacy.options import Option, options_of, steps_between
from harness.envs.polypharmacy.original import BEERS_WEIGHTS, CRITICAL_STOP, HIGH_RISK_DRUG
from harness.envs.polypharmacy.patients import Patient, Prescription
from harness.envs.polypharmacy.problems import problems
from harness.envs.polypharmacy.roles import filled_at_first, filled_by
from harness.envs.polypharmacy.tables import Tables

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Regimen = tuple[int, ...]
"""An option (its index) for every place of the list."""

UNTREATED: Mapping[str, float] = {"vital": 0.60, "major": 0.35, "minor": 0.12, "none": 0.0}
"""Leaving a vital role untreated is worse than any one interaction, and a major one worse than a severe interaction, so
that a needed drug is not stopped for what can be managed; a minor one is as bad as a moderate interaction."""

DOSE_RESPONSE = 0.4
"""Share of the effect lost per share of the dose taken away, so that half the usual dose keeps 80 % of the effect: as
of blood-pressure drugs (Law, Wald, Morris, Jordan. BMJ 2003;326:1427), taken for all."""

NO_REASON = HIGH_RISK_DRUG
"""Burden of a drug that nothing calls for, neither a condition nor another drug's side effect that it is good practice
to forestall; the least that the original counts for any drug."""

DUPLICATE = 100.0
"""More than anything: a substitute that is taken already cannot be taken again."""


class Role(NamedTuple):
    """What it costs to leave a role untreated, and how far each option fills it, 0 to 1, shape (O,)."""

    weight: float
    effect: FloatArray


class Count(NamedTuple):
    """A criterion that `least` drugs of those `counted`, shape (O,), meet together, once."""

    criterion: str
    weight: float
    least: int
    counted: BoolArray

    def met(self, chosen: IntArray) -> bool:
        """Whether a regimen meets it."""
        return int(self.counted[chosen].sum()) >= self.least


class Lifted(NamedTuple):
    """A criterion met by each `subject` that is taken without another drug that is `protective`, shapes (O,)."""

    criterion: str
    weight: float
    subject: BoolArray
    protective: BoolArray

    def met(self, chosen: IntArray) -> int:
        """How many drugs of a regimen meet it."""
        protectors = int(self.protective[chosen].sum())
        if protectors > 1:
            return 0
        subject, itself = self.subject[chosen], self.subject[chosen] & self.protective[chosen]
        return int(itself.sum()) if protectors else int(subject.sum())

    def met_by(self, option: int, chosen: IntArray) -> bool:
        """Whether one of them does."""
        others = int(self.protective[chosen].sum()) - int(self.protective[option])
        return bool(self.subject[option]) and not others


@dataclass(frozen=True, eq=False)
class Harm:
    """The harm of every regimen of one patient, as arrays over the options of all medications.

    Attributes
    ----------
    options : tuple of Option, length O
    place : int array, shape (O,)
    start : Regimen
        The medications as they are at first.
    steps : int array, shape (O, O)
        Interventions from one option to another, `options.NEVER` where none lead there.
    alone : float array, shape (O,)
        Harm of an option that depends on nothing else.
    pairs : float array, shape (O, O)
        Harm of two options of different places together; symmetric, 0 within a place.
    roles : tuple of Role
        Those that options of three or more places fill. Of roles filled in one or two, `alone` and `pairs` know.
    counts : tuple of Count
    lifted : tuple of Lifted
    """

    options: tuple[Option, ...]
    place: IntArray
    start: Regimen
    steps: IntArray
    alone: FloatArray
    pairs: FloatArray
    roles: tuple[Role, ...]
    counts: tuple[Count, ...]
    lifted: tuple[Lifted, ...]

    def total(self, regimen: Sequence[int]) -> float:
        """H of a regimen."""
        chosen = np.asarray(regimen, dtype=np.int64)
        found = float(self.alone[chosen].sum() + self.pairs[chosen[:, None], chosen].sum() / 2)
        return found + self.together(chosen)

    def changes(self, regimen: Sequence[int], options: Sequence[int]) -> FloatArray:
        """What each of some options adds to H if its place alone is changed, shape (n,)."""
        chosen, after = np.asarray(regimen, dtype=np.int64), np.asarray(options, dtype=np.int64)
        before = chosen[self.place[after]]
        found = self.alone[after] - self.alone[before]
        found += self.pairs[after[:, None], chosen].sum(axis=1) - self.pairs[before[:, None], chosen].sum(axis=1)
        if self.roles or self.counts or self.lifted:
            now = self.together(chosen)
            for i, option in enumerate(after):
                other = chosen.copy()
                other[self.place[option]] = option
                found[i] += self.together(other) - now
        return np.asarray(found, dtype=np.float64)

    def together(self, chosen: IntArray) -> float:
        """The part of H that is no sum over options and pairs of them."""
        untreated = sum(role.weight * (1.0 - float(role.effect[chosen].max())) for role in self.roles)
        counted = sum(count.weight * count.met(chosen) for count in self.counts)
        return untreated + counted + sum(lifted.weight * lifted.met(chosen) for lifted in self.lifted)

    @property
    def drugs(self) -> tuple[str, ...]:
        """Every drug of the options, alphabetically."""
        return tuple(sorted({option.drug for option in self.options if option.drug is not None}))

    def with_interactions(self, between: FloatArray) -> Harm:
        """The same with interactions added.

        Parameters
        ----------
        between : float array, shape (d, d, 4, 4)
            What any two of `drugs` do together by what was done about each, as `interactions.interactions` tells.
        """
        number: dict[str | None, int] = {drug: i for i, drug in enumerate(self.drugs)}
        number[None] = len(number)
        padded = np.zeros((len(number), len(number), 4, 4))  # the last is no drug at all
        padded[:-1, :-1] = between
        drug = np.array([number[option.drug] for option in self.options])
        done = np.array([option.reduced + 2 * option.monitored for option in self.options])
        found = padded[drug[:, None], drug[None, :], done[:, None], done[None, :]]
        found[self.place[:, None] == self.place[None, :]] = 0.0
        return replace(self, pairs=self.pairs + found)


def harm_of(patient: Patient, tables: Tables) -> Harm:
    """The harm of every regimen of a patient."""
    bare = harm_without_interactions(patient, tables)
    return bare.with_interactions(interactions(bare.drugs, patient.conditions, tables))


def harm_without_interactions(patient: Patient, tables: Tables) -> Harm:
    """The same as if no drugs interacted: what can be known without asking."""
    options = options_of(patient, tables)
    place = np.array([option.place for option in options])
    start = tuple(int(i) for i in np.searchsorted(place, np.arange(len(patient.medications))))
    alone = np.array([_alone(option, patient, tables) for option in options])
    apart = place[:, None] != place[None, :]
    drugs = [option.drug or f"none {i}" for i, option in enumerate(options)]
    pairs = np.where(apart & (np.array(drugs)[:, None] == np.array(drugs)[None, :]), DUPLICATE, 0.0)
    roles = []
    for weight, effect in _roles(options, patient, tables):
        places = np.unique(place[effect > 0])
        if len(places) == 1:
            alone += np.where(place == places[0], weight * (1.0 - effect), 0.0)
        elif len(places) == 2:
            both = np.isin(place, places)
            missing = weight * (1.0 - np.maximum.outer(effect, effect))
            pairs += np.where(np.outer(both, both) & apart, missing, 0.0)
        else:
            roles.append(Role(weight, effect))
    counts, lifted = _of_several(options, patient, tables)
    steps = steps_between(options, patient)
    return Harm(options, place, start, steps, alone, pairs, tuple(roles), counts, lifted)


def _alone(option: Option, patient: Patient, tables: Tables) -> float:
    medication = patient.medications[option.place]
    if option.drug is None:
        return CRITICAL_STOP if tables.drugs[medication.drug].critical and not option.reduced else 0.0
    new = option.drug != medication.drug
    found = sum(p.weight for p in problems(option.drug, option.dose, medication.days, patient, tables, new=new))
    return found + (0.0 if called_for(medication, tables) else NO_REASON)


def called_for(medication: Prescription, tables: Tables) -> bool:
    """Whether a condition calls for a medication, or good practice beside another drug."""
    return medication.reason is not None or (medication.cascade_of, medication.drug) in _warranted(tables)


@lru_cache(maxsize=8)
def _warranted(tables: Tables) -> frozenset[tuple[str | None, str]]:
    """Drugs, and what it is good practice to give against their side effects."""
    return frozenset(
        (trigger, cascade.drug)
        for cascade in tables.cascades
        if cascade.warranted
        for trigger in tables.members(cascade.trigger)
    )


def _effect(option: Option, patient: Patient, tables: Tables) -> float:
    """How far an option's drug fills the roles that it has, 0 to 1."""
    if option.drug is None:
        return 0.0
    if not option.reduced:
        return 1.0
    medication = patient.medications[option.place]
    needed = starting_dose(tables.drugs[option.drug], patient)
    if option.drug == medication.drug:
        needed = min(needed, medication.dose_mg)
    return 1.0 - DOSE_RESPONSE * max(1.0 - option.dose / needed, 0.0)


def _roles(options: Sequence[Option], patient: Patient, tables: Tables) -> Iterator[tuple[float, FloatArray]]:
    """What each role that is filled at the start costs if it is not, and how far each option fills it, shape (O,)."""
    first = filled_at_first(patient, tables)
    fills = [{} if o.drug is None else filled_by(o.drug, o.place, first, tables) for o in options]
    effect = np.array([_effect(option, patient, tables) for option in options])
    for condition, role in dict.fromkeys(item for of in first for item in of.items()):
        weight = UNTREATED[tables.conditions[condition].untreated]
        if weight > 0:
            yield weight, np.where([of.get(condition) == role for of in fills], effect, 0.0)


def _of_several(
    options: Sequence[Option], patient: Patient, tables: Tables
) -> tuple[tuple[Count, ...], tuple[Lifted, ...]]:
    """The criteria that depend on how many drugs, or on which others, are taken."""
    counts, lifted = [], []
    by_drug = criteria_by_drug(tables)
    taken = {option.drug for option in options if option.drug is not None}
    subjects: dict[str, set[str]] = {}
    for drug in sorted(taken):
        for criterion in by_drug[drug]:
            if criterion.count_at_least > 1 or criterion.unless_class is not None:
                subjects.setdefault(criterion.criterion, set()).add(drug)
    for name, drugs in subjects.items():
        criterion = tables.beers[name]
        days = [medication.days for medication in patient.medications]
        first = [medication.drug for medication in patient.medications]
        met = [
            o.drug in drugs and meets(criterion, o.dose, days[o.place], patient, new=o.drug != first[o.place])
            for o in options
        ]
        weight = BEERS_WEIGHTS[criterion.kind]
        if not any(met):
            continue
        if criterion.unless_class is None:
            counts.append(Count(name, weight, criterion.count_at_least, np.array(met)))
        else:
            protectors = {drug for drug in taken if criterion.unless_class in tables.drugs[drug].classes}
            lifted.append(Lifted(name, weight, np.array(met), np.array([o.drug in protectors for o in options])))
    return tuple(counts), tuple(lifted)
