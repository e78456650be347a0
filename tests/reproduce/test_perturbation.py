"""A perturbed MDP built from distinct rows is the one that dense arrays give, and removing actions never helps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.errors import InvalidMDP, UsageError
from harness.core.seeds import stream
from harness.envs.icu_sepsis.data import DEATH, parameters
from harness.mdp.build import from_arrays
from harness.mdp.evaluate import action_values, evaluate
from harness.mdp.policy import uniform
from harness.mdp.solve import solve
from harness.mdp.tabular import TabularMDP
from harness.reproduce.perturbation import keep, perturbed, rows, study


def dense(P, R, start, terminal, kept) -> TabularMDP:
    """The same by dense arrays: every action that is not kept gets the mean row of those that are."""
    P = P.copy()
    for s in np.flatnonzero(~terminal):
        P[s, ~kept[s]] = P[s, kept[s]].mean(axis=0)
    return from_arrays(P, R, start, terminal=terminal, admissible=kept)


@st.composite
def worlds(draw):
    """A small MDP with its dense arrays; every action ends the episode with some probability."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    S, A = draw(st.integers(2, 6)), draw(st.integers(1, 5))
    P = rng.dirichlet(np.ones(S + 1), size=(S + 1, A))
    P[:, :, -1] += 0.05
    P /= P.sum(axis=2, keepdims=True)
    R = np.broadcast_to(rng.normal(size=S + 1), (S + 1, A, S + 1))
    admissible = rng.random((S + 1, A)) < 0.6
    admissible[np.arange(S + 1), rng.integers(0, A, S + 1)] = True
    terminal = np.arange(S + 1) == S
    start = np.append(rng.dirichlet(np.ones(S)), 0.0)
    return (P, R, start, terminal), admissible, rng


def assert_same(ours: TabularMDP, theirs: TabularMDP, policy) -> None:
    mine, other = evaluate(ours, policy), evaluate(theirs, policy)
    for name in ("V", "J", "occupancy", "length", "variance"):
        assert getattr(mine, name) == pytest.approx(getattr(other, name), abs=1e-10), name
    assert action_values(ours, mine.V) == pytest.approx(action_values(theirs, other.V), abs=1e-12)
    assert pytest.approx(solve(theirs).J, abs=1e-12) == solve(ours).J
    assert np.array_equal(ours.admissible, theirs.admissible)


@given(worlds(), st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_sparse_and_dense_perturbation_agree(world, p):
    arrays, admissible, rng = world
    kept = keep(admissible, p, rng)
    mdp = dense(*arrays, admissible)
    assert_same(perturbed(mdp, kept), dense(*arrays, kept), uniform(mdp.legal))


@given(worlds(), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_removing_admissible_actions_never_raises_the_optimum(world, p, again):
    """The mean of admissible rows is never better than the best of them, so fewer rows are never better."""
    arrays, admissible, rng = world
    mdp = dense(*arrays, admissible)
    fewer = keep(admissible, p, rng)
    fewest = keep(fewer, again, rng)
    values = [solve(m).J for m in (mdp, perturbed(mdp, fewer), perturbed(mdp, fewest))]
    assert values[0] >= values[1] - 1e-9
    assert values[1] >= values[2] - 1e-9


def test_icu_sepsis_perturbed_agrees_with_its_dense_arrays(sepsis):
    given_arrays = parameters()
    terminal = np.arange(716) >= DEATH
    kept = keep(sepsis.mdp.admissible & ~terminal[:, None], 0.5, stream(100_000, "test"))
    theirs = dense(given_arrays.tx_mat, given_arrays.r_mat, given_arrays.d_0, terminal, kept)
    assert_same(perturbed(sepsis.mdp, kept), theirs, sepsis.expert_policy)


def test_nothing_removed_is_the_published_mdp(sepsis):
    unchanged = perturbed(sepsis.mdp, sepsis.mdp.admissible & ~sepsis.mdp.terminal[:, None])
    for policy in (sepsis.expert_policy, uniform(sepsis.mdp.legal)):
        ours, theirs = evaluate(unchanged, policy), evaluate(sepsis.mdp, policy)
        assert pytest.approx(theirs.V, abs=1e-12) == ours.V
        assert ours.length == pytest.approx(theirs.length, abs=1e-11)
        assert ours.variance == pytest.approx(theirs.variance, abs=1e-12)
    assert pytest.approx(sepsis.optimum.V, abs=1e-12) == solve(unchanged).V


def test_a_state_keeps_one_of_its_own_and_each_as_often():
    admissible = np.zeros((3_000, 5), dtype=bool)
    admissible[:, [0, 2, 3]] = True
    rng = np.random.default_rng(1)
    assert np.array_equal(keep(admissible, 0.0, rng), admissible)
    left = keep(admissible, 1.0, rng)
    assert (left.sum(axis=1) == 1).all()
    assert left.mean(axis=0) == pytest.approx([1 / 3, 0, 1 / 3, 1 / 3, 0], abs=0.03)
    assert keep(admissible, 0.4, rng)[:, 0].mean() == pytest.approx(0.6 + 0.4**3 / 3, abs=0.03)


def test_a_state_without_an_admissible_action_is_named(sepsis):
    kept = sepsis.mdp.admissible.copy()
    kept[12] = False
    with pytest.raises(InvalidMDP, match="State 12 is left without an admissible action"):
        perturbed(sepsis.mdp, kept)


def test_a_study_repeats_itself_and_its_table_says_what_it_found(sepsis):
    found = study(sepsis, repeats=2, probabilities=(0.0, 0.6))
    again = study(sepsis, repeats=1, probabilities=(0.6,))
    assert found.values["random"][1, 0] == again.values["random"][0, 0]
    table = {(row.probability, row.policy): row for row in rows(found)}
    assert len(table) == 6
    still = table[0.0, "optimal"]
    assert (still.removed, still.survival.sd) == (0.0, 0.0)
    assert still.survival.mean == pytest.approx(sepsis.optimum.J, abs=1e-12)
    moved = table[0.6, "optimal"].survival
    assert moved.lowest <= moved.mean <= moved.highest < sepsis.optimum.J
    assert moved.sd == pytest.approx((moved.highest - moved.lowest) / 2)  # of two


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"repeats": 0}, "0 repeats were asked for"), ({"probabilities": (0.5, 1.5)}, "expected numbers from 0 to 1")],
)
def test_what_cannot_be_studied_is_said(sepsis, options, sentence):
    with pytest.raises(UsageError, match=sentence):
        study(sepsis, **options)
