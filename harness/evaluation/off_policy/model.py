"""A policy evaluated in what the data say of the MDP: fitted Q evaluation, and the empirical MDP.

With tables, fitted Q evaluation has a fixed point that one linear system gives: the values of the policy in the
empirical MDP. The two estimators differ in what was never tried. Fitted Q evaluation leaves such an entry of its table
where it began, at zero, as if the episode ended unpaid. The empirical MDP lets the patient move as under the actions
that were tried, on average, which is much what ICU-Sepsis does with inadmissible actions.

References
----------
Le, Voloshin, Yue: Batch policy learning under constraints. ICML 2019 (fitted Q evaluation).
Mannor, Simester, Sun, Tsitsiklis: Bias and variance approximation in value function estimates. Management Science
2007;53:308 (empirical MDP, and its variance by the delta method).
Kallus, Uehara: Double reinforcement learning for efficient off-policy evaluation in Markov decision processes. JMLR
2020;21:167 (the influence of an episode).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from harness.evaluation.intervals import CONFIDENCE, student_t
from harness.evaluation.off_policy import estimate
from harness.evaluation.off_policy.estimate import OffPolicyEstimate
from harness.mdp.dataset import Counts, Dataset
from harness.mdp.linear import LinearSystem, endless_states
from harness.mdp.tabular import FloatArray, IntArray

INTERVAL = f"Student-t {CONFIDENCE:.0%} of influences"


@dataclass(frozen=True, eq=False)
class Fitted:
    """A policy evaluated on the data's counts.

    Attributes
    ----------
    V : float array, shape (S,)
    Q : float array, shape (S, A)
    occupancy : float array, shape (S,)
        Expected discounted visits, begun as the data's episodes begin; 0 where the data decide nothing.
    share : float array, shape (S, A)
        How much one transition of this state and action counts in the state's next state.
    unseen : float
        Share of the policy's decisions, by occupancy, that stand nowhere in the data.
    lost : float
        Share of episodes that (γ = 1) come to where the data have no way out for the policy.
    """

    V: FloatArray
    Q: FloatArray
    occupancy: FloatArray
    share: FloatArray
    unseen: float
    lost: float


def fit(found: Counts, policy: FloatArray, discount: float, *, fill: bool) -> Fitted:
    """Evaluate a policy on counts.

    Parameters
    ----------
    found : Counts
    policy : float array, shape (S, A)
    discount : float
    fill : bool
        Whether an action that was never tried in a state moves the patient as those that were, on average; it is worth
        0 otherwise.

    Notes
    -----
    With γ = 1 the data can hold states from which the policy never comes to an end, e.g. where its action was seen
    once and changed nothing. An episode that gets there ends there, unpaid.
    """
    S, A = found.visits.shape
    tried = found.visits > 0
    visits = found.visits.sum(axis=1)
    untried = np.where(tried, 0.0, policy).sum(axis=1)
    share = np.where(tried, policy, 0.0) / np.maximum(found.visits, 1)
    if fill:
        share += np.where(tried, (untried / np.maximum(visits, 1))[:, None], 0.0)
    state, action = np.nonzero(share)
    chosen = sparse.csr_array((share[state, action], (state, state * A + action)), shape=(S, S * A))
    P = sparse.csr_array(chosen @ found.transitions)
    endless = endless_states(P) if discount == 1.0 else np.empty(0, dtype=np.int64)
    if endless.size:
        share[endless] = untried[endless] = 0.0
        chosen = _without(chosen, endless)
        P = _without(P, endless)
    system = LinearSystem(P, discount)
    V = system.solve(chosen @ found.reward.ravel())
    reached = np.maximum(system.solve(found.start / found.start.sum(), transposed=True), 0.0)
    lost = float(reached[endless].sum())
    reached[endless] = 0.0
    occupancy = np.where(visits > 0, reached, 0.0)
    gained = found.reward + discount * (found.transitions @ V).reshape(S, A)
    mean = gained.sum(axis=1) / np.maximum(visits, 1) if fill else np.zeros(S)
    Q = np.where(tried, gained / np.maximum(found.visits, 1), mean[:, None])
    total = float(occupancy.sum())
    return Fitted(V, Q, occupancy, share, float(occupancy @ untried) / total if total > 0 else 0.0, lost)


def _without(matrix: sparse.csr_array, rows: IntArray) -> sparse.csr_array:
    """The matrix with zeros in these rows."""
    kept = np.ones(matrix.shape[0])
    kept[rows] = 0.0
    return sparse.csr_array(sparse.diags_array(kept) @ matrix)


def fitted_q(data: Dataset, policy: FloatArray, found: Counts) -> OffPolicyEstimate:
    """FQE: the exact fixed point of fitted Q evaluation with a table; what was never tried is worth 0."""
    return _estimated(data, policy, found, "FQE", fill=False)


def model_based(data: Dataset, policy: FloatArray, found: Counts) -> OffPolicyEstimate:
    """MB: the policy's value in the empirical MDP; what was never tried does as what was, on average."""
    return _estimated(data, policy, found, "MB", fill=True)


def _estimated(data: Dataset, policy: FloatArray, found: Counts, name: str, *, fill: bool) -> OffPolicyEstimate:
    fitted = fit(found, policy, data.discount, fill=fill)
    value = float(found.start @ fitted.V / found.start.sum())
    known = student_t(influences(data, policy, found, fitted, fill=fill) + value)
    ess = data.n_episodes * _effective(data, found, fitted)
    notes = []
    if fitted.unseen > 0:
        notes.append(f"{100 * fitted.unseen:.1f} % of the policy's decisions stand nowhere in the data")
    if fitted.lost > 0:
        notes.append(f"{100 * fitted.lost:.1f} % of episodes come to where the data have no way out")
    return estimate.of(replace(known, value=value, interval=INTERVAL), name, ess, "; ".join(notes))


def _effective(data: Dataset, found: Counts, fitted: Fitted) -> float:
    """Kish's effective share of the data, 0 to 1, by how much oftener the policy takes each action than they do.

    Visits count discounted on both sides, so the policy that the data are of has every episode.
    """
    S, A = found.visits.shape
    discounted = data.discount**data.step
    seen = np.bincount(data.state * A + data.action, weights=discounted, minlength=S * A).reshape(S, A)
    wanted = fitted.occupancy[:, None] * fitted.share * found.visits
    ratio = (wanted / np.where(seen > 0, seen, 1.0))[data.state, data.action]
    whole = float(discounted.sum() * (discounted @ ratio**2))
    return float(discounted @ ratio) ** 2 / whole if whole > 0 else 0.0


def influences(data: Dataset, policy: FloatArray, found: Counts, fitted: Fitted, *, fill: bool) -> FloatArray:
    """How far one more episode like each of the data's would move the value, n times, shape (n,); their mean is 0.

    Notes
    -----
    `V(s_0) - J + n Σ_t x(s) (π(a|s) / N(s, a) (y - Q(s, a)) + u(s) / N(s) (y - Q̄(s)))` with occupancy x, visits N,
    `y = r + γ V(s')`, and, with `fill`, the probability u of actions never tried and the mean Q̄ of those tried.
    """
    n, s, a = data.n_episodes, data.state, data.action
    y = data.reward + data.discount * fitted.V[data.next_state]
    moved = policy[s, a] / found.visits[s, a] * (y - fitted.Q[s, a])
    if fill:
        visits = found.visits.sum(axis=1)
        untried = np.where(found.visits > 0, 0.0, policy).sum(axis=1) / np.maximum(visits, 1)
        mean = (found.visits * fitted.Q).sum(axis=1) / np.maximum(visits, 1)
        moved += untried[s] * (y - mean[s])
    value = float(found.start @ fitted.V / found.start.sum())
    summed = np.add.reduceat(fitted.occupancy[s] * moved, data.first)
    return np.asarray(fitted.V[s[data.first]] - value + n * summed, dtype=np.float64)
