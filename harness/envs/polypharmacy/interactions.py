"""The harm of any two drugs taken together, as one array, by what was done about each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from harness.envs.polypharmacy.rows import Interaction, Severity
from harness.envs.polypharmacy.tables import Tables

FloatArray = npt.NDArray[np.float64]

SEVERITY: Mapping[Severity, float] = {
    Severity.CONTRAINDICATED: 0.50,
    Severity.SEVERE: 0.30,
    Severity.MODERATE: 0.12,
    Severity.MINOR: 0.03,
}
"""A severe interaction calls for what a Beers 'avoid' calls for and counts as much, a moderate one as much as a Beers
'caution'; a contraindicated one more than any criterion, a minor one about the price of doing something about it."""

MANAGED = 0.5
"""What is left of an interaction that is monitored, or of which the right dose was reduced, where the rule says that
this is real management; a quarter after both. Management lowers a risk that avoiding takes away."""


@lru_cache(maxsize=8)
def drug_numbers(tables: Tables) -> Mapping[str, int]:
    """The place of every drug in the table's order."""
    return {name: number for number, name in enumerate(tables.drugs)}


def interactions(drugs: Sequence[str], conditions: Collection[str], tables: Tables) -> FloatArray:
    """What any two of some drugs do together in a patient with `conditions`, shape (d, d, 4, 4).

    The last two axes are what was done about each of the two: 0 nothing, 1 its dose reduced, 2 monitored, 3 both. Of
    several rules the one that is worst after that counts.
    """
    numbers = drug_numbers(tables)
    chosen = np.array([numbers[drug] for drug in drugs], dtype=np.int64)
    always, sometimes = _of_rules(tables)
    found = always[np.ix_(chosen, chosen)]
    place = {drug: i for i, drug in enumerate(drugs)}
    for (a, b), condition, left in sometimes:
        if condition in conditions and a in place and b in place:
            i, j = place[a], place[b]
            found[i, j] = np.maximum(found[i, j], left)
            found[j, i] = found[i, j].T
    return np.asarray(found)


Sometimes = tuple[tuple[tuple[str, str], str, FloatArray], ...]


@lru_cache(maxsize=4)
def _of_rules(tables: Tables) -> tuple[FloatArray, Sometimes]:
    """What the rules without a condition make of all drugs, shape (D, D, 4, 4), and each pair of a rule with one."""
    numbers = drug_numbers(tables)
    always = np.zeros((len(numbers), len(numbers), 4, 4))
    sometimes = []
    for pair in tables.pairs:
        a, b = numbers[pair.drug_a], numbers[pair.drug_b]
        for rule in (tables.interactions[name] for name in pair.rules):
            left = remaining(SEVERITY[rule.severity], rule.monitor, *reducible(rule, pair.drug_a, pair.drug_b, tables))
            if rule.condition is None:
                always[a, b] = np.maximum(always[a, b], left)
            else:
                sometimes.append(((pair.drug_a, pair.drug_b), rule.condition, left))
        always[b, a] = always[a, b].T
    always.setflags(write=False)
    return always, tuple(sometimes)


def remaining(weight: float, monitor: bool, reduces_a: bool, reduces_b: bool) -> FloatArray:
    """What is left of an interaction by what was done about the first and the second drug, shape (4, 4).

    Parameters
    ----------
    weight : float
        Harm points where nothing is done.
    monitor : bool
        Whether monitoring either drug is real management.
    reduces_a, reduces_b : bool
        Whether reducing the dose of the first, or of the second drug is.
    """
    done = np.arange(4)
    reduced = (done & 1).astype(np.bool_)
    monitored = (done & 2).astype(np.bool_)
    by_dose = (reduced & reduces_a)[:, None] | (reduced & reduces_b)[None, :]
    by_monitoring = (monitored[:, None] | monitored[None, :]) & monitor
    return np.asarray(weight * np.where(by_dose, MANAGED, 1.0) * np.where(by_monitoring, MANAGED, 1.0))


def reducible(rule: Interaction, first: str, second: str, tables: Tables) -> tuple[bool, bool]:
    """Whether reducing the dose of the first, or of the second of two drugs is real management by a rule."""
    if rule.reduce == "none":
        return False, False
    a, b = tables.members(rule.a), tables.members(rule.b)
    as_written, turned = first in a and second in b, first in b and second in a
    of_a, of_b = rule.reduce in ("a", "either"), rule.reduce in ("b", "either")
    return (as_written and of_a) or (turned and of_b), (as_written and of_b) or (turned and of_a)
