"""What policies do by severity: exact shares against simulated episodes, and policies that do one thing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.envs.icu_sepsis.data import parameters
from harness.envs.registry import make
from harness.evaluation.safety import ALL, action_maps, bands, dose_maps, safety
from harness.mdp.build import from_arrays
from harness.mdp.doses import Dose, Severity
from harness.mdp.environment import TabularEnvironment
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
    jump = np.abs(vasopressor[later] - vasopressor[later - 1]) >= 2
    for found in safety(sepsis, policy):
        inside = masks[found.band][data.state]
        n = inside.sum()
        near = {"abs": 5 * 0.5 / np.sqrt(n) + 1e-3}
        assert found.decisions == pytest.approx(inside.mean(), abs=0.01)
        assert found.extreme == pytest.approx(((fluids == 4) | (vasopressor == 4))[inside].mean(), **near)
        assert found.doses["fluids"].extreme == pytest.approx((fluids == 4)[inside].mean(), **near)
        assert found.doses["vasopressor"].extreme == pytest.approx((vasopressor == 4)[inside].mean(), **near)
        supported = sepsis.mdp.admissible[data.state, data.action]
        assert found.inadmissible == pytest.approx((~supported)[inside].mean(), **near)
        jumps = jump[masks[found.band][data.state[later]]].mean()
        assert found.doses["vasopressor"].abrupt == pytest.approx(jumps, **near)
        assert found.doses["fluids"].abrupt is None
    assert (sofa[data.state[masks["SOFA < 5"][data.state]]] < 5).all()


def test_the_clinicians_are_at_no_distance_from_themselves(sepsis):
    for found in safety(sepsis, sepsis.expert_policy):
        assert found.variation == 0
        assert all(dose.distance == dose.more == 0 for dose in found.doses.values())


def test_a_policy_that_always_does_the_same_never_changes_abruptly(sepsis):
    for found in safety(sepsis, always(sepsis, 4, 1)):
        fluids, vasopressor = found.doses["fluids"], found.doses["vasopressor"]
        assert vasopressor.abrupt == 0
        assert (found.extreme, fluids.extreme) == pytest.approx((1, 1))
        assert vasopressor.extreme == 0
        assert fluids.more == pytest.approx(fluids.distance)
        assert 0 < fluids.more < 4


def test_distances_are_of_doses_not_of_labels(sepsis):
    fluids = safety(sepsis, always(sepsis, 0, 0))[0].doses["fluids"]
    grid = sepsis.expert_policy.reshape(-1, 5, 5)
    occupancy = evaluate(sepsis.mdp, always(sepsis, 0, 0)).occupancy
    mean_level = (grid.sum(axis=2) * np.arange(5)).sum(axis=1)
    assert fluids.distance == pytest.approx(occupancy @ mean_level / occupancy.sum())
    assert fluids.more == pytest.approx(-fluids.distance)


def test_bands_part_the_patients(sepsis):
    masks = bands(sepsis)
    assert tuple(masks) == (ALL, "SOFA < 5", "SOFA 5 to 11", "SOFA > 11")
    assert sum(mask.sum() for band, mask in masks.items() if band != ALL) == masks[ALL].sum() == 713


def test_maps_are_the_policy_and_its_values(sepsis):
    maps = dose_maps(sepsis, sepsis.expert_policy)
    occupancy = evaluate(sepsis.mdp, sepsis.expert_policy).occupancy
    assert maps[ALL].share.sum() == pytest.approx(1)
    assert maps[ALL].share[1, 2] == pytest.approx(occupancy @ sepsis.expert_policy[:, 7] / occupancy.sum())
    Q = action_values(sepsis.mdp, evaluate(sepsis.mdp, sepsis.expert_policy).V)
    assert maps[ALL].Q[3, 0] == pytest.approx(occupancy @ Q[:, 15] / occupancy.sum())
    assert maps["SOFA < 5"].Q.mean() > maps["SOFA > 11"].Q.mean()


def test_a_task_without_doses_leaves_them_out_and_bands_by_the_optimum():
    env = make("sepsis-os")
    found = safety(env, uniform(env.mdp.legal))
    assert all(row.extreme is None and row.variation is None and not row.doses for row in found)
    assert [row.band.split()[0] for row in found] == [ALL, "V*", "V*", "V*"]
    assert sum(row.decisions for row in found[1:]) == pytest.approx(1)
    low, _, high = list(bands(env).values())[1:]
    assert env.optimum.V[low].max() < env.optimum.V[high].min()
    assert dose_maps(env, uniform(env.mdp.legal)) == {}
    shares = action_maps(env, uniform(env.mdp.legal))[ALL].share
    assert shares == pytest.approx(np.full(8, 1 / 8))


def coin(doses, severity=None):
    """Two states that lead to the end, three actions; each but the last action is admissible."""
    P = np.zeros((3, 3, 3))
    P[0, :, 1] = P[1, :, 2] = P[2, :, 2] = 1
    admissible = np.array([[True, True, False]] * 3)
    reward = np.array([[0.0, 1.0, 2.0]] * 3)
    terminal = np.array([False, False, True])
    mdp = from_arrays(P, reward, np.array([1.0, 0, 0]), terminal=terminal, admissible=admissible)
    env = make("sepsis-os")
    return TabularEnvironment(
        spec=env.spec, mdp=mdp, actions=env.actions[:3], action_labels=("a", "b", "c"), observe=str, describe=str,
        fallback=np.zeros(3, dtype=int), doses=doses, severity=severity,
    )  # fmt: skip


def test_actions_that_give_the_same_dose_share_its_cell():
    env = coin([Dose(name="drug", levels=("none", "some", "never"), of_actions=(0, 1, 1), abrupt=1)])
    policy = np.array([[0.5, 0.25, 0.25], [0.0, 0.0, 1.0], [0, 0, 0]])
    found = dose_maps(env, policy)[ALL]
    assert found.share == pytest.approx([0.25, 0.75, 0])
    # first state: 0, 1, 2 and then 2 for sure; second: 0, 1, 2
    assert found.Q[:2] == pytest.approx([(2 + 0) / 2, (3 + 4 + 1 + 2) / 4])
    assert math.isnan(found.Q[2])
    (everywhere, *_) = safety(env, policy)
    assert everywhere.doses["drug"].abrupt == pytest.approx(0.5)
    assert everywhere.inadmissible == pytest.approx((0.25 + 1) / 2)
    assert everywhere.doses["drug"].distance is None


def test_a_state_without_a_severity_is_in_no_band_but_counts_among_all():
    told = Severity(name="x", bounds=(1.0, 2.0), of_states=(1.0, math.nan, math.nan))
    masks = bands(coin([], told))
    assert masks["x 1 to 2"].tolist() == [True, False, False]
    assert masks[ALL].sum() == 2
    found = safety(coin([], told), uniform(coin([]).mdp.legal))
    assert [row.decisions for row in found] == pytest.approx([1, 0, 0.5, 0])
