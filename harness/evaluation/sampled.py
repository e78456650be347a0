"""The value of a policy that is known by n draws in every state, as a model at a temperature above 0 gives them."""

from __future__ import annotations

import math

import numpy as np

from harness.core.errors import UsageError
from harness.evaluation.intervals import CONFIDENCE, Estimate
from harness.mdp.evaluate import action_values, evaluate
from harness.mdp.tabular import FloatArray, IntArray, TabularMDP


def sampled_value(mdp: TabularMDP, drawn: IntArray, confidence: float = CONFIDENCE) -> Estimate:
    """The value of the policy that n actions were drawn from in each state.

    Parameters
    ----------
    mdp : TabularMDP
    drawn : int array, shape (S, n)
        Actions drawn in each state; rows of terminal states are ignored.

    Raises
    ------
    UsageError
        If there are fewer than two draws a state.

    Notes
    -----
    The value of the frequencies, with the variance `Σ_s occupancy(s)² Var_a[Q(s, a)] / (n - 1)` of the delta method.
    A state that is met twice in an episode is met twice with the same frequencies, which biases that value a little;
    the jackknife over the n draws (Quenouille 1956) takes the bias out. Where no two draws of any state differ, the
    sample says nothing about how often they would, and there is no interval.
    """
    states, n = drawn.shape
    if n < 2:
        raise UsageError(f"{n} sample a state says nothing about its spread; expected at least 2.")
    counts = np.zeros((states, mdp.n_actions))
    np.add.at(counts, (np.arange(states)[:, None], drawn), 1.0)
    found = evaluate(mdp, counts / n)
    Q = np.nan_to_num(action_values(mdp, found.V))
    spread = (counts / n * (Q - (counts / n * Q).sum(axis=1, keepdims=True)) ** 2).sum(axis=1)
    error = math.sqrt(float((found.occupancy**2) @ spread) / (n - 1))
    without = [evaluate(mdp, _left_out(counts, drawn[:, i]) / (n - 1)).J for i in range(n)]
    value = n * found.J - (n - 1) * float(np.mean(without))
    name = f"delta method over {n} samples a state {confidence:.0%}"
    if not error:
        return Estimate(found.J, math.nan, math.nan, n, name)
    from scipy import stats

    half = float(stats.norm.ppf((1 + confidence) / 2)) * error
    return Estimate(value, value - half, value + half, n, name)


def _left_out(counts: FloatArray, drawn: IntArray) -> FloatArray:
    fewer = counts.copy()
    fewer[np.arange(len(drawn)), drawn] -= 1.0
    return fewer
