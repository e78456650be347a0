"""A tabular MDP from logged transitions, as ICU-Sepsis was made of them.

An action is admissible in a state where it was taken often enough; its transitions are the shares of what followed.
Every other action does as the admissible ones of the state on average, each counting the same (Choudhary et al. 2024,
section 4.3). Two things that ICU-Sepsis has otherwise: it takes out states without an admissible action; here the
action that was taken most often is admissible there. And a state in which nothing was decided at all, which a resample
of patients may have, does as all states on average.

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
from harness.mdp.dataset import Dataset, counts
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


def estimate(data: Dataset, terminal: BoolArray, visits: int) -> Estimated:
    """The MDP of logged transitions.

    Parameters
    ----------
    data : Dataset
        Its discount is the chance to go on after a decision: below 1 the last terminal state is where observation
        stops.
    terminal : bool array, shape (S,)
    visits : int
        From which on an action is admissible.
    """
    S, A = data.n_states, data.n_actions
    counted = counts(data)
    admissible = supported(counted.visits, visits) & ~terminal[:, None]
    taken = counted.visits.ravel()
    rows = sparse.csr_array(sparse.diags_array(1.0 / np.maximum(taken, 1)) @ counted.transitions.astype(np.float64))
    reward = counted.reward.ravel() / np.maximum(taken, 1)
    chosen = np.flatnonzero(admissible)
    of_state = chosen // A
    share = 1.0 / np.maximum(admissible.sum(axis=1), 1)
    averaging = sparse.csr_array((share[of_state], (of_state, chosen)), shape=(S, S * A))
    mean_rows, mean_reward = sparse.csr_array(averaging @ rows), averaging @ reward
    everywhere = sparse.csr_array(counted.transitions.sum(axis=0)[None, :] / len(data))
    blank = np.flatnonzero(~admissible.any(axis=1) & ~terminal)
    mean_reward[blank] = data.reward.mean()
    which = np.where(admissible.ravel(), np.arange(S * A), S * A + np.repeat(np.arange(S), A))
    which = np.where(np.repeat(np.isin(np.arange(S), blank), A), S * A + S, which)
    stacked = sparse.csr_array(sparse.vstack([rows, mean_rows, everywhere], format="csr"))
    transitions = sparse.csr_array(stacked[which])
    paid = np.where(admissible.ravel(), reward, np.repeat(mean_reward, A)).reshape(S, A)
    if data.discount < 1.0:
        stop = int(np.flatnonzero(terminal)[-1])
        ending = sparse.csr_array(
            (np.full(S * A, 1.0 - data.discount), (np.arange(S * A), np.full(S * A, stop))), shape=(S * A, S)
        )
        transitions = sparse.csr_array(data.discount * transitions + ending)
    mdp = from_arrays(transitions, paid, counted.start / counted.start.sum(), terminal=terminal, admissible=admissible)
    return Estimated(mdp, counted.visits, _shares(counted.visits, terminal))


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
