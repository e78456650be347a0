"""How far a built MDP can be trusted: its states, coverage, the Markov property, what other seeds would have given.

References
----------
Hubert, Arabie: Comparing partitions. Journal of Classification 1985;2:193 (adjusted Rand index).
Davies, Bouldin: A cluster separation measure. IEEE Transactions on Pattern Analysis 1979;1:224.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.construction.build import Built, Tell
from harness.construction.features import carried
from harness.construction.patients import before_the_last
from harness.construction.states import centres, nearest
from harness.core.seeds import stream
from harness.data.table import FloatArray, IntArray
from harness.mdp.solve import solve

SEEDS = 4
"""Other clusterings that this one is compared with."""
ROWS = 20_000
"""Rows that partitions are compared on and separation is measured on."""
RESAMPLES = 1_000
"""Of patients, for the intervals of the Markov check."""
QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Explained:
    """What a row more of history explains of what follows, beyond the state and the action.

    Attributes
    ----------
    what : str
        'next features' or 'reward'.
    by : str
        'the same row' (where in its state the patient is) or 'the row before'.
    share : float
        Of the variance that state and action leave, on patients that nothing was fitted to; 0 where the states are
        Markov, below 0 where fitting found noise.
    lower, upper : float
        95 % interval, by a bootstrap of these patients.
    patients : int
    """

    what: str
    by: str
    share: float
    lower: float
    upper: float
    patients: int


@dataclass(frozen=True, eq=False)
class Diagnostics:
    """What `diagnose` finds.

    Attributes
    ----------
    sizes : int array, shape (K,)
        Rows in each state.
    patients : int array, shape (K,)
        Patients that were ever in it.
    seen, admissible : int
        Pairs of a state and an action that were seen at all, and often enough.
    on_admissible : float
        Share of the data's decisions on admissible pairs.
    choices : int array, shape (K,)
        Admissible actions of each state.
    explained : tuple of Explained
    rand : float array, shape (SEEDS,)
        Adjusted Rand index of this clustering and that of another seed.
    optima : float array, shape (1 + SEEDS,)
        Optimal value of the MDP of this clustering, and of the others.
    davies_bouldin : tuple of (int, float)
        By number of states; lower is better separated.
    """

    sizes: IntArray
    patients: IntArray
    seen: int
    admissible: int
    on_admissible: float
    choices: IntArray
    explained: tuple[Explained, ...]
    rand: FloatArray
    optima: FloatArray
    davies_bouldin: tuple[tuple[int, float], ...]


def diagnose(built: Built, tell: Tell = lambda what: None) -> Diagnostics:
    """Look at a built MDP from all these sides."""
    found, table = built.construction, built.table
    K = len(found.centres)
    columns = {name: carried(table.columns[name], table.patients) for name in found.features.features.columns}
    features = found.features.of(columns)
    visits, mask = built.estimated.visits[:K], built.estimated.mdp.admissible[:K]
    pairs = np.unique(built.states * table.n_patients + table.patient_of)
    tell("Markov check")
    explained = _history(built, features)
    rand, optima = _other_seeds(built, features, tell)
    return Diagnostics(
        sizes=np.bincount(built.states, minlength=K),
        patients=np.bincount(pairs // table.n_patients, minlength=K),
        seen=int((visits > 0).sum()),
        admissible=int(mask.sum()),
        on_admissible=float(visits[mask].sum() / visits.sum()),
        choices=mask.sum(axis=1),
        explained=explained,
        rand=rand,
        optima=optima,
        davies_bouldin=_separation(built, features, tell),
    )


def _history(built: Built, features: FloatArray) -> tuple[Explained, ...]:
    """On every second patient: what linear regressions of the residuals, fitted to the others, explain."""
    table = built.table
    now = before_the_last(table)
    now = now[now > table.patients[:-1][table.patient_of[now]]]  # from the second row on, which has one before it
    A = built.construction.actions.n
    pair = built.states[now] * A + built.construction.actions.of(table.columns)[now]
    reward = np.zeros(table.n_rows)
    reward[_rows_of(built)] = built.data.reward
    held = table.patient_of[now] % 2 == 1
    found = []
    for what, target in (("next features", features[now + 1]), ("reward", reward[now][:, None])):
        residual = _residual(target, pair, held)
        known = np.isfinite(residual).all(axis=1)
        for by, history in (("the same row", features[now]), ("the row before", features[now - 1])):
            fit, test = known & ~held, known & held
            design = np.column_stack([np.ones(len(history)), history])
            weights = np.linalg.lstsq(design[fit], residual[fit], rcond=None)[0]
            left = ((residual[test] - design[test] @ weights) ** 2).sum(axis=1)
            whole = (residual[test] ** 2).sum(axis=1)
            found.append(_explained(what, by, left, whole, table.patient_of[now][test]))
    return tuple(found)


def _rows_of(built: Built) -> IntArray:
    """The row of each transition."""
    table, data = built.table, built.data
    if len(data) == table.n_rows:
        return np.arange(table.n_rows)
    return before_the_last(table)


def _residual(target: FloatArray, pair: IntArray, held: np.ndarray) -> FloatArray:
    """What the mean by state and action, of patients not held out, leaves; NaN where these have none."""
    size = int(pair.max()) + 1
    n = np.bincount(pair[~held], minlength=size)
    found = np.empty_like(target)
    for i, column in enumerate(target.T):
        total = np.bincount(pair[~held], weights=column[~held], minlength=size)
        with np.errstate(invalid="ignore", divide="ignore"):
            found[:, i] = column - (total / n)[pair]
    return found


def _explained(what: str, by: str, left: FloatArray, whole: FloatArray, patient: IntArray) -> Explained:
    _, number = np.unique(patient, return_inverse=True)
    of_left, of_whole = np.bincount(number, weights=left), np.bincount(number, weights=whole)
    n = len(of_left)
    draws = stream(0, "markov").multinomial(n, np.full(n, 1.0 / n), size=RESAMPLES)
    shares = 1.0 - (draws @ of_left) / (draws @ of_whole)
    lower, upper = np.quantile(shares, (0.025, 0.975))
    return Explained(what, by, float(1.0 - left.sum() / whole.sum()), float(lower), float(upper), n)


def _sample(n: int) -> IntArray:
    return np.arange(n) if n <= ROWS else np.sort(stream(0, "diagnostics").choice(n, ROWS, replace=False))


def _other_seeds(built: Built, features: FloatArray, tell: Tell) -> tuple[FloatArray, FloatArray]:
    from sklearn.metrics import adjusted_rand_score

    found, wanted = built.construction, built.construction.recipe.states
    rows = _sample(len(features))
    rand, optima = [], [solve(built.estimated.mdp).J]
    for i in range(1, SEEDS + 1):
        tell(f"states of another seed, {i} of {SEEDS}")
        states = nearest(features, centres(features, wanted.model_copy(update={"seed": wanted.seed + i})))
        rand.append(adjusted_rand_score(built.states[rows], states[rows]))
        optima.append(solve(found.estimate(found.transitions(built.table, states)).mdp).J)
    return np.array(rand), np.array(optima)


def _separation(built: Built, features: FloatArray, tell: Tell) -> tuple[tuple[int, float], ...]:
    from sklearn.metrics import davies_bouldin_score

    wanted = built.construction.recipe.states
    rows = _sample(len(features))
    found = []
    for n in sorted({max(wanted.n // 4, 2), max(wanted.n // 2, 2), wanted.n, 2 * wanted.n}):
        if n >= len(rows):
            continue
        tell(f"{n} states")
        there = features[rows]
        of_n = built.construction.centres if n == wanted.n else centres(there, wanted.model_copy(update={"n": n}))
        found.append((n, float(davies_bouldin_score(there, nearest(there, of_n)))))
    return tuple(found)
