"""A trained ensemble: whether a combination of drugs is dangerous, and which pairs are worth a question.

A combination is flagged if any snapshot's lower bound `μ - 3 σ` is above 1.1, so the snapshot with the highest lower
bound speaks for all of them.

Examples
--------
An ensemble over drugs of one's own, such as those of an environment's table, from sets of them and their risks.

>>> from tempfile import TemporaryDirectory
>>> from harness.agents.bandits.combinations import from_sets
>>> from harness.agents.bandits.train import train
>>> drugs = ["warfarin", "ibuprofen", "digoxin", "metformin", "simvastatin", "omeprazole"]
>>> sets = [frozenset(held) for n in (1, 2, 3, 4) for held in combinations(drugs, n)]
>>> data = from_sets("bleeding", drugs, {s: 2.5 if {"warfarin", "ibuprofen"} <= s else 1.0 for s in sets})
>>> with TemporaryDirectory() as folder:
...     _ = train(Path(folder), data, Settings(steps=200, warm_up=100, hidden=16), seed=0)
...     ensemble = load_ensemble(Path(folder))
>>> rank_pairs(ensemble, ["digoxin", "warfarin", "omeprazole", "ibuprofen"])[0][:2]
('warfarin', 'ibuprofen')
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from harness.agents.bandits.checkpoint import ABOUT, read_about, snapshots
from harness.agents.bandits.combinations import DANGEROUS
from harness.agents.bandits.neural_ts import FloatArray, Posterior, size
from harness.agents.bandits.optim_neural_ts import Settings
from harness.core.errors import RunError, UsageError, unknown_name


@dataclass(frozen=True)
class Score:
    """What the ensemble says of one combination; relative risks."""

    mean: float
    sigma: float
    lower: float
    flagged: bool


@dataclass(frozen=True)
class Ensemble:
    """The snapshots of one search. `data` names what it was trained on; n_sigmas as in `Settings`."""

    data: str
    drugs: tuple[str, ...]
    n_sigmas: float
    snapshots: tuple[Posterior, ...]

    def rows(self, sets: Sequence[Iterable[str]]) -> FloatArray:
        """Sets of drug names as 0/1 rows, shape (n, D).

        Raises
        ------
        UsageError
            If a name is no drug of the ensemble, or a set is empty.
        """
        index = {drug: i for i, drug in enumerate(self.drugs)}
        X = np.zeros((len(sets), len(self.drugs)), dtype=np.float32)
        for row, names in zip(X, sets, strict=True):
            for name in names:
                if name not in index:
                    raise _unknown_drug(name, self.drugs)
                row[index[name]] = 1.0
            if not row.any():
                raise UsageError("A combination has no drugs; expected at least one.")
        return X


def search_folder(path: Path) -> Path:
    """The folder of a search: `path` itself, or the only seed's of the run at `path`.

    Raises
    ------
    RunError
        If it is neither, or the run has several seeds.
    """
    if (path / ABOUT).exists():
        return path
    found = sorted(about.parent for about in path.glob(f"seed-*/{ABOUT}"))
    if len(found) > 1:
        raise RunError(f"The run {path} has {len(found)} seeds; name the folder of one, such as {found[0]}.")
    if not found:
        raise RunError(f"'{path}' holds no trained search; `harness train optim-neural-ts` makes one.")
    return found[0]


def load_ensemble(folder: Path) -> Ensemble:
    """The ensemble of a search's folder.

    Raises
    ------
    RunError
        If the folder holds no checkpoint of this version, or none of its snapshots yet, or a damaged one.
    """
    known = read_about(folder)
    settings, drugs = Settings.model_validate(known["settings"]), tuple(known["drugs"])
    found = []
    for step, arrays in snapshots(folder):
        if arrays["parameters"].shape != arrays["U"].shape or len(arrays["U"]) != size(len(drugs), settings.hidden):
            raise RunError(f"Snapshot {step} of {folder} does not fit its settings; it was changed after training.")
        found.append(Posterior(arrays["parameters"], arrays["U"], len(drugs), settings.lam))
    if not found:
        raise RunError(f"The checkpoint {folder} has no snapshots yet; go on with its training first.")
    return Ensemble(str(known["data"]), drugs, settings.n_sigmas, tuple(found))


def screen(ensemble: Ensemble, sets: Sequence[Iterable[str]]) -> list[Score]:
    """Each set of drug names by the snapshot with the highest lower bound.

    Raises
    ------
    UsageError
        If a name is no drug of the ensemble, or a set is empty.
    """
    if not sets:
        return []
    X = ensemble.rows(sets)
    mean, sigma = (np.stack(parts) for parts in zip(*(s.mean_and_sigma(X) for s in ensemble.snapshots), strict=True))
    lower = mean - np.float32(ensemble.n_sigmas) * sigma
    columns = np.arange(len(sets))
    best = lower.argmax(axis=0)
    chosen = (array[best, columns] for array in (mean, sigma, lower))
    return [Score(float(m), float(s), float(low), bool(low > DANGEROUS)) for m, s, low in zip(*chosen, strict=True)]


def rank_pairs(ensemble: Ensemble, regimen: Sequence[str]) -> list[tuple[str, str, float]]:
    """The pairs of a regimen, those worth asking about first.

    A pair (a, b) of the regimen S is worth what the networks think that the two do together beyond what each does
    alone: the mean over the snapshots of `μ(S) - μ(S without a) - μ(S without b) + μ(S without both)`.

    Returns
    -------
    list of (drug, drug, contrast)
        Every pair once, in the regimen's order within a pair; the highest contrast first.

    Raises
    ------
    UsageError
        If a name is no drug of the ensemble, or repeats, or there are fewer than two.
    """
    if len(set(regimen)) != len(regimen) or len(regimen) < 2:
        raise UsageError("Pairs need at least two different drugs, each named once.")
    whole = ensemble.rows([regimen])[0]
    index = [ensemble.drugs.index(drug) for drug in regimen]
    single = np.tile(whole, (len(index), 1))
    single[np.arange(len(index)), index] = 0.0
    pairs = list(combinations(range(len(index)), 2))
    both = np.stack([single[a] * single[b] for a, b in pairs])
    m_whole, m_single, m_both = (
        np.mean([snapshot.mean(X) for snapshot in ensemble.snapshots], axis=0) for X in (whole[None], single, both)
    )
    found = [
        (regimen[a], regimen[b], float(m_whole[0] - m_single[a] - m_single[b] + m_both[k]))
        for k, (a, b) in enumerate(pairs)
    ]
    return sorted(found, key=lambda pair: -pair[2])


def _unknown_drug(name: str, drugs: Sequence[str]) -> UsageError:
    if len(drugs) <= 20:
        return unknown_name("drug", name, drugs)
    return UsageError(
        f"There is no drug '{name}' in this ensemble; it knows {len(drugs)}, from {drugs[0]} to {drugs[-1]}."
    )
