"""A tabular MDP from logged transitions, as ICU-Sepsis was made of them.

An action is admissible in a state where it was taken often enough; its transitions are the shares of what followed.
Every other action does as the admissible ones of the state on average, each counting the same (Choudhary et al. 2024,
section 4.3). ICU-Sepsis takes out states without an admissible action. Here they are kept, so that every patient has a
state: whatever is done in them, patients move on as all who were in them did, and the action taken most often counts as
admissible. So do states from which the admissible actions alone never come to an end. A state in which nothing was
decided at all, which a resample of patients may have, does as all states on average.

Where observation just stops after a fixed time, an optimum needs an end. Taking the last hour's transitions to an
absorbing state would make an end likelier after what happened to be done in the last hour, and a policy could seek or
shun it. So the end comes after every decision with the same chance, whatever the state and the action: one by the mean
number of decisions of a patient. The value is what is collected in a stay of that length on average, without a
discount; it equals a discount by the chance to go on.

Reference
---------
Choudhary, Gupta, Thomas: ICU-Sepsis: A benchmark MDP built from real medical data. RLC 2024, arXiv:2406.05646.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from harness.mdp.build import from_arrays
from harness.mdp.dataset import Counts, Dataset, counts
from harness.mdp.tabular import BoolArray, FloatArray, IntArray, TabularMDP


@dataclass(frozen=True, eq=False)
class Estimated:
    """An MDP made of transitions.

    Attributes
    ----------
    mdp : TabularMDP
    visits : int array, shape (S, A)
        How often each action was taken in each state.
    behaviour : float array, shape (S, A)
        Shares of the actions in each state; as likely all of them where nothing was decided; 0 in terminal states.
    """

    mdp: TabularMDP
    visits: IntArray
    behaviour: FloatArray


def estimate(data: Dataset, terminal: BoolArray, visits: int, among: BoolArray | None = None) -> Estimated:
    """The MDP of logged transitions.

    Parameters
    ----------
    data : Dataset
        Its discount is the chance to go on after a decision: below 1 the last terminal state is where observation
        stops.
    terminal : bool array, shape (S,)
    visits : int
        From which on an action is admissible.
    among : bool array, shape (S, A), optional
        Actions that may be admissible at all, if that is known.
    """
    counted = counts(data)
    eligible = ~terminal[:, None] & (True if among is None else among)
    admissible = supported(np.where(eligible, counted.visits, 0), visits)
    pooled = ~(admissible & (counted.visits >= visits)).any(axis=1) & ~terminal
    transitions, paid = _model(data, counted, admissible, pooled)
    if data.discount < 1.0:
        S, A = admissible.shape
        ends = np.zeros((1, S))
        ends[0, np.flatnonzero(terminal)[-1]] = 1.0 - data.discount
        stopping = sparse.csr_array(sparse.csr_array(np.ones((S * A, 1))) @ sparse.csr_array(ends))
        transitions = sparse.csr_array(data.discount * transitions + stopping)
    else:
        while (lost := _endless(transitions, terminal) & ~pooled).any():
            pooled = pooled | lost
            transitions, paid = _model(data, counted, admissible, pooled)
    start = counted.start / counted.start.sum()
    mdp = from_arrays(transitions, paid, start, terminal=terminal, admissible=admissible)
    return Estimated(mdp, counted.visits, _shares(counted.visits, terminal))


def _model(
    data: Dataset, counted: Counts, admissible: BoolArray, pooled: BoolArray
) -> tuple[sparse.csr_array, FloatArray]:
    """Transitions (S * A, S) and rewards (S, A): an action's own, or the mean of admissible ones, or the state's."""
    S, A = admissible.shape
    taken = counted.visits.ravel()
    own = _divided(counted.transitions, taken)
    chosen = np.flatnonzero(admissible)
    of_state = chosen // A
    share = 1.0 / np.maximum(admissible.sum(axis=1), 1)
    averaging = sparse.csr_array((share[of_state], (of_state, chosen)), shape=(S, S * A))
    reward = counted.reward.ravel() / np.maximum(taken, 1)
    summing = sparse.csr_array((np.ones(S * A), (np.repeat(np.arange(S), A), np.arange(S * A))), shape=(S, S * A))
    visits = counted.visits.sum(axis=1)
    of_states = _divided(summing @ counted.transitions, visits)
    everywhere = sparse.csr_array(counted.transitions.sum(axis=0)[None, :] / len(data))
    rows = sparse.csr_array(sparse.vstack([own, averaging @ own, of_states, everywhere], format="csr"))
    paid = np.concatenate(
        [reward, averaging @ reward, counted.reward.sum(axis=1) / np.maximum(visits, 1), [data.reward.mean()]]
    )
    state = np.repeat(np.arange(S), A)
    which = np.where(admissible.ravel(), np.arange(S * A), S * A + state)
    which = np.where(pooled[state], S * A + S + state, which)
    which = np.where(pooled[state] & (visits[state] == 0), len(paid) - 1, which)
    return sparse.csr_array(rows[which]), paid[which].reshape(S, A)


def _divided(counted: sparse.csr_array, by: IntArray) -> sparse.csr_array:
    return sparse.csr_array(sparse.diags_array(1.0 / np.maximum(by, 1)) @ counted.astype(np.float64))


def _endless(transitions: sparse.csr_array, terminal: BoolArray) -> BoolArray:
    """The states from which no action ever leads towards an end, (S,)."""
    ending = terminal
    while True:
        found = ending | (transitions @ ending.astype(np.float64) > 0).reshape(len(terminal), -1).any(axis=1)
        if np.array_equal(found, ending):
            return ~ending
        ending = found


def supported(taken: IntArray, visits: int) -> BoolArray:
    """Which actions (S, A) were taken so often, or oftenest in a state without one that was (the lowest of several)."""
    enough = taken >= visits
    alone = ~enough.any(axis=1) & taken.any(axis=1)
    enough[alone, taken[alone].argmax(axis=1)] = True
    return enough


def _shares(taken: IntArray, terminal: BoolArray) -> FloatArray:
    total = taken.sum(axis=1, keepdims=True)
    shares = np.where(total > 0, taken / np.maximum(total, 1), 1.0 / taken.shape[1])
    shares[terminal] = 0.0
    return np.asarray(shares, dtype=np.float64)
