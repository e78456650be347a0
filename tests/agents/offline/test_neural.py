"""The neural offline learners: losses against numpy, a known optimum, and what becomes of interruptions."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

torch = pytest.importorskip("torch", reason="needs the extra 'deep': make test-all, or pip install 'harness[deep]'")

from harness.agents.offline.neural import advance, begin, policy
from harness.agents.offline.neural_checkpoint import about, restore, save
from harness.agents.offline.neural_losses import cross_entropy, temporal_difference, tensors
from harness.agents.offline.neural_network import initial, outputs
from harness.agents.offline.neural_settings import NEURAL, Cloning, Conservative, DoubleDQN, Settings
from harness.core.errors import RunError
from harness.mdp.build import from_arrays
from harness.mdp.dataset import counts
from harness.mdp.policy import uniform
from harness.mdp.simulate import record
from harness.mdp.solve import solve

SMALL = {"hidden": 16, "batch": 64, "learning_rate": 5e-3}

STATES, ACTIONS = 6, 3


@pytest.fixture(scope="module")
def mdp():
    """A row of states; one of three actions leads on, and another in every state. The end of the row is worth 1."""
    P = np.zeros((STATES, ACTIONS, STATES))
    for state in range(4):
        for action in range(ACTIONS):
            on = 0.9 if action == state % ACTIONS else 0.3
            P[state, action, state + 1] += on
            P[state, action, 5] += 1 - on
    R = np.zeros((STATES, ACTIONS, STATES))
    R[3, :, 4] = 1.0
    return from_arrays(P, R, [1, 0, 0, 0, 0, 0], terminal=np.arange(STATES) >= 4)


@pytest.fixture(scope="module")
def data(mdp):
    return record(mdp, uniform(mdp.legal), 3_000, seed=3)


def learnt(data, settings):
    training = begin(data, settings)
    advance(training)
    return training


@pytest.mark.parametrize("kind", [DoubleDQN, Conservative])
def test_learners_of_values_reach_the_optimum_of_a_small_mdp(mdp, data, kind):
    more = {"alpha": 0.001} if kind is Conservative else {}
    settings = kind(**SMALL, steps=600, look_every=600, seed=1, tau=0.05, **more)
    training = learnt(data, settings)
    best = solve(mdp)
    live = mdp.decision_states
    assert (
        policy(settings, training.outputs[-1], mdp.legal)[live].argmax(axis=1).tolist() == best.actions[live].tolist()
    )
    assert training.outputs[-1][live].max(axis=1) == pytest.approx(best.V[live], abs=0.1)


def test_a_clone_does_what_the_data_do(mdp, data):
    skewed = record(mdp, np.tile([0.7, 0.2, 0.1], (STATES, 1)), 400, seed=4)
    visits = counts(skewed).visits[:3]
    settings = Cloning(**SMALL, steps=400, look_every=200, greedy=False, weight_decay=0.0)
    training = learnt(skewed, settings)
    share = visits / visits.sum(axis=1, keepdims=True)
    found = policy(settings, training.outputs[-1], mdp.legal)
    assert found[:3] == pytest.approx(share, abs=0.05)
    greedy = policy(Cloning(**SMALL), training.outputs[-1], mdp.legal)
    assert greedy[:3].argmax(axis=1).tolist() == [0, 0, 0]
    assert set(np.unique(greedy[:4])) == {0.0, 1.0}
    assert training.losses[1] < training.losses[0]


def test_without_its_conservative_term_it_is_double_dqn_to_the_last_bit(data):
    told = SMALL | {"steps": 40, "look_every": 20, "seed": 5}
    plain, without, with_it = (
        learnt(data, one) for one in (DoubleDQN(**told), Conservative(**told, alpha=0), Conservative(**told, alpha=1))
    )
    for a, b, c in zip(plain.outputs, without.outputs, with_it.outputs, strict=True):
        assert a.tobytes() == b.tobytes() != c.tobytes()


def test_conservative_values_fall_where_the_data_never_went(mdp):
    """One action is all that was ever seen: with α its value stays on top, and the others sink."""
    only = record(mdp, np.tile([0.0, 1.0, 0.0], (STATES, 1)), 200, seed=6)
    told = SMALL | {"steps": 100, "look_every": 100}
    spread = [
        float(q[0, 1] - q[0, [0, 2]].max())
        for q in (learnt(only, Conservative(**told, alpha=alpha)).outputs[-1] for alpha in (0.1, 5.0))
    ]
    assert 0 < spread[0] < spread[1]


def dense(weights, states):
    """The network in numpy, a row for every state given."""
    w = {name: values.detach().numpy().astype(float) for name, values in weights.items()}
    x = w["states"][states]
    for name in ("1", "2"):
        x = np.maximum(x @ w[f"{name}.weight"].T + w[f"{name}.bias"], 0)
    return x @ w["actions.weight"].T + w["actions.bias"]


def test_losses_are_those_of_every_transition_by_itself(data):
    rng = np.random.default_rng(0)
    weights, target = (initial(STATES, ACTIONS, 8, rng) for _ in range(2))
    rows = rng.integers(len(data), size=50)
    batch = tensors(data).drawn(torch.from_numpy(rows))
    q, at = dense(weights, data.state[rows]), (np.arange(50), data.action[rows])
    ahead = data.next_state[rows]
    chosen = dense(weights, ahead).argmax(axis=1)
    y = data.reward[rows] + 0.9 * ~data.terminated[rows] * dense(target, ahead)[np.arange(50), chosen]
    squared = ((q[at] - y) ** 2).mean()
    logsumexp = np.log(np.exp(q).sum(axis=1))
    assert data.terminated[rows].any()
    assert temporal_difference(weights, target, batch, discount=0.9).item() == pytest.approx(squared, rel=1e-5)
    conservative = temporal_difference(weights, target, batch, discount=0.9, alpha=2.0).item()
    assert conservative == pytest.approx(squared + 2 * (logsumexp - q[at]).mean(), rel=1e-5)
    assert cross_entropy(weights, batch).item() == pytest.approx((logsumexp - q[at]).mean(), rel=1e-5)


def test_a_state_that_comes_often_weighs_as_often_in_the_gradient(data):
    weights = initial(STATES, ACTIONS, 8, np.random.default_rng(1))
    batch = tensors(data).drawn(torch.arange(60))
    cross_entropy(weights, batch).backward()
    found = {name: values.grad.clone() for name, values in weights.items()}
    for values in weights.values():
        values.grad = None
    torch.nn.functional.cross_entropy(outputs(weights, batch.state), batch.action).backward()
    for name, values in weights.items():
        assert torch.allclose(found[name], values.grad, atol=1e-7)


@pytest.mark.parametrize("name", sorted(NEURAL))
def test_going_on_from_what_was_saved_is_as_if_nothing_had_happened(tmp_path, mdp, sepsis, data, name):
    settings = NEURAL[name](**SMALL, steps=30, look_every=12, seed=2)
    what = about(sepsis.spec, data, settings)
    assert what["algorithm"] == name
    whole = learnt(data, settings)

    class Stop(Exception):
        pass

    def at_the_first_look(training):
        if training.steps == 12:
            save(training, what, tmp_path)
            raise Stop

    with pytest.raises(Stop):
        advance(begin(data, settings), at_the_first_look)
    again = restore(tmp_path, sepsis.spec, data, settings)
    assert (again.steps, len(again.outputs)) == (12, 1)
    advance(again)
    assert again.losses == whole.losses
    assert [seen.tobytes() for seen in again.outputs] == [seen.tobytes() for seen in whole.outputs]
    with pytest.raises(RunError, match="other settings"):
        restore(tmp_path, sepsis.spec, data, settings.model_copy(update={"seed": 3}))


def test_only_what_is_allowed_is_done():
    seen = np.array([[3.0, 2.0, 1.0], [0.0, 5.0, 5.0], [1.0, 2.0, 3.0]], dtype=np.float32)
    allowed = np.array([[False, True, True], [True, True, True], [False, False, False]])
    assert policy(DoubleDQN(), seen, allowed).tolist() == [[0, 1, 0], [0, 1, 0], [1 / 3] * 3]
    chance = policy(Cloning(greedy=False), seen, allowed)
    assert chance[0] == pytest.approx([0, 1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))])
    assert chance.sum(axis=1) == pytest.approx(1)


def test_the_last_step_is_always_looked_at():
    assert Settings(steps=10, look_every=4).looks == (4, 8, 10)
    assert Settings(steps=8, look_every=4).looks == (4, 8)
    assert Settings(steps=3, look_every=4).looks == (3,)
    assert len(DoubleDQN().looks) == 20
    with pytest.raises(ValidationError, match="more than 1,000 looks"):
        Settings(steps=2_000, look_every=1)
