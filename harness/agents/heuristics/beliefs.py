"""What drugs may be expected to do together, for somebody who has seen many reviews.

Seen are patients of the training seeds, with all that their drugs do to one another. What is remembered is either how
each therapeutic class behaves (`tendency`): how often its drugs interact with whatever else is taken, and how badly.
That knows of no pair. Or it is how each two classes behave (`experience`), which is close to the tables by heart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from harness.core.seeds import TRAINING_SEEDS
from harness.envs.polypharmacy.harm import FloatArray
from harness.envs.polypharmacy.interactions import SEVERITY, interactions
from harness.envs.polypharmacy.patients import COMPLEX, patient
from harness.envs.polypharmacy.tables import Tables

REVIEWS = 400
"""Patients of the training seeds that were seen, those of the task with most drugs."""

PSEUDO_PAIRS = 1.0
"""How many pairs as usual are added to those seen: a few pairs of a kind prove little."""

LEVELS = np.array([0.0, *sorted(SEVERITY.values())])
"""Harm of a pair about which nothing is done: none, minor, moderate, severe, contraindicated."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """One thing that a pair may turn out to do: how likely, and what, by what is done about the two, shape (4, 4)."""

    probability: float
    left: FloatArray


@dataclass(frozen=True, eq=False)
class Belief:
    """What is expected of pairs that were not asked about, by the therapeutic classes of the two.

    Attributes
    ----------
    number : mapping of drug to the number of its class, of C
    probability : float array, shape (C, C, 5)
        Of each of `LEVELS`.
    left : float array, shape (C, C, 5, 4, 4)
        What is left of each level by what is done about the two, as `interactions.interactions` has it.
    """

    number: Mapping[str, int]
    probability: FloatArray
    left: FloatArray

    def outcomes(self, a: str, b: str) -> tuple[Outcome, ...]:
        """What two drugs may turn out to do."""
        i, j = self.number[a], self.number[b]
        pairs = zip(self.probability[i, j], self.left[i, j], strict=True)
        return tuple(Outcome(float(p), left) for p, left in pairs if p > 0)

    def expected(self, drugs: Sequence[str]) -> FloatArray:
        """The mean of what any two of some drugs may do, shape (d, d, 4, 4)."""
        chosen = np.array([self.number[drug] for drug in drugs])
        where = np.ix_(chosen, chosen)
        found = np.einsum("abl,ablij->abij", self.probability[where], self.left[where])
        found[np.diag_indices(len(drugs))] = 0.0
        return np.asarray(found)


@dataclass(frozen=True, eq=False)
class _Seen:
    number: Mapping[str, int]
    counts: FloatArray
    """Pairs of two classes on each level, shape (C, C, 5)."""
    sums: FloatArray
    """What was left of them, summed, shape (C, C, 5, 4, 4)."""


@lru_cache(maxsize=2)
def _seen(tables: Tables) -> _Seen:
    classes = sorted({drug.classes[0] for drug in tables.drugs.values()})
    number = {name: classes.index(drug.classes[0]) for name, drug in tables.drugs.items()}
    counts = np.zeros((len(classes), len(classes), len(LEVELS)))
    sums = np.zeros((*counts.shape, 4, 4))
    for seed in TRAINING_SEEDS[:REVIEWS]:
        seen = patient(seed, COMPLEX, tables)
        drugs = [medication.drug for medication in seen.medications]
        found = interactions(drugs, seen.conditions, tables)
        i, j = np.nonzero(~np.eye(len(drugs), dtype=np.bool_))  # both ways, so that what is seen is symmetric
        of = np.array([number[drug] for drug in drugs])
        where = of[i], of[j], np.searchsorted(LEVELS, found[i, j, 0, 0] - 1e-9)
        np.add.at(counts, where, 1.0)
        np.add.at(sums, where, found[i, j])
    return _Seen(number, counts, sums)


@lru_cache(maxsize=2)
def tendency(tables: Tables) -> Belief:
    """What classes do by themselves; of two the rates are multiplied, as if neither knew of the other."""
    seen = _seen(tables)
    usual = seen.counts.sum(axis=(0, 1))
    left = seen.sums.sum(axis=(0, 1)) / np.maximum(usual, 1.0)[:, None, None]
    usual = usual / usual.sum()
    of_class = seen.counts.sum(axis=1) + PSEUDO_PAIRS * usual
    of_class /= of_class.sum(axis=1, keepdims=True)
    rate = of_class[:, None, 1:] * of_class[None, :, 1:] / np.maximum(usual[1:], 1e-12)
    rate /= np.maximum(rate.sum(axis=2, keepdims=True), 1.0)
    none = np.maximum(1.0 - rate.sum(axis=2, keepdims=True), 0.0)
    probability = np.concatenate((none, rate), axis=2)
    return Belief(seen.number, probability, np.broadcast_to(left, seen.sums.shape))


@lru_cache(maxsize=2)
def experience(tables: Tables) -> Belief:
    """What any two classes do, and what each does by itself where the two were seldom seen together."""
    seen, by_itself = _seen(tables), tendency(tables)
    counts = seen.counts + PSEUDO_PAIRS * by_itself.probability
    known = seen.counts[..., None, None] > 0
    left = np.where(known, seen.sums / np.maximum(seen.counts, 1.0)[..., None, None], by_itself.left)
    return Belief(seen.number, counts / counts.sum(axis=2, keepdims=True), left)
