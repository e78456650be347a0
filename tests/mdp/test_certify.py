"""Certified bounds enclose the exact value at every step, whatever the policy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.mdp.certify import ask, next_states, promise, states_left, unasked
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import deterministic
from tests.mdp.test_solve import random_mdp, random_policy


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.booleans())
def test_bounds_contain_the_exact_value_and_never_widen(seed, batch, stochastic):
    rng = np.random.default_rng(seed)
    mdp = random_mdp(rng)
    policy = random_policy(rng, mdp)
    if not stochastic:
        policy = deterministic(mdp, policy.argmax(axis=1))
    exact = evaluate(mdp, policy).J
    bounds = unasked(mdp)
    while True:
        assert bounds.lower.J - 1e-10 <= exact <= bounds.upper.J + 1e-10
        states = next_states(promise(mdp, bounds), batch)
        if not states.size:
            break
        after = ask(mdp, bounds, states, policy[states])
        assert after.upper.J <= bounds.upper.J + 1e-10
        assert after.lower.J >= bounds.lower.J - 1e-10
        bounds = after
    assert bounds.width < 1e-9


@pytest.mark.parametrize("seed", range(3))
def test_icu_sepsis_is_certified_within_420_states(sepsis, seed):
    rng = np.random.default_rng(seed)
    mdp = sepsis.mdp
    noisy = np.where(rng.random(716) < 0.5, sepsis.optimum.actions, rng.integers(0, 25, 716))
    clinician = np.array([rng.choice(25, p=row / row.sum()) if row.sum() else 0 for row in sepsis.expert_policy])
    policy = deterministic(mdp, (noisy, clinician)[seed % 2])
    exact, bounds = evaluate(mdp, policy).J, unasked(mdp, sepsis.optimum)
    while bounds.width > 0.01:
        states = next_states(promise(mdp, bounds), 16)
        bounds = ask(mdp, bounds, states, policy[states])
        assert bounds.lower.J - 1e-10 <= exact <= bounds.upper.J + 1e-10
    assert bounds.asked.sum() <= 420


def test_the_guess_of_what_is_left_ends_at_zero():
    promised = np.array([0.4, 0.3, 0.2, 0.1])
    assert states_left(promised, width=0.1, epsilon=0.005) == 4
    assert states_left(promised, width=0.1, epsilon=0.05) == 2
    assert states_left(promised, width=0.01, epsilon=0.01) == 0
