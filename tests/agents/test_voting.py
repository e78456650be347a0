"""Self-consistency: the majority of drawn replies, from the count of votes to the value of the policy they make."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.agents.voting import VotingAgent
from harness.core.agent import Decision, Outcome, Request, Situation
from harness.core.errors import UsageError
from harness.core.run import TRACE
from harness.core.trace import read_episodes
from harness.envs.registry import make
from harness.evaluation import evaluate as evaluation
from harness.evaluation.config import Method, RunConfig
from harness.evaluation.recorded import read_decisions
from harness.mdp.evaluate import evaluate
from harness.reports import trace
from tests.conftest import as_json, hashed_action
from tests.mdp.folders import write


def config(server, **changes):
    base = {"env": "icu-sepsis", "method": Method.EXACT, "episodes": 1, "concurrency": 16, "samples": 2}
    base |= {"base_url": server.base_url, "model_id": "fake", "temperature": 0.7, "vote": 3}
    return RunConfig(**(base | changes))


class Scripted:
    """Answers by the script, whatever it is asked; None is no legal action."""

    id = "scripted"
    memoryless = True

    def __init__(self, env, script):
        self._env = env
        self._script = script
        self.names = []

    async def act(self, observation, situation):
        index = self._script[len(self.names)]
        self.names.append(situation.sample)
        return Decision(
            action=None if index is None else self._env.actions[index],
            probabilities=(1.0,),
            outcome=Outcome.INVALID if index is None else Outcome.OK,
            reply=str(index),
            requests=(Request(key=str(len(self.names)), run="r", prompt_tokens=1, completion_tokens=1),),
        )

    async def close(self):
        pass


@given(st.lists(st.sampled_from([None, 0, 1, 2]), min_size=3, max_size=9))
async def test_the_majority_decides_and_the_first_drawn_among_equals(sepsis, script):
    agent = Scripted(sepsis, script)
    decision = await VotingAgent(agent, len(script)).act(sepsis.observe(0), Situation(lambda action: None, sample="s"))
    legal = [index for index in script if index is not None]
    most = max(Counter(legal).values(), default=0)
    wanted = next((index for index in legal if legal.count(index) == most), None)
    assert decision.action == (None if wanted is None else sepsis.actions[wanted])
    assert (decision.outcome is Outcome.INVALID) == (not legal)
    assert decision.reply == str(wanted)
    assert decision.probabilities is None
    assert len(decision.requests) == len(decision.votes) == len(set(agent.names)) == len(script)
    votes = [None if i is None else sepsis.actions[i].model_dump() for i in script]
    assert list(decision.votes) == votes


async def test_an_illegal_action_has_no_vote(sepsis):
    situation = Situation(lambda action: "no" if action == sepsis.actions[1] else None)
    decision = await VotingAgent(Scripted(sepsis, [1, 1, 2]), 3).act(sepsis.observe(0), situation)
    assert decision.action == sepsis.actions[2]


def coins(server, p=0.6):
    """A server that draws one of two actions for each patient, by the request's seed."""

    def answer(question):
        seed = server.requests[-1]["seed"]
        first = np.random.default_rng(seed).random() < p
        return as_json((hashed_action(question) + (0 if first else 1)) % 25)

    server.answer = answer


async def test_majorities_in_every_state_make_a_policy_with_an_estimate(server, tmp_path):
    """Three votes of a coin of 0.6 are a coin of 0.648; the estimate's interval is about the value of that policy."""
    folder = write(tmp_path / "ward")
    ward = make(f"mdp:{folder}")

    def answer(question):
        fluids = np.random.default_rng(server.requests[-1]["seed"]).random() < 0.6
        return json.dumps({"action": "fluids" if fluids else "wait"})

    server.answer = answer
    sampled = config(server, env=f"mdp:{folder}", samples=80, concurrency=1)
    summary = await evaluation.run(sampled, tmp_path / "runs")
    majority = sum(math.comb(3, k) * 0.6**k * 0.4 ** (3 - k) for k in (2, 3))
    expected = evaluate(ward.mdp, np.tile([1 - majority, majority], (ward.mdp.n_states, 1))).J
    half = (summary.upper - summary.lower) / 2
    assert abs(summary.value - expected) < 2 * half
    assert (summary.exact, summary.vote, summary.samples) == (False, 3, 80)
    assert len(server.requests) == summary.llm_calls == 3 * 80 * 3
    for line in read_decisions(Path(summary.run_dir)):
        fluids = [vote["action"] == "fluids" for vote in line.votes]
        assert line.drawn == tuple(int(sum(fluids[i : i + 3]) > 1) for i in range(0, 240, 3))
        assert len(line.requests) == 240


async def test_a_rollout_by_vote_counts_every_request_and_shows_the_votes(server, tmp_path):
    coins(server)
    rolled = config(server, method=Method.ROLLOUT, samples=1, episodes=5, vote=5, concurrency=1)
    summary = await evaluation.run(rolled, tmp_path)
    assert summary.llm_calls == len(server.requests) == 5 * summary.decisions
    assert (summary.vote, summary.temperature) == (5, 0.7)
    steps = [step for e in read_episodes(Path(summary.run_dir) / TRACE) for step in e.steps]
    for step in steps:
        counts = Counter(map(str, step.decision["votes"]))
        assert counts[str(step.action)] == max(counts.values())
    assert any(len(set(map(str, step.decision["votes"]))) == 2 for step in steps)
    assert "  votes   " in "\n".join(trace.episode(Path(summary.run_dir), 0))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"vote": 2}, "2 votes decide nothing that one does not; expected 3 or more"),
        ({"vote": 0}, "0 votes decide nothing"),
        ({"temperature": 0.0, "samples": 1}, "--vote counts replies that differ; it needs --temperature above 0"),
        ({"samples": 1}, "one majority is not the policy; add --samples 8"),
        ({"samples": 1, "method": Method.CERTIFY}, "one majority is not the policy"),
        ({"temperature": 0.0, "samples": 1, "from_logprobs": True}, "it needs --temperature above 0"),
    ],
)
async def test_a_claim_that_would_be_wrong_is_refused(server, tmp_path, changes, sentence):
    with pytest.raises(UsageError, match=sentence):
        await evaluation.run(config(server, **changes), tmp_path / "r")


def test_votes_on_the_command_line(harness_command, server):
    words = ["eval", "--base-url", server.base_url, "--model-id", "fake", "--method", "rollout", "--episodes", "2"]
    done = harness_command(*words, "--temperature", "0.5", "--vote", "3", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "temperature 0.5, majority of 3" in done.stdout
    assert "--vote belongs to a model" in harness_command("eval", "--agent", "random", "--vote", "3").stderr
