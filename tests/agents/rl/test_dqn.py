"""A Q-network learns what can be learned, by what it remembers, and goes on as if it was never stopped."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

NEEDS = "needs the extra 'deep': make test-all, or pip install 'harness[deep]'"
torch = pytest.importorskip("torch", reason=NEEDS)
pytest.importorskip("safetensors", reason=NEEDS)

from harness.agents import registry as agents
from harness.agents.rl.cohort import HELD_OUT
from harness.agents.rl.dqn import Settings, advance, begin, look, play
from harness.agents.rl.dqn_agent import QNetworkAgent
from harness.agents.rl.dqn_checkpoint import restore
from harness.agents.rl.dqn_network import initial, q_values
from harness.agents.rl.dqn_replay import nothing
from harness.agents.rl.dqn_tasks import task_of
from harness.agents.rl.stored import CHECKPOINT, read
from harness.core.episode import play as play_episode
from harness.core.errors import RunError, UsageError
from harness.core.run import MANIFEST, TRAINING, RunFolder
from harness.core.seeds import TRAINING_SEEDS
from harness.envs import registry as envs
from harness.training import dqn, reinforce
from harness.training.dqn import carry_out, start
from harness.training.reinforce import CURVE
from tests.agents.rl.recall import FORGETFUL, OPTIMUM, recall

SMALL = Settings(
    episodes=24, patients=4, kept=12, updates=3, batch=16, hidden=8, lags=(0, 2), look_every=3, look_at=5, seed=1
)
TINY = Settings(
    episodes=960, patients=32, updates=16, batch=64, hidden=32, learning_rate=5e-3, lags=(0, 2), ahead=1, target=0.05,
    look_every=1_000, look_at=100,
)  # fmt: skip


@pytest.mark.parametrize("change", [{}, {"double": False}, {"ahead": 3}])
def test_a_task_of_which_the_optimum_is_known_is_learned(change):
    task, settings = recall(), TINY.model_copy(update=change)
    training = begin(task, settings)
    before = look(task, training.target, settings)
    advance(training, task, lambda training: None)
    assert training.curve[-1]["held_out_returns"] == [OPTIMUM] * 100
    assert np.mean(before) < OPTIMUM - 0.5
    assert (training.curve[0]["epsilon"], training.curve[-1]["epsilon"]) == (0.5, pytest.approx(0.03))
    assert training.curve[-1]["mean_return"] > training.curve[0]["mean_return"]


def test_without_a_history_the_same_task_cannot_be_learned():
    task, settings = recall(), TINY.model_copy(update={"lags": (0,)})
    training = begin(task, settings)
    advance(training, task, lambda training: None)
    assert np.mean(training.curve[-1]["held_out_returns"]) == pytest.approx(FORGETFUL, abs=0.2)


def test_the_values_of_actions_average_to_that_of_the_state_and_are_zero_at_first():
    rng = np.random.default_rng(0)
    weights = initial(5, 8, 3, rng)
    seen = torch.tensor(rng.normal(size=(4, 5)), dtype=torch.float32)
    assert q_values(weights, seen).abs().max() == 0
    for name in ("value.bias", "advantage.weight", "advantage.bias"):
        weights[name].data += torch.tensor(rng.normal(size=weights[name].shape), dtype=torch.float32)
    found = q_values(weights, seen)
    assert found.mean(dim=1).tolist() == pytest.approx([weights["value.bias"].item()] * 4, abs=1e-6)
    assert found.std(dim=1).min() > 0.1


@pytest.mark.parametrize(("ahead", "discount"), [(1, 1.0), (2, 0.5), (9, 0.9)])
def test_what_is_drawn_is_what_happened(ahead, discount):
    steps, patients, lags = 4, 3, (0, 2)
    replay = nothing(2, steps, patients, 1)
    rng = np.random.default_rng(0)
    rewards = rng.normal(size=(3, steps, patients))
    for number in range(3):  # the first is overwritten by the third
        step, patient = np.mgrid[: steps + 1, :patients]
        names = (100 * number + 10 * step + patient)[..., None].astype(np.float32)
        replay.add(names, names[:-1, :, 0].astype(np.int64), rewards[number].astype(np.float32))
    drawn = replay.draw(400, lags, ahead, discount, rng)
    seen = set()
    for now, action, earned, then, after in zip(*drawn, strict=True):
        number, step, patient = int(action // 100), int(action // 10 % 10), int(action % 10)
        seen.add((number, step, patient))
        end = min(step + ahead, steps)
        base = 100 * number + patient
        assert now.tolist() == [base + 10 * step, base + 10 * max(step - 2, 0)]
        assert then.tolist() == [base + 10 * end, base + 10 * max(end - 2, 0)]
        paid = sum(discount**k * rewards[number, step + k, patient] for k in range(end - step))
        assert earned == pytest.approx(paid, abs=1e-5)
        assert after == pytest.approx(0.0 if end == steps else discount**ahead)
    assert len(seen) == 2 * steps * patients
    assert {number for number, _, _ in seen} == {1, 2}


def test_nothing_is_learned_from_other_seeds_and_nothing_seen_before_it_happens():
    task = recall()
    with pytest.raises(UsageError, match="Seed 100000 cannot be used to train"):
        play(task, begin(task, TINY).target, (0,), [100_000])
    with pytest.raises(UsageError, match="Seed 10000 cannot be used to train"):
        begin(task, Settings(seed=TRAINING_SEEDS.stop))
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        Settings(lags=(0, -1))


class Killed(Exception):
    pass


def interrupted(folder, at):
    def watch(training):
        if training.rounds == at:
            raise Killed

    with pytest.raises(Killed), RunFolder.resume(folder, TRAINING) as run:
        carry_out(run, watch)


def test_a_training_that_was_interrupted_twice_ends_bit_for_bit_as_if_it_never_was(tmp_path, monkeypatch):
    monkeypatch.setattr(dqn, "CHECKPOINT_EVERY", 2)
    with start(tmp_path, "heparin", SMALL) as run:
        whole = run.path
        carry_out(run, lambda training: None)
    with start(tmp_path, "heparin", SMALL) as run:
        broken = run.path
    interrupted(broken, 3)
    assert "replay/seen" in read(broken / CHECKPOINT)[2]
    interrupted(broken, 5)
    env = envs.make("heparin")
    assert restore(broken, env.spec, task_of(env)).rounds == 4
    with RunFolder.resume(broken, TRAINING) as run:
        carry_out(run, lambda training: None)
    assert (broken / CURVE).read_bytes() == (whole / CURVE).read_bytes()
    assert (broken / CHECKPOINT).read_bytes() == (whole / CHECKPOINT).read_bytes()
    assert "replay/seen" not in read(whole / CHECKPOINT)[2]
    rows = json.loads((whole / CURVE).read_text())["rounds"]
    assert [row["round"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [len(row.get("held_out_returns", ())) for row in rows] == [0, 0, 5, 0, 0, 5]


@pytest.fixture(scope="module", params=["heparin", "heparin-labs"])
def trained(request, tmp_path_factory):
    with start(tmp_path_factory.mktemp("runs"), request.param, SMALL) as run:
        carry_out(run, lambda training: None)
    return request.param, run.path


def test_a_folder_is_the_agent_of_the_target_network(trained):
    name, folder = trained
    env = envs.make(name)
    agent = agents.make(str(folder), env)
    assert (agent.id, agent.memoryless, agent.identity["rounds"]) == ("dqn", False, 6)
    training = restore(folder, env.spec, task_of(env))
    assert agent._lags == SMALL.lags
    for weight, values in training.target.items():
        assert torch.equal(agent._weights[weight], values)
    assert not torch.equal(training.target["1.weight"], training.weights["1.weight"])


@pytest.mark.parametrize("name", ["heparin", "heparin-labs"])
async def test_the_agent_does_in_an_episode_what_the_network_does_on_arrays(name):
    env = envs.make(name)
    task, lags, rng = task_of(env), (0, 3), np.random.default_rng(0)
    weights = initial(len(lags) * len(task.features), 8, len(task.actions), rng)
    for values in weights.values():
        values.data += torch.tensor(rng.normal(size=values.shape), dtype=torch.float32)
    together = play(task, weights, lags, HELD_OUT[:2])
    assert len(set(together.actions.ravel().tolist())) > 1
    for i, seed in enumerate(HELD_OUT[:2]):
        end = await play_episode(env, QNetworkAgent("dqn", task, weights, lags, {}), episode=0, seed=seed, regret=False)
        assert end.episode_return == pytest.approx(together.rewards[:, i].sum(), abs=1e-4)
        assert end.invalid == 0


def test_a_training_in_another_environment_or_version_is_refused(trained):
    name, folder = trained
    other = {"heparin": "heparin-labs", "heparin-labs": "heparin"}[name]
    with pytest.raises(RunError, match=rf"was trained in {name} v\d+, and this is {other} v\d+"):
        agents.make(str(folder), envs.make(other))
    with pytest.raises(UsageError, match="Nothing is trained in icu-sepsis by 'dqn'"):
        agents.make(str(folder), envs.make("icu-sepsis"))
    env = envs.make(name)
    task = task_of(env)
    with pytest.raises(RunError, match="made with other settings"):
        restore(folder, env.spec, task, SMALL.model_copy(update={"seed": 2}))
    with pytest.raises(RunError, match=f"no run of `harness train {reinforce.ALGORITHM}`"):
        reinforce.carry_out(RunFolder(folder), lambda training: None)


@pytest.mark.parametrize("damage", [b"no checkpoint at all", None])
def test_a_damaged_checkpoint_is_one_sentence(trained, tmp_path, damage):
    name, folder = trained
    (tmp_path / MANIFEST).write_bytes((folder / MANIFEST).read_bytes())
    whole = (folder / CHECKPOINT).read_bytes()
    (tmp_path / CHECKPOINT).write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    with pytest.raises(RunError, match="cannot be read"):
        agents.make(str(tmp_path), envs.make(name))
    (tmp_path / CHECKPOINT).unlink()
    with pytest.raises(RunError, match="holds no trained agent"):
        agents.make(str(tmp_path), envs.make(name))
