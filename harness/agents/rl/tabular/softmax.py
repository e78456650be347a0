"""Softmax policies over the admissible actions of every state."""

from __future__ import annotations

import numpy as np

from harness.agents.rl.tabular.entries import Entries
from harness.mdp.tabular import FloatArray


def probabilities(entries: Entries, logits: FloatArray) -> FloatArray:
    """Of the places of every state, shape (K, S, W), from logits (K, E or more); 0 beyond the last action."""
    padded = np.concatenate([logits[:, : entries.size], np.full((len(logits), 1), -np.inf)], axis=1)
    z = np.ascontiguousarray(padded[:, entries.of])  # sums depend on the order in memory
    with np.errstate(invalid="ignore"):  # terminal states have no actions
        z = np.exp(z - z.max(axis=2, keepdims=True))
    z[:, entries.count == 0] = 0.0
    return np.asarray(z / np.maximum(z.sum(axis=2, keepdims=True), np.finfo(z.dtype).tiny), dtype=np.float64)


def policy(entries: Entries, logits: FloatArray) -> FloatArray:
    """The same as policy tables, shape (K, S, A); in a terminal state the first action."""
    p = probabilities(entries, logits)
    table = np.zeros((len(p), *entries.shape))
    action = np.append(entries.action, 0)[entries.of]
    state = np.arange(entries.shape[0])[:, None]
    inside = entries.of < entries.size
    table[:, np.broadcast_to(state, action.shape)[inside], action[inside]] = p[:, inside]
    table[:, entries.count == 0, 0] = 1.0
    return table
