"""Memory: what of an episode stands in a prompt, where it stands, and that such an agent is never called exact."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.agents.memory import last, most_remembered
from harness.core.errors import UsageError
from harness.core.run import TRACE, read_manifest
from harness.core.trace import read_episodes
from harness.envs.registry import make
from harness.evaluation import evaluate as evaluation
from harness.evaluation.config import Method, RunConfig
from harness.llm.cache import key_of
from harness.llm.registry import ReplyFormat
from harness.llm.structured import ReplyContract
from harness.prompts.loader import load
from harness.reports import trace
from tests.conftest import as_json, hashed_action


def config(server, **changes):
    base = {"env": "icu-sepsis", "method": Method.ROLLOUT, "episodes": 4, "concurrency": 2, "cache": False}
    return RunConfig(**(base | {"base_url": server.base_url, "model_id": "fake"} | changes))


def test_what_is_kept_of_a_history():
    history = tuple("abcde")
    assert [len(last(history, most_remembered(m))) for m in ("none", "window:2", "window:9", "full")] == [0, 2, 5, 5]
    assert last(history, 2) == ("d", "e")
    assert last((), 2) == ()


@pytest.mark.parametrize(
    "written", ["", "all", "window", "window:", "window:0", "window:-1", "window:03", "window:2.5"]
)
def test_a_memory_that_is_none_is_a_sentence(written):
    with pytest.raises(UsageError, match="is not understood; expected none, full, or window:K"):
        most_remembered(written)


@pytest.mark.parametrize("env_id", ["icu-sepsis", "sepsis-os"])
@pytest.mark.parametrize("form", list(ReplyFormat))
def test_every_action_is_read_back_as_it_is_written(env_id, form):
    env = make(env_id)
    contract = ReplyContract(env.action_type, form, actions=env.actions)
    assert [contract.parse(contract.write(action)).action for action in env.actions] == list(env.actions)


def expected_messages(env, episode, step, most, system):
    """The prompt of a step, from the trace alone."""
    prompt = load("icu-sepsis", "direct")
    static = {"env": env.spec.model_dump(), "reply": ReplyContract(env.action_type, ReplyFormat.JSON).instruction()}
    seen = [episode.start.observation, *(s.observation for s in episode.steps)]
    texts = [prompt.observation_message(static, observation).content for observation in seen]
    messages = [{"role": "system", "content": system}]
    for before in range(max(step - most, 0), step):
        done = json.dumps(episode.steps[before].action, separators=(",", ":"))
        messages += [{"role": "user", "content": texts[before]}, {"role": "assistant", "content": done}]
    return [*messages, {"role": "user", "content": texts[step]}]


@pytest.mark.parametrize(("memory", "most"), [("none", 0), ("window:2", 2), ("full", 999)])
async def test_the_prompt_holds_what_was_seen_and_done(sepsis, server, tmp_path, memory, most):
    def answer(question):
        index = hashed_action(question)
        return "I cannot." if index % 4 == 0 or "cannot be used" in question else as_json(index)

    server.answer = answer
    summary = await evaluation.run(config(server, memory=memory), tmp_path)
    run = Path(summary.run_dir)
    system = read_manifest(run)["prompt"]["system"]
    episodes = read_episodes(run / TRACE)
    sent = {key_of({"messages": request["messages"]}) for request in server.requests}
    longest = 0
    for episode in episodes:
        for step in episode.steps:
            messages = expected_messages(sepsis, episode, step.step, most, system)
            sha = key_of({"messages": messages})
            assert sha == step.decision["prompt_sha256"]
            assert sha in sent
            assert step.decision.get("remembered", 0) == min(step.step, most)
            assert step.decision["messages"] == [messages[-1]]
            longest = max(longest, step.step)
    assert longest > 3
    assert summary.invalid_actions > 0  # what is remembered then is the fallback that was done
    assert summary.memory == memory
    assert read_manifest(run)["config"]["memory"] == memory
    shown = "\n".join(trace.episode(run, 0))
    assert ("the prompt also holds the last" in shown) == (most > 0 and len(episodes[0].steps) > 1)


async def test_a_memory_is_refused_where_a_policy_without_one_is_claimed(server, tmp_path):
    for method in (Method.EXACT, Method.CERTIFY):
        with pytest.raises(UsageError, match="claim about a policy without memory, and the model with --memory full"):
            await evaluation.run(config(server, memory="full", method=method), tmp_path / "r")
    assert not (tmp_path / "r").exists()


async def test_a_run_with_memory_resumes_to_the_same_result(server, tmp_path):
    whole = await evaluation.run(config(server, memory="window:1", episodes=6), tmp_path)
    path = Path(whole.run_dir)
    (path / "summary.json").unlink()
    lines = (path / TRACE).read_bytes().splitlines(keepends=True)
    (path / TRACE).write_bytes(b"".join(lines[: len(lines) // 2]))
    again = await evaluation.resume(path)
    assert (again.value, again.decisions) == (whole.value, whole.decisions)


def test_memory_on_the_command_line(harness_command, server):
    words = ["eval", "--base-url", server.base_url, "--model-id", "fake", "--method", "rollout", "--episodes", "3"]
    done = harness_command(*words, "--memory", "window:2", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "memory window:2" in done.stdout
    assert max(len(request["messages"]) for request in server.requests) == 6
    assert "expected none, full, or window:K" in harness_command(*words, "--memory", "3").stderr
    assert "--memory belongs to a model" in harness_command("eval", "--agent", "random", "--memory", "full").stderr
