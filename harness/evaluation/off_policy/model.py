"""A policy evaluated in what the data say of the MDP: fitted Q evaluation, and the empirical MDP.

With tables, fitted Q evaluation has a fixed point that one linear system gives: the values of the policy in the
empirical MDP. The two estimators differ in what was never tried. Fitted Q evaluation leaves such an entry of its table
where it began, at zero, as if the episode ended unpaid. The empirical MDP lets the patient move as under the actions
that were tried, on average, which is much what ICU-Sepsis does with inadmissible actions. So they do where (γ = 1) the
data show no way out for the policy, e.g. where its action was seen once and changed nothing.

References
----------
Le, Voloshin, Yue: Batch policy learning under constraints. ICML 2019 (fitted Q evaluation).
Mannor, Simester, Sun, Tsitsiklis: Bias and variance approximation in value function estimates. Management Science
2007;53:308 (empirical MDP, and its variance by the delta method).
Kallus, Uehara: Double reinforcement learning for efficient off-policy evaluation in Markov decision processes. JMLR
2020;21:167 (the influence of an episode).
"""

from __future__ import annotations

import math
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
    policy : float array, shape (S, A)
        What was evaluated of the policy: zero where the data have no way out for it.
    share : float array, shape (S, A)
        How much one transition of this state and action counts in the state's next state.
    unseen : float
        Share of the policy's decisions, by occupancy, that stand nowhere in the data.
    stuck : float
        Share of episodes that (γ = 1) come to where the data have no way out for the policy.
    """

    V: FloatArray
    Q: FloatArray
    occupancy: FloatArray
    policy: FloatArray
    share: FloatArray
    unseen: float
    stuck: float


def fit(found: Counts, policy: FloatArray, discount: float, *, fill: bool) -> Fitted:
    """Evaluate a policy on counts.

    Parameters
    ----------
    found : Counts
    policy : float array, shape (S, A)
    discount : float
    fill : bool
        Whether what was never tried in a state, and a policy that the data show no way out of, moves the patient as
        what was tried, on average; it is worth 0 otherwise.
    """
    stuck = np.empty(0, dtype=np.int64)
    share, untried = _shares(found, policy, fill=fill)
    chosen, P = _chosen(found, share)
    if discount == 1.0 and (stuck := endless_states(P)).size:
        came = _reached(found, _without(P, stuck), discount)[stuck].sum()
        policy = policy.copy()
        policy[stuck] = 0.0
        share, untried = _shares(found, policy, fill=fill)
        chosen, P = _chosen(found, share)
        # with `fill` a way out is missing now only where the data themselves were cut off
        still = endless_states(P)
        share[still] = 0.0
        chosen, P = _without(chosen, still), _without(P, still)
    visits, tried = found.visits.sum(axis=1), found.visits > 0
    V = LinearSystem(P, discount).solve(chosen @ found.reward.ravel())
    reached = _reached(found, P, discount)
    if stuck.size and not fill:
        reached[stuck] = 0.0
    occupancy = np.where(visits > 0, reached, 0.0)
    gained = found.reward + discount * (found.transitions @ V).reshape(tried.shape)
    mean = gained.sum(axis=1) / np.maximum(visits, 1) if fill else np.zeros(len(visits))
    Q = np.where(tried, gained / np.maximum(found.visits, 1), mean[:, None])
    total = float(occupancy.sum())
    unseen = float(occupancy @ untried) / total if total > 0 else 0.0
    return Fitted(V, Q, occupancy, policy, share, unseen, float(came) if stuck.size else 0.0)


def _shares(found: Counts, policy: FloatArray, *, fill: bool) -> tuple[FloatArray, FloatArray]:
    """Shares as `Fitted.share`, (S, A), and the policy's probability of what was never tried, (S,)."""
    tried = found.visits > 0
    visits = found.visits.sum(axis=1)
    untried = _untried(found, policy)
    share = np.where(tried, policy, 0.0) / np.maximum(found.visits, 1)
    if fill:
        share += np.where(tried, (untried / np.maximum(visits, 1))[:, None], 0.0)
    return share, untried


def _untried(found: Counts, policy: FloatArray) -> FloatArray:
    """The policy's probability of what was never tried in each state, (S,); 1 where nothing is left of the policy."""
    return np.where(policy.any(axis=1), np.where(found.visits > 0, 0.0, policy).sum(axis=1), 1.0)


def _chosen(found: Counts, share: FloatArray) -> tuple[sparse.csr_array, sparse.csr_array]:
    """The shares by state and pair, (S, S * A), and the transitions between states that they make, (S, S)."""
    S, A = share.shape
    state, action = np.nonzero(share)
    chosen = sparse.csr_array((share[state, action], (state, state * A + action)), shape=(S, S * A))
    return chosen, sparse.csr_array(chosen @ found.transitions)


def _reached(found: Counts, P: sparse.csr_array, discount: float) -> FloatArray:
    """Expected discounted visits of each state, (S,)."""
    begun = found.start / found.start.sum()
    return np.maximum(LinearSystem(P, discount).solve(begun, transposed=True), 0.0)


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
    known = student_t(influences(data, found, fitted, fill=fill) + value)
    ess = data.n_episodes * _effective(data, found, fitted)
    notes = []
    if fitted.unseen > 0:
        notes.append(f"{100 * fitted.unseen:.1f} % of the policy's decisions stand nowhere in the data")
    if fitted.stuck > 0:
        then = "go on as in the data" if fill else "end there, unpaid"
        notes.append(f"{100 * fitted.stuck:.1f} % of episodes come to where the data have no way out, and {then}")
    interval = known.interval if math.isnan(known.lower) else INTERVAL
    return estimate.of(replace(known, value=value, interval=interval), name, ess, "; ".join(notes))


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


def influences(data: Dataset, found: Counts, fitted: Fitted, *, fill: bool) -> FloatArray:
    """How far one more episode like each of the data's would move the value, n times, shape (n,); their mean is 0.

    Notes
    -----
    `V(s_0) - J + n Σ_t x(s) (π(a|s) / N(s, a) (y - Q(s, a)) + u(s) / N(s) (y - Q̄(s)))` with occupancy x, visits N,
    `y = r + γ V(s')`, and, with `fill`, the probability u of actions never tried and the mean Q̄ of those tried.
    """
    n, s, a = data.n_episodes, data.state, data.action
    y = data.reward + data.discount * fitted.V[data.next_state]
    moved = fitted.policy[s, a] / found.visits[s, a] * (y - fitted.Q[s, a])
    if fill:
        visits = found.visits.sum(axis=1)
        untried = _untried(found, fitted.policy) / np.maximum(visits, 1)
        mean = (found.visits * fitted.Q).sum(axis=1) / np.maximum(visits, 1)
        moved += untried[s] * (y - mean[s])
    value = float(found.start @ fitted.V / found.start.sum())
    summed = np.add.reduceat(fitted.occupancy[s] * moved, data.first)
    return np.asarray(fitted.V[s[data.first]] - value + n * summed, dtype=np.float64)
