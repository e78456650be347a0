"""Drug combinations with a relative risk each: a simulated data set, or one made over drugs of one's own.

Combinations are rows of a sparse 0/1 matrix. The nearest of them to any set of drugs is found by counting, drug by
drug, which combinations hold it: `Hamming(x, q) = |x| + |q| - 2 |x ∩ q|`, so only the few thousand entries of the
drugs of q are read, whatever the number of combinations.

References
----------
Larouche, Durand, Khoury, Sirois: Neural bandits for data mining: searching for dangerous polypharmacy. Advances in
Artificial Intelligence, Springer 2023; arXiv 2212.05190.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy import sparse

from harness.core.errors import UsageError
from harness.core.seeds import stream

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

DATA_VERSION = 1
"""Rises when the same seed gives other combinations or risks."""

N_DRUGS, N_COMBINATIONS, N_PATTERNS = 500, 100_000, 10
MEAN_SIZE = 8.7
"""Expected number of drugs in a combination or pattern, each drug being in it with probability 8.7 / 500."""

PATTERN_RISK = (2.0, 3.0)
"""Bounds of the uniform distribution of a dangerous pattern's relative risk."""

INTERSECTING_LOSS, INTERSECTING_SD = 0.1, 0.1
"""A combination that shares drugs with its nearest pattern: `N(RR_p - 0.1 dist / (|x| + |p|), 0.1²)`."""

DANGEROUS = 1.1
"""A relative risk above this is dangerous."""

ATTEMPTS = 200
"""Rounds of drawing after which distinct combinations are taken not to exist."""


class Disjoint(StrEnum):
    """What the relative risk is where a combination shares no drug with its nearest pattern."""

    NEUTRAL = "neutral"
    PROTECTIVE = "protective"


DISJOINT_RISK = {Disjoint.NEUTRAL: (1.0, 0.05), Disjoint.PROTECTIVE: (0.15, 0.1)}
"""Mean and standard deviation."""


@dataclass(frozen=True, eq=False)
class Combinations:
    """Distinct combinations of drugs and the relative risk of each.

    `members` is a 0/1 matrix, shape (n, D); `risk` has shape (n,); `patterns` is a 0/1 array, shape (k, D), the sets
    that a search is to find, none (k = 0) where they are not known.
    """

    name: str
    drugs: tuple[str, ...]
    members: sparse.csr_array
    risk: NDArray[np.float64]
    patterns: FloatArray

    def __len__(self) -> int:
        return len(self.risk)

    @property
    def dangerous(self) -> NDArray[np.bool_]:
        """Whether each combination's relative risk is above `DANGEROUS`, shape (n,)."""
        return self.risk > DANGEROUS

    @cached_property
    def sizes(self) -> IntArray:
        """Drugs in each combination, shape (n,)."""
        return np.diff(self.members.indptr).astype(np.int64)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of drugs, combinations, risks and patterns: the same only for the same data set."""
        digest = sha256("\n".join((self.name, *self.drugs)).encode())
        for array in (self.members.indptr, self.members.indices, self.risk, self.patterns):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def dense(self, rows: IntArray) -> FloatArray:
        """The combinations of these rows as 0/1, shape (len(rows), D)."""
        found: FloatArray = self.members[rows].toarray()
        return found

    def nearest(self, member: FloatArray) -> int:
        """Row of the combination that differs from the 0/1 `member`, shape (D,), in fewest drugs; ties: the first."""
        first, rows = self._holders
        held = [rows[first[d] : first[d + 1]] for d in np.flatnonzero(member)]
        if not held:
            return int(self.sizes.argmin())
        shared = np.bincount(np.concatenate(held), minlength=len(self))
        return int((self.sizes - 2 * shared).argmin())

    @cached_property
    def _holders(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Which combinations hold each drug, one drug after another, and where each drug's begin."""
        by_drug = self.members.tocsc()
        return by_drug.indptr, by_drug.indices


class Simulation(BaseModel):
    """Names a simulated data set. The defaults are the published sizes.

    The dangerous share varies much with the seed, so searches are compared on one data set.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(ge=0)
    drugs: int = Field(N_DRUGS, ge=1)
    combinations: int = Field(N_COMBINATIONS, ge=1)
    patterns: int = Field(N_PATTERNS, ge=1, description="dangerous patterns")
    mean_size: float = Field(MEAN_SIZE, gt=0, description="expected drugs in a combination or pattern")
    disjoint: Disjoint = Field(Disjoint.NEUTRAL, description="risk of what shares no drug with its nearest pattern")

    def __str__(self) -> str:
        return (
            f"simulated v{DATA_VERSION} seed {self.seed}: {self.drugs} drugs, {self.combinations} combinations, "
            f"{self.patterns} patterns, {self.mean_size:g} drugs each in the mean, {self.disjoint} where disjoint"
        )


def simulate(simulation: Simulation) -> Combinations:
    """The published kind of simulated data set.

    Every drug is in a combination, and in a dangerous pattern, with probability `mean_size / drugs`, independently;
    empty ones and repetitions are drawn anew. A pattern's relative risk is uniform on `PATTERN_RISK`. A combination
    takes after its nearest pattern (Hamming; ties: the first): it has that pattern's risk if it is the pattern, is
    drawn about it if they share a drug, and has `DISJOINT_RISK` if they share none. Risks are clipped at 0.

    Raises
    ------
    UsageError
        If there are not so many distinct combinations of so many drugs.

    Examples
    --------
    >>> made = simulate(Simulation(seed=1, drugs=30, combinations=500, patterns=3, mean_size=4))
    >>> made.members.shape, made.patterns.shape
    ((500, 30), (3, 30))
    """
    drugs, mean_size = simulation.drugs, simulation.mean_size
    _check(drugs, simulation.combinations, mean_size)
    rng = stream(simulation.seed, "patterns")
    patterns = _distinct(rng, simulation.patterns, drugs, mean_size).toarray()
    pattern_risk = rng.uniform(*PATTERN_RISK, size=len(patterns))
    members = _distinct(stream(simulation.seed, "combinations"), simulation.combinations, drugs, mean_size)
    disjoint = DISJOINT_RISK[simulation.disjoint]
    return Combinations(
        name=str(simulation),
        drugs=tuple(f"d{i}" for i in range(drugs)),
        members=members,
        risk=_risks(stream(simulation.seed, "risks"), members, patterns, pattern_risk, disjoint),
        patterns=patterns,
    )


def from_sets(name: str, drugs: Sequence[str], risks: Mapping[frozenset[str], float]) -> Combinations:
    """Combinations of one's own drugs, such as those of an environment, each with its risk.

    Parameters
    ----------
    name : str
        What the data set is called; part of its fingerprint.
    drugs : sequence of str
        Distinct names, those of all sets among them.
    risks : mapping of a set of drugs to its relative risk
        Finite, 0 or more; dangerous above `DANGEROUS`.

    Raises
    ------
    UsageError
        If names repeat, a set is empty or holds another drug, a risk is no relative risk, or there are no sets.

    Examples
    --------
    >>> made = from_sets("toy", ["a", "b", "c"], {frozenset("ab"): 2.0, frozenset("c"): 1.0})
    >>> made.members.toarray()
    array([[1., 1., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    number = {drug: i for i, drug in enumerate(drugs)}
    if len(number) != len(drugs) or not risks:
        raise UsageError("Combinations need distinct drugs, every name once, and at least one set of them.")
    for held, risk in risks.items():
        if not held or not held <= number.keys():
            raise UsageError(f"The combination {', '.join(sorted(held)) or '{}'} is none of the given drugs.")
        if not (np.isfinite(risk) and risk >= 0):
            raise UsageError(f"The risk of {', '.join(sorted(held))} is {risk}; expected a finite one of 0 or more.")
    columns = [sorted(number[drug] for drug in held) for held in risks]
    ends = np.cumsum([0, *map(len, columns)])
    ones = np.ones(ends[-1], dtype=np.float32)
    members = sparse.csr_array((ones, np.concatenate(columns), ends), shape=(len(risks), len(drugs)))
    none = np.zeros((0, len(drugs)), dtype=np.float32)
    return Combinations(name, tuple(drugs), members, np.array(list(risks.values()), dtype=np.float64), none)


def _check(drugs: int, combinations: int, mean_size: float) -> None:
    if drugs < 1 or combinations < 1 or not 0 < mean_size <= drugs:
        raise UsageError(
            f"{combinations} combinations of {mean_size:g} of {drugs} drugs were asked for; expected at least 1 "
            "combination, at least 1 drug, and a mean size above 0 and at most the number of drugs."
        )


def _distinct(rng: np.random.Generator, n: int, drugs: int, mean_size: float) -> sparse.csr_array:
    """Distinct non-empty rows, every entry 1 with probability mean_size / drugs."""
    seen: dict[bytes, None] = {}
    for _ in range(ATTEMPTS):
        batch = rng.random((n - len(seen), drugs), dtype=np.float32) < mean_size / drugs
        seen.update((row.tobytes(), None) for row in np.packbits(batch[batch.any(axis=1)], axis=1))
        if len(seen) == n:
            packed = np.frombuffer(b"".join(seen), dtype=np.uint8).reshape(n, -1)
            return sparse.csr_array(np.unpackbits(packed, axis=1, count=drugs).astype(np.float32))
    raise UsageError(
        f"{n} distinct combinations of {drugs} drugs were not found, {len(seen)} were; ask for fewer combinations or "
        "more drugs."
    )


def _risks(
    rng: np.random.Generator,
    members: sparse.csr_array,
    patterns: FloatArray,
    pattern_risk: NDArray[np.float64],
    disjoint: tuple[float, float],
) -> NDArray[np.float64]:
    shared = members @ patterns.T
    both = np.diff(members.indptr)[:, None] + patterns.sum(axis=1)
    distances = both - 2 * shared
    nearest = distances.argmin(axis=1)[:, None]
    shared, both, distance = (np.take_along_axis(a, nearest, axis=1)[:, 0] for a in (shared, both, distances))
    base = pattern_risk[nearest[:, 0]]
    normal = rng.standard_normal(len(base))
    intersecting = base - INTERSECTING_LOSS * distance / both + INTERSECTING_SD * normal
    risk = np.where(shared > 0, intersecting, disjoint[0] + disjoint[1] * normal)
    return np.where(distance == 0, base, np.maximum(risk, 0.0))
