"""Health Gym's tutorial, its claim and its correction."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra data")

from harness.agents.offline.empirical import empirical
from harness.construction.recipe import States
from harness.evaluation import doubt
from harness.evaluation.doubt import CLAIM, TRUTH
from harness.mdp.dataset import checked
from harness.reports.hypotension import as_json, blocks, plot
from harness.reproduce.hypotension import learned, tutorial
from tests.construction.made import stand_in


@pytest.fixture(scope="module")
def found():
    doubt.TRUE_PATIENTS = 200
    return tutorial(stand_in("hypotension", 120), states=States(n=20, restarts=1, seed=123))


def test_the_learned_q_flatters_its_policy(found):
    assert found.claimed["RL"] > found.claimed["clinicians"]
    truth = {(j.policy, j.by): j.value for j in found.judged}
    assert found.claimed["RL"] > truth["optimal", TRUTH]
    assert truth["optimal", CLAIM] > truth["optimal", TRUTH]
    assert found.crossing == (119, 0)


def test_sweeps_go_towards_the_undiscounted_values():
    data = checked(
        episode=[0, 0], step=[0, 1], state=[0, 1], action=[0, 0], reward=[-1, -2], next_state=[1, 2],
        terminated=[False, True], n_states=3, n_actions=1, discount=1.0,
    )  # fmt: skip
    model = empirical(data)
    assert learned(model, sweeps=1).tolist() == pytest.approx([-0.1, -0.2])
    assert learned(model, sweeps=500) == pytest.approx([-3, -2])


def test_it_is_told_in_tables_and_drawn(found, tmp_path):
    pytest.importorskip("matplotlib")
    assert len(blocks(found, "a stand-in")[0].rows) == 3
    assert set(as_json(found)) == {"claimed", "crossing", "hypotension-pls", "hypotension"}
    assert sum(len(values) for _, values in found.pressures["vasopressors"]) == 120 * 47
    assert all(path.stat().st_size > 5_000 for path in plot(found, tmp_path / "pressures.png"))
    assert np.isfinite(list(found.claimed.values())).all()
