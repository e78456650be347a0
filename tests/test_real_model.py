"""A real language model, run here: SmolLM2-135M over the real server, from weights to a certified value."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from harness.agents.script import Script
from harness.core.run import read_manifest
from harness.core.trace import read_episodes
from harness.evaluation.prompts import Prompts
from harness.evaluation.recorded import read_decisions
from harness.llm.client import ChatClient
from harness.llm.lengths import counted
from harness.llm.registry import ReplyFormat, resolve
from harness.llm.structured import ReplyContract
from harness.llm.tokens import prompt_tokens, tokenizing
from harness.llm.weights import check, pull
from harness.prompts.loader import load

USER_CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
"""Read on import, before the tests' own cache is set: 98 MB are fetched once, not once a test."""


@pytest.fixture
def weights(monkeypatch, tmp_path):
    """SmolLM2's weights in the user's cache, seen through an otherwise empty one.

    Two models at once would take one another's cores: the lock keeps apart what two runs on one machine test.
    """
    with monkeypatch.context() as users:
        users.setenv("XDG_CACHE_HOME", str(USER_CACHE))
        path, _ = pull(resolve("smollm2"))
    ours = tmp_path / "cache" / "harness"
    ours.mkdir(parents=True)
    (ours / "weights").symlink_to(path.parent)
    with FileLock(path.with_name("tests.lock")):
        yield path


def evaluate(tmp_path, *words, model="smollm2"):
    command = [sys.executable, "-m", "harness", "eval", "--model", model, "--json", "--quiet", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def planned(tmp_path, *words):
    """What `harness plan` says of the one way that is asked for."""
    command = [sys.executable, "-m", "harness", "plan", "--model", "smollm2", "--json", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert "own tokenizer" in found["notes"][0]
    (way,) = found["forecasts"]
    return way


def test_a_real_model_is_measured_and_its_replies_are_kept(weights, tmp_path):
    assert check(resolve("smollm2").weights) is None
    said = planned(tmp_path, "--method", "certify", "--width", "0.15")
    first = evaluate(tmp_path, "--epsilon", "0.15", "--episodes", "1")
    assert first["lower"] <= first["upper"] <= first["optimal_value"]
    assert first["upper"] - first["lower"] <= 0.15
    assert first["llm_calls"] == first["decisions"] > 20
    assert first["invalid_actions"] == 0  # the grammar allows nothing else
    each = first["prompt_tokens"] / first["llm_calls"]
    assert each == pytest.approx(said["prompt_tokens"]["usual"] / said["calls"]["usual"], rel=0.01)
    replies = first["completion_tokens"] / first["llm_calls"]
    assert replies * said["calls"]["low"] >= said["completion_tokens"]["low"]
    assert replies * said["calls"]["high"] <= said["completion_tokens"]["high"]
    run = tmp_path / first["run_dir"]
    assert {d.model for d in read_decisions(run)} == {"smollm2"}
    assert read_manifest(run)["model"]["answers_from"]["weights_sha256"] == resolve("smollm2").weights.sha256
    again = evaluate(tmp_path, "--epsilon", "0.15", "--episodes", "1")
    assert (again["llm_calls"], again["cached_calls"]) == (0, first["llm_calls"])
    assert (again["lower"], again["upper"]) == (first["lower"], first["upper"])
    assert not (tmp_path / again["run_dir"] / "model-server.log").exists()  # nothing to ask: no server


def test_prompts_with_a_memory_are_counted_to_the_token(weights, tmp_path, sepsis):
    summary = evaluate(tmp_path, "--method", "rollout", "--episodes", "1", "--memory", "window:2")
    (episode,) = read_episodes(tmp_path / summary["run_dir"] / "trace.jsonl")
    contract = ReplyContract(sepsis.action_type, ReplyFormat.SHORT)
    script = Script(load("icu-sepsis", "direct"), contract, {"env": sepsis.spec.model_dump(), "examples": []}, 2)
    seen = [episode.start.observation, *(step.observation for step in episode.steps)]
    history = [
        (sepsis.observe(o["state"]), sepsis.action_type.model_validate(step.action))
        for o, step in zip(seen, episode.steps, strict=False)
    ]
    with tokenizing(resolve("smollm2"), tmp_path / "log") as address:
        prompts = Prompts(script, counted(address, "smollm2", own=True), once=True, kept=lambda messages: False)
        for i, step in enumerate(episode.steps):
            used = step.decision["requests"][0]["prompt_tokens"]
            assert prompt_tokens(address, script.render(history[i][0], history[:i])) == used
            turns = [(script.patient(o).content, script.replied(a)) for o, a in history[max(i - 2, 0) : i]]
            alone, _ = prompts.alone(script.patient(history[i][0]).content)
            assert alone + sum(prompts.turn(*turn) for turn in turns) == used
    assert 0 < prompts.static < alone


def test_a_real_model_asked_again_has_not_drifted(weights, tmp_path):
    run = tmp_path / evaluate(tmp_path, "--epsilon", "0.22", "--episodes", "0")["run_dir"]
    log = (run / "model-server.log").read_bytes()
    command = [sys.executable, "-m", "harness", "recheck", str(run), "--states", "4", "--json", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert 1 <= found["llm_calls"] == found["asked"] <= found["drawn"] == 4
    assert (found["flipped"], found["change"]["known"], found["changed"]) == (0, 0.0, [])
    assert found["now"]["identity"]["weights_sha256"] == resolve("smollm2").weights.sha256
    assert (run / "model-server.log").read_bytes() == log


def test_reasons_come_before_the_action(weights, tmp_path):
    summary = evaluate(tmp_path, "--prompt", "reasoned", "--method", "rollout", "--episodes", "1")
    trace = (tmp_path / summary["run_dir"] / "trace.jsonl").read_text()
    assert '"rationale"' in trace
    assert (
        summary["decisions"]
        == summary["llm_calls"] + summary["cached_calls"] - summary["repaired_actions"] - summary["invalid_actions"]
    )


def test_a_gguf_file_is_a_model(weights, tmp_path):
    path = tmp_path / "mine.gguf"
    path.symlink_to(weights)
    summary = evaluate(tmp_path, "--epsilon", "0.22", "--episodes", "0", model=str(path))
    assert summary["model"] == "mine"


async def test_the_order_of_requests_changes_nothing(weights, sepsis, tmp_path):
    """Bit for bit: log-probabilities of the same prompts in another order, and of a new server."""
    contract = ReplyContract(sepsis.action_type, ReplyFormat.SHORT)
    prompt = load("icu-sepsis", "direct")
    static = {"env": sepsis.spec.model_dump(), "reply": contract.instruction()}
    patients = [
        (prompt.system_message(static), prompt.observation_message(static, sepsis.observe(s).model_dump()))
        for s in (3, 214, 415, 590, 622)
    ]

    async def answers(order):
        client = ChatClient(resolve("smollm2"), contract, None, "run", lambda: tmp_path, logprobs=True)
        try:
            found = [(await client.complete(patients[i])) for i in order]
        finally:
            await client.close()
        return {i: (reply.text, reply.first_token) for i, reply in zip(order, found, strict=True)}

    first = await answers([0, 1, 2, 3, 4])
    assert await answers([4, 2, 0, 3, 1]) == first
    assert len({str(tokens) for _, tokens in first.values()}) > 1


def test_chances_are_read_off_one_token(weights, tmp_path):
    summary = evaluate(tmp_path, "--from-logprobs", "--epsilon", "0.22", "--episodes", "1")
    (rows,) = {len(line.probabilities) for line in read_decisions(tmp_path / summary["run_dir"])}
    assert rows == 25
    assert 0.05 < summary["label_mass_least"] <= summary["label_mass_mean"] <= 1.0
    assert summary["completion_tokens"] == summary["llm_calls"]
    assert summary["label_unseen_most"] < 0.2
