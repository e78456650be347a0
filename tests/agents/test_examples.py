"""Examples in prompts: from training seeds alone, what the policy does, the same every time, in the static part."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from harness.agents import registry as agents
from harness.agents.examples import by_table, decision_of, examples
from harness.core.errors import UsageError
from harness.core.run import read_manifest
from harness.core.seeds import EVALUATION_START, TRAINING_SEEDS
from harness.envs.registry import make
from harness.evaluation import evaluate as evaluation
from harness.evaluation.config import Method, RunConfig
from harness.llm.registry import ReplyFormat
from harness.llm.structured import ReplyContract
from harness.mdp.environment import TabularEnvironment
from harness.prompts.loader import BUILTIN, Source, load
from tests.mdp.folders import write

ENVS = ("icu-sepsis", "sepsis-os", "sepsis-os-hidden")


def config(server, **changes):
    base = {"env": "icu-sepsis", "method": Method.ROLLOUT, "episodes": 2, "concurrency": 4, "prompt": "few_shot"}
    return RunConfig(**(base | {"base_url": server.base_url, "model_id": "fake"} | changes))


def drawn(env_id, k, source, form=ReplyFormat.JSON):
    env = make(env_id)
    prompt = load(env_id, "few_shot")
    return env, examples(env, prompt, ReplyContract(env.action_type, form, False, env.actions), k, source)


@pytest.fixture
def seeds_played(monkeypatch):
    played = []
    reset = TabularEnvironment.reset
    monkeypatch.setattr(TabularEnvironment, "reset", lambda env, seed: (played.append(seed), reset(env, seed))[1])
    return played


@pytest.mark.parametrize("env_id", ENVS)
def test_only_training_seeds_are_played(seeds_played, env_id):
    _, found = drawn(env_id, 40, Source.OPTIMAL)
    assert len({example["patient"] for example in found}) == 40
    assert len(seeds_played) >= 40
    assert all(seed in TRAINING_SEEDS and seed < 10_000 for seed in seeds_played)


@pytest.mark.parametrize("seed", [-1, 10_000, EVALUATION_START])
def test_no_other_seed_can_be_played(sepsis, seed):
    with pytest.raises(UsageError, match="is not for training"):
        decision_of(sepsis, by_table(sepsis, agents.make("expert", sepsis).policy(sepsis.mdp)), seed)


@pytest.mark.parametrize("env_id", ENVS)
@pytest.mark.parametrize("form", list(ReplyFormat))
def test_an_example_is_what_the_optimal_policy_does(env_id, form):
    env, found = drawn(env_id, 20, Source.OPTIMAL, form)
    contract = ReplyContract(env.action_type, form, False, env.actions)
    prompt, static = load(env_id, "few_shot"), {"env": env.spec.model_dump(), "reply": ""}
    done = {}
    for s in env.mdp.decision_states:
        text = prompt.observation_message(static, env.observe(s).model_dump()).content
        done.setdefault(text, set()).add(int(env.optimum.actions[s]))
    for example in found:
        assert env.action_index(contract.parse(example["reply"]).action) in done[example["patient"]]


def test_the_expert_s_examples_are_drawn_from_its_policy(sepsis):
    table = agents.make("expert", sepsis).policy(sepsis.mdp)
    taken = [decision_of(sepsis, by_table(sepsis, table), seed) for seed in range(400)]
    taken = [(observation, sepsis.action_index(action)) for observation, action in taken]
    assert all(table[observation.state, index] > 0 for observation, index in taken)
    likelihood = np.mean([table[o.state, i] for o, i in taken])
    assert likelihood == pytest.approx(np.mean([(table[o.state] ** 2).sum() for o, _ in taken]), abs=0.05)


def test_the_same_examples_every_time_and_more_of_them_begin_alike(sepsis):
    assert drawn("icu-sepsis", 5, Source.EXPERT)[1] == drawn("icu-sepsis", 9, Source.EXPERT)[1][:5]
    assert drawn("icu-sepsis", 0, Source.EXPERT)[1] == []


def test_more_examples_than_there_are_patients_is_a_sentence(tmp_path):
    env_id = f"mdp:{write(tmp_path / 'ward')}"
    env = make(env_id)
    contract = ReplyContract(env.action_type, ReplyFormat.JSON)
    with pytest.raises(UsageError, match=r"show \d different patients, and 9 examples were asked for"):
        examples(env, load(env_id, "direct"), contract, 9, Source.OPTIMAL)


async def test_the_examples_stand_in_the_static_part(server, tmp_path):
    summary = await evaluation.run(config(server, shots=3, shots_from=Source.OPTIMAL), tmp_path)
    assert (summary.prompt, summary.shots, summary.shots_from) == ("few_shot@1", 3, "optimal")
    _, found = drawn("icu-sepsis", 3, Source.OPTIMAL)
    manifest = read_manifest(Path(summary.run_dir))["prompt"]
    assert (manifest["shots"], manifest["shots_from"]) == (3, "optimal")
    for request in server.requests:
        assert [message["role"] for message in request["messages"]] == ["system", "user"]
        assert request["messages"][0]["content"] == manifest["system"]
    for example in found:
        assert f"{example['patient']}\n-> {example['reply']}" in manifest["system"]
    assert manifest["system"].count("->") == 3


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"prompt": "direct", "shots": 3}, "--shots belongs to a prompt with examples, and 'direct' shows none"),
        ({"prompt": "direct", "shots_from": Source.EXPERT}, "--shots-from belongs to a prompt with examples"),
        ({"env": "sepsis-os", "shots_from": Source.EXPERT}, "sepsis-os has no expert policy"),
    ],
)
async def test_examples_that_nobody_can_show_are_refused(server, tmp_path, changes, sentence):
    with pytest.raises(UsageError, match=sentence):
        await evaluation.run(config(server, **changes), tmp_path / "r")
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("env_id", ENVS)
def test_a_prompt_that_shows_the_optimum_says_so(env_id):
    meta = load(env_id, "few_shot").meta
    assert "leak" in meta.summary
    assert meta.shots_from is (Source.EXPERT if env_id == "icu-sepsis" else Source.OPTIMAL)


async def test_a_prompt_of_one_s_own_gets_plain_text(server, tmp_path):
    """Examples are data: a template finds no object to climb out by, and what a patient's text holds is not run."""
    own = tmp_path / "own"
    shutil.copytree(BUILTIN / "icu-sepsis" / "few_shot", own)
    (own / "system.md.j2").write_text("{{ examples[0].reply.__class__ }} {{ reply }}")
    with pytest.raises(UsageError, match="cannot be rendered"):
        await evaluation.run(config(server, prompt=str(own)), tmp_path / "r")


def test_few_shot_on_the_command_line(harness_command, server):
    words = ["eval", "--base-url", server.base_url, "--model-id", "fake", "--method", "rollout", "--episodes", "2"]
    done = harness_command(*words, "--prompt", "few_shot", "--shots", "2", "--shots-from", "optimal", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "prompt few_shot@1 with 2 examples (optimal)" in done.stdout
    assert "a part of the optimum was told" in done.stdout
    assert "--shots belongs to a model" in harness_command("eval", "--agent", "random", "--shots", "2").stderr
    shown = harness_command("prompts", "show", "icu-sepsis/few_shot").stdout
    assert shown.count("->") == 5
