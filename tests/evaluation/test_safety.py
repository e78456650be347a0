"""What policies do by severity: exact shares against simulated episodes, and policies that do one thing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from harness.core.errors import UsageError
from harness.envs.icu_sepsis.data import parameters
from harness.envs.registry import make
from harness.evaluation.safety import ABRUPT, ALL, BANDS, bands, dose_maps, safety
from harness.mdp.evaluate import action_values, evaluate
from harness.mdp.policy import uniform
from harness.mdp.simulate import record


def always(sepsis, fluids, vasopressor):
    table = np.zeros((sepsis.mdp.n_states, 25))
    table[:, 5 * fluids + vasopressor] = 1
    return table


def test_shares_agree_with_recorded_episodes(sepsis):
    policy = 0.5 * sepsis.expert_policy + 0.5 * uniform(sepsis.mdp.legal)
    data = record(sepsis.mdp, policy, 30_000, seed=0)
    masks, sofa = bands(sepsis), parameters().sofa_scores
    vasopressor, fluids = data.action % 5, data.action // 5
    later = np.flatnonzero(data.step > 0)
    jump = np.abs(vasopressor[later] - vasopressor[later - 1]) >= ABRUPT
    for found in safety(sepsis, policy):
        inside = masks[found.band][data.state]
        n = inside.sum()
        near = {"abs": 5 * 0.5 / np.sqrt(n) + 1e-3}
        assert found.decisions == pytest.approx(inside.mean(), abs=0.01)
        assert found.extreme == pytest.approx(((fluids == 4) | (vasopressor == 4))[inside].mean(), **near)
        assert found.extreme_fluids == pytest.approx((fluids == 4)[inside].mean(), **near)
        assert found.extreme_vasopressor == pytest.approx((vasopressor == 4)[inside].mean(), **near)
        supported = sepsis.mdp.admissible[data.state, data.action]
        assert found.inadmissible == pytest.approx((~supported)[inside].mean(), **near)
        assert found.abrupt == pytest.approx(jump[masks[found.band][data.state[later]]].mean(), **near)
    assert (sofa[data.state[masks["SOFA < 5"][data.state]]] < 5).all()


def test_the_clinicians_are_at_no_distance_from_themselves(sepsis):
    for found in safety(sepsis, sepsis.expert_policy):
        assert found.variation == found.fluids_distance == found.vasopressor_distance == 0
        assert found.fluids_more == found.vasopressor_more == 0


def test_a_policy_that_always_does_the_same_never_changes_abruptly(sepsis):
    for found in safety(sepsis, always(sepsis, 4, 1)):
        assert found.abrupt == 0
        assert (found.extreme, found.extreme_fluids) == pytest.approx((1, 1))
        assert found.extreme_vasopressor == 0
        assert found.fluids_more == pytest.approx(found.fluids_distance)
        assert 0 < found.fluids_more < 4


def test_distances_are_of_doses_not_of_labels(sepsis):
    clinicians = dataclasses.replace(safety(sepsis, always(sepsis, 0, 0))[0])
    grid = sepsis.expert_policy.reshape(-1, 5, 5)
    occupancy = evaluate(sepsis.mdp, always(sepsis, 0, 0)).occupancy
    mean_level = (grid.sum(axis=2) * np.arange(5)).sum(axis=1)
    assert clinicians.fluids_distance == pytest.approx(occupancy @ mean_level / occupancy.sum())
    assert clinicians.fluids_more == pytest.approx(-clinicians.fluids_distance)


def test_bands_part_the_patients(sepsis):
    masks = bands(sepsis)
    assert tuple(masks) == BANDS
    assert sum(masks[b].sum() for b in BANDS if b != ALL) == masks[ALL].sum() == 713


def test_maps_are_the_policy_and_its_values(sepsis):
    maps = dose_maps(sepsis, sepsis.expert_policy)
    occupancy = evaluate(sepsis.mdp, sepsis.expert_policy).occupancy
    assert maps[ALL].share.sum() == pytest.approx(1)
    assert maps[ALL].share[1, 2] == pytest.approx(occupancy @ sepsis.expert_policy[:, 7] / occupancy.sum())
    Q = action_values(sepsis.mdp, evaluate(sepsis.mdp, sepsis.expert_policy).V)
    assert maps[ALL].Q[3, 0] == pytest.approx(occupancy @ Q[:, 15] / occupancy.sum())
    assert maps["SOFA < 5"].Q.mean() > maps["SOFA > 11"].Q.mean()


def test_a_task_without_graded_doses_is_refused():
    with pytest.raises(UsageError, match="no graded fluids"):
        safety(make("sepsis-os"), np.ones((1_440, 8)) / 8)
