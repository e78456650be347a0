"""REINFORCE learns what can be learned, knows no order of items, and goes on as if it was never stopped."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

NEEDS = "needs the extra 'deep': make test-all, or pip install 'harness[deep]'"
torch = pytest.importorskip("torch", reason=NEEDS)
pytest.importorskip("safetensors", reason=NEEDS)

from harness.agents import registry as agents
from harness.agents.rl import reinforce
from harness.agents.rl.checkpoint import restore
from harness.agents.rl.network import batch_of, initial, log_softmax, scores
from harness.agents.rl.reinforce import HELD_OUT, Settings, advance, batch_seeds, begin, look, play, reward_to_go
from harness.agents.rl.review_views import ReviewViews
from harness.agents.rl.stored import CHECKPOINT
from harness.core.errors import RunError, UsageError
from harness.core.run import MANIFEST, TRAINING, RunFolder
from harness.core.seeds import TRAINING_SEEDS
from harness.envs import registry as envs
from harness.training import reinforce as runs
from harness.training.reinforce import CURVE, carry_out, start
from tests.agents.rl.test_review_views import observations, turned
from tests.agents.rl.tiny import Balls, BallViews

EASY = "polypharmacy/easy-screening"
SMALL = Settings(episodes=24, batch=4, hidden=8, look_every=3, look_at=5)


def some_weights(views, seed=0):
    """Weights under which nothing is equally likely."""
    rng = np.random.default_rng(seed)
    weights = initial(views, 16, rng)
    for values in weights.values():
        values.data += torch.tensor(rng.normal(0, 0.3, values.shape), dtype=torch.float32)
    return weights


def test_a_task_of_which_the_optimum_is_known_is_learned():
    settings = Settings(episodes=2_000, batch=50, learning_rate=1e-2, hidden=16, look_every=1_000, look_at=100)
    env, views = [Balls() for _ in range(settings.batch)], BallViews()
    training = begin(views, settings)
    best = [Balls.optimum(seed) for seed in HELD_OUT[:100]]
    before = [sum(episode.rewards) for episode in look(env, views, training.weights, 100)]
    advance(training, env, views, lambda training: None)
    assert training.curve[-1]["held_out_returns"] == pytest.approx(best)
    assert np.mean(before) < np.mean(best) - 0.5
    assert training.curve[-1]["entropy"] < training.curve[0]["entropy"]
    assert training.curve[-1]["baseline_loss"] < training.curve[0]["baseline_loss"]


def test_every_legal_action_is_equally_likely_at_first_and_no_other_has_a_probability():
    views = BallViews()
    seen = batch_of([views.view({0: 0, 1: 2}), views.view({}), views.view({4: 1})])
    log_p, baseline = scores(initial(views, 8, np.random.default_rng(0)), seen)
    assert log_p.exp().tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1.0, 0.5, 0.5])
    assert baseline.tolist() == [0.0, 0.0, 0.0]
    softly = log_softmax(torch.tensor([1000.0, 0.0, -5.0]), torch.tensor([0, 0, 1]), 2)
    assert softly.tolist() == pytest.approx([0.0, -1000.0, 0.0])


@pytest.mark.parametrize("task", ["easy-screening", "complex-tradeoff"])
def test_the_order_of_the_list_changes_no_probability(task):
    env = envs.make(f"polypharmacy/{task}")
    views = ReviewViews(env.tables)
    weights = some_weights(views)

    def policy(observation):
        view = views.view(observation)
        found, value = scores(weights, batch_of([view]))
        return {str(view.action(n)): p for n, p in enumerate(found.exp().tolist())}, value.item()

    for observation in itertools.islice(observations(env, views, 21), 8):
        p, value = policy(observation)
        assert len(p) == 1 or max(p.values()) > 1.5 * min(p.values())
        for seed in range(3):
            p_2, value_2 = policy(turned(observation, seed))
            assert p_2 == pytest.approx(p, rel=1e-4, abs=1e-6)
            assert value_2 == pytest.approx(value, rel=1e-4)


def test_a_state_is_scored_alike_alone_and_among_others():
    env = envs.make(EASY)
    views = ReviewViews(env.tables)
    weights = some_weights(views)
    seen = [views.view(observation) for seed in range(3) for observation in observations(env, views, seed)]
    together = scores(weights, batch_of(seen))
    alone = [scores(weights, batch_of([view])) for view in seen]
    assert torch.cat([a.log_probabilities for a in alone]).tolist() == pytest.approx(
        together.log_probabilities.tolist(), abs=1e-4
    )
    assert torch.cat([a.baseline for a in alone]).tolist() == pytest.approx(together.baseline.tolist(), abs=1e-4)


def test_patients_of_a_training_are_training_patients_and_none_is_held_out():
    settings = Settings(batch=1_000)
    seeds = [seed for n in range(9) for seed in batch_seeds(settings, n)]
    assert sorted(seeds) == list(range(HELD_OUT.start))
    assert batch_seeds(settings, 9) != batch_seeds(settings, 0)
    assert not set(batch_seeds(settings, 9)) & set(HELD_OUT)
    views = BallViews()
    with pytest.raises(UsageError, match="Seed 100000 cannot be used to train"):
        play([Balls()], views, initial(views, 8, np.random.default_rng(0)), [100_000], None)
    with pytest.raises(UsageError, match="Seed 10000 cannot be used to train"):
        begin(views, Settings(seed=TRAINING_SEEDS.stop))


def test_the_reward_to_go_is_what_follows():
    assert reward_to_go([1.0, 0.0, -3.0]).tolist() == [-2.0, -3.0, -3.0]


class Killed(Exception):
    pass


def interrupted(folder, at):
    def watch(training):
        if training.updates == at:
            raise Killed

    with pytest.raises(Killed), RunFolder.resume(folder, TRAINING) as run:
        carry_out(run, watch)


def test_a_training_that_was_interrupted_twice_ends_bit_for_bit_as_if_it_never_was(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "CHECKPOINT_EVERY", 2)
    with start(tmp_path, EASY, SMALL) as run:
        whole = run.path
        carry_out(run, lambda training: None)
    with start(tmp_path, EASY, SMALL) as run:
        broken = run.path
    interrupted(broken, 1)
    interrupted(broken, 5)
    env = envs.make(EASY)
    assert restore(broken, env.spec, ReviewViews(env.tables)).updates == 4
    with RunFolder.resume(broken, TRAINING) as run:
        carry_out(run, lambda training: None)
    assert (broken / CURVE).read_bytes() == (whole / CURVE).read_bytes()
    assert (broken / CHECKPOINT).read_bytes() == (whole / CHECKPOINT).read_bytes()
    rows = json.loads((whole / CURVE).read_text())["updates"]
    assert [row["update"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [len(row.get("held_out_returns", ())) for row in rows] == [0, 0, 5, 0, 0, 5]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    with start(tmp_path_factory.mktemp("runs"), EASY, SMALL) as run:
        carry_out(run, lambda training: None)
    return run.path


async def test_the_agent_does_what_the_policy_holds_likeliest(trained):
    env = envs.make(EASY)
    agent = agents.make(str(trained), env)
    training = restore(trained, env.spec, ReviewViews(env.tables))
    for episode, seed in zip(look([env], ReviewViews(env.tables), training.weights, 3), HELD_OUT, strict=False):
        observation, rewards, done = env.reset(seed), [], False
        while not done:
            transition = env.step((await agent.act(observation, None)).action)
            observation, done = transition.observation, transition.terminated
            rewards.append(transition.reward)
        assert rewards == episode.rewards


def test_a_training_in_another_environment_version_or_with_other_settings_is_refused(trained):
    with pytest.raises(RunError, match=r"was trained in polypharmacy/easy-screening v\d+, and this is .*budgeted"):
        agents.make(str(trained), envs.make("polypharmacy/budgeted-screening"))
    with pytest.raises(UsageError, match="Nothing is trained in icu-sepsis"):
        agents.make(str(trained), envs.make("icu-sepsis"))
    env = envs.make(EASY)
    views = ReviewViews(env.tables)
    env.spec = env.spec.model_copy(update={"version": env.spec.version + 1})
    with pytest.raises(RunError, match=r"easy-screening v\d+, and this is .*easy-screening v\d+"):
        agents.make(str(trained), env)
    spec = envs.make(EASY).spec
    with pytest.raises(RunError, match="made with other settings"):
        restore(trained, spec, views, SMALL.model_copy(update={"seed": 1}))
    views.columns = (*views.columns[:2], ("others",))
    with pytest.raises(RunError, match="other actions or features"):
        restore(trained, spec, views)


@pytest.mark.parametrize("damage", [b"", b"no checkpoint at all", None])
def test_a_damaged_checkpoint_is_one_sentence(trained, tmp_path, damage):
    (tmp_path / MANIFEST).write_bytes((trained / MANIFEST).read_bytes())
    whole = (trained / CHECKPOINT).read_bytes()
    (tmp_path / CHECKPOINT).write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    with pytest.raises(RunError, match="cannot be read"):
        agents.make(str(tmp_path), envs.make(EASY))
    (tmp_path / CHECKPOINT).unlink()
    with pytest.raises(RunError, match="holds no trained agent"):
        agents.make(str(tmp_path), envs.make(EASY))


def test_reference_and_grade_are_not_computed_while_training(monkeypatch):
    def computed(*_):
        raise AssertionError

    monkeypatch.setattr("harness.envs.polypharmacy.optimum.best_regimen", computed)
    env = envs.make(EASY)
    views = ReviewViews(env.tables)
    training = begin(views, SMALL)
    reinforce.update(training, [env, *(envs.make(EASY) for _ in range(3))], views)
    assert training.updates == 1
