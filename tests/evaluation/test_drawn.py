"""Policies with chance: read off labels' log-probabilities exactly, or estimated from several replies a state."""

from __future__ import annotations

import json
import math
from collections import Counter
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from harness.agents.llm import read_labels
from harness.core.errors import ModelServerError, UsageError
from harness.envs.registry import make
from harness.evaluation import evaluate as evaluation
from harness.evaluation.config import Method, RunConfig
from harness.evaluation.recorded import read_decisions
from harness.evaluation.sampled import sampled_value
from harness.llm.budget import Limits
from harness.llm.registry import ReplyFormat
from harness.llm.reply import FirstToken
from harness.llm.structured import LABELS, ReplyContract
from harness.mdp.build import from_arrays
from harness.mdp.evaluate import evaluate
from harness.prompts.loader import load
from tests.conftest import as_json, completion
from tests.mdp.folders import write


def config(server, **changes):
    base = {"env": "icu-sepsis", "method": Method.EXACT, "episodes": 2, "concurrency": 16}
    return RunConfig(**(base | {"base_url": server.base_url, "model_id": "fake"} | changes))


@pytest.fixture(scope="module")
def texts(sepsis):
    """State of every patient's text, as the prompt with labels renders it."""
    prompt = load("icu-sepsis", "direct")
    contract = ReplyContract(sepsis.action_type, ReplyFormat.LABEL, actions=sepsis.actions)
    static = {"env": sepsis.spec.model_dump(), "reply": contract.instruction()}
    return {
        prompt.observation_message(static, sepsis.observe(s).model_dump()).content: int(s)
        for s in sepsis.mdp.decision_states
    }


def with_logprobs(tokens):
    """A chat completion whose first token has these probabilities."""
    body = completion(max(tokens, key=tokens.get), finish_reason="length")
    listed = [{"token": t, "logprob": math.log(p), "bytes": None} for t, p in tokens.items()]
    body["choices"][0]["logprobs"] = {"content": [{**listed[0], "top_logprobs": listed}]}
    return 200, body


async def test_a_policy_with_chance_is_exact_from_one_reply_a_state(sepsis, server, texts, tmp_path):
    policy = sepsis.expert_policy * 0.5 + 0.5 / 25  # every label is listed

    def answer(text):
        row = policy[texts[text]]
        tokens = {LABELS[a]: 0.7 * row[a] for a in range(25)}
        tokens[" " + LABELS[0]] = tokens[LABELS[0]] / 2  # the same label after a blank
        tokens[LABELS[0]] /= 2
        return with_logprobs(tokens | {"The": 0.3})

    server.answer = answer
    summary = await evaluation.run(config(server, from_logprobs=True), tmp_path)
    assert summary.value == pytest.approx(evaluate(sepsis.mdp, policy).J, abs=1e-10)
    assert summary.exact
    assert summary.label_mass_mean == pytest.approx(0.7)
    assert summary.label_unseen_most == 0.0
    assert (summary.llm_calls, summary.cut_off_replies) == (len(texts), 0)
    request = server.requests[0]
    assert (request["max_tokens"], request["top_logprobs"], request["temperature"]) == (512, 20, 0.0)
    assert "A = iv_fluid_level 0 vasopressor_level 0\nB = " in request["messages"][0]["content"]


async def test_labels_that_the_server_did_not_list_widen_the_bounds(sepsis, server, tmp_path):
    server.answer = lambda text: with_logprobs({"A": 0.6, "B": 0.2, "C": 0.1})
    summary = await evaluation.run(config(server, from_logprobs=True), tmp_path)
    assert not summary.exact
    assert summary.label_unseen_most == pytest.approx(0.1)  # at most what is left of the first token
    assert summary.interval == "certain"
    for extreme in (0, 24):  # whatever label has the rest, in every state
        policy = np.zeros((716, 25))
        policy[:, :3] = 0.6, 0.2, 0.1
        policy[:, extreme] += 0.1
        assert summary.lower < evaluate(sepsis.mdp, policy).J < summary.upper


async def test_a_server_without_logprobs_is_a_sentence(server, tmp_path):
    server.answer = lambda text: "A"
    with pytest.raises(ModelServerError, match="sends no log-probabilities; leave out --from-logprobs"):
        await evaluation.run(config(server, from_logprobs=True), tmp_path)


def test_labels_are_read_with_what_may_be_missing():
    letters = {"A": math.log(0.5), " B": math.log(0.2), "B": math.log(0.1), "x": math.log(0.05)}
    read = read_labels(FirstToken(letters, listed=0.9, least=0.05), "ABCD")
    assert read.weights == pytest.approx([0.5, 0.3, 0.0, 0.0])
    assert read.mass == pytest.approx(0.8)
    assert read.unseen == pytest.approx(0.1)  # " C" may have all that is left
    many = FirstToken({"A": math.log(0.5), "B": math.log(0.4)}, listed=0.95, least=1e-6)
    assert read_labels(many, "AB").unseen == pytest.approx(14e-6)  # seven more spellings of either, none likelier
    assert read_labels(FirstToken({}, 1.0, 1.0), "AB").mass == 0.0


def test_labels_need_few_enough_actions(sepsis):
    with pytest.raises(UsageError, match="list of 1 to 52 actions; this environment has none"):
        ReplyContract(sepsis.action_type, ReplyFormat.LABEL)
    with pytest.raises(UsageError, match="asks for reasons first"):
        ReplyContract(sepsis.action_type, ReplyFormat.LABEL, rationale=True, actions=sepsis.actions)
    contract = ReplyContract(sepsis.action_type, ReplyFormat.LABEL, actions=sepsis.actions)
    assert contract.parse("C.", truncated=True).action == sepsis.actions[2]
    assert contract.parse("Z").error == "the reply is not one of the letters A to Y"


async def test_several_replies_a_state_give_an_estimate_with_its_interval(sepsis, server, tmp_path):
    """Two actions, the first twice as likely, drawn by the seed that is sent."""
    asked = Counter()

    def draw(text):
        request = server.requests[-1]
        asked[request["seed"]] += 1
        return as_json(0 if sha256(f"{text}{request['seed']}".encode()).digest()[0] % 3 else 24)

    server.answer = draw
    summary = await evaluation.run(config(server, temperature=0.7, samples=2, concurrency=1), tmp_path)
    policy = np.zeros((716, 25))
    policy[:, 0], policy[:, 24] = 2 / 3, 1 / 3
    truth = evaluate(sepsis.mdp, policy).J
    half = (summary.upper - summary.lower) / 2
    assert abs(summary.value - truth) < 2.5 * half  # the draws depend on the server's port
    assert summary.upper - summary.lower < 0.04
    assert not summary.exact
    assert summary.interval == "delta method over 2 samples a state 95%"
    assert len(asked) > 0.99 * summary.llm_calls  # draws of different patients do not go hand in hand
    assert all(len(line.drawn) == 2 for line in read_decisions(Path(summary.run_dir)))


async def test_a_limit_before_every_state_was_drawn_from_leaves_what_holds_of_any_policy(sepsis, server, tmp_path):
    server.answer = lambda text: as_json(0)
    limits = Limits(calls=100)
    summary = await evaluation.run(config(server, temperature=0.7, samples=4), tmp_path, limits=limits)
    assert summary.stopped == "The limit of 100 calls is reached."
    assert not summary.exact
    assert (summary.lower, summary.upper) == pytest.approx((sepsis.worst.J, sepsis.optimum.J), abs=1e-12)
    assert summary.interval == "certain"


async def test_samples_keep_apart_in_the_cache(server, tmp_path):
    server.answer = lambda text: json.dumps({"action": ("wait", "fluids")[len(server.requests) % 2]})
    ward = f"mdp:{write(tmp_path / 'ward')}"
    first = await evaluation.run(config(server, env=ward, temperature=1.0, samples=2), tmp_path)
    again = await evaluation.run(config(server, env=ward, temperature=1.0, samples=3), tmp_path)
    assert first.invalid_actions == first.repaired_actions == 0
    assert again.llm_calls == first.llm_calls / 2 > 0
    assert again.cached_calls == first.llm_calls


def small_mdp(rng, S=40, A=4):
    P = 0.8 * rng.dirichlet(np.full(S, 0.3), size=(S, A))
    P[:, :, -1] += 0.2
    start = np.append(np.full(S - 1, 1 / (S - 1)), 0.0)
    return from_arrays(P, rng.normal(size=(S, A)), start, terminal=np.arange(S) == S - 1)


@pytest.mark.parametrize("n", [3, 10])
def test_intervals_from_samples_cover(n):
    rng = np.random.default_rng(100_003)
    mdp = small_mdp(rng)
    policy = rng.dirichlet(np.ones(4), size=40)
    truth = evaluate(mdp, policy).J
    found = []
    for _ in range(400):
        drawn = np.array([rng.choice(4, size=n, p=row) for row in policy])
        found.append(sampled_value(mdp, drawn))
    assert 0.92 < np.mean([e.lower <= truth <= e.upper for e in found]) < 0.98
    error = np.std([e.value for e in found]) / math.sqrt(len(found))
    assert abs(np.mean([e.value for e in found]) - truth) < 4 * error


def test_samples_that_never_differ_have_no_interval():
    mdp = small_mdp(np.random.default_rng(1))
    found = sampled_value(mdp, np.zeros((40, 3), dtype=np.int64))
    assert math.isnan(found.lower)
    with pytest.raises(UsageError, match="at least 2"):
        sampled_value(mdp, np.zeros((40, 1), dtype=np.int64))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"temperature": -1.0}, "expected 0 or more"),
        ({"samples": 0}, "at least 1"),
        ({"samples": 5}, "needs --method exact and --temperature"),
        ({"temperature": 0.7}, "one reply is not the policy"),
        ({"temperature": 0.7, "method": Method.CERTIFY}, "one reply is not the policy"),
        ({"temperature": 0.7, "from_logprobs": True}, "leave --temperature and --samples out"),
        ({"from_logprobs": True, "reply": ReplyFormat.JSON}, "does not go with --reply json"),
        ({"from_logprobs": True, "audit": 5}, "leave --audit out"),
    ],
)
async def test_what_would_be_called_exact_and_is_not_is_refused(server, tmp_path, changes, sentence):
    with pytest.raises(UsageError, match=sentence):
        await evaluation.run(config(server, **changes), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


async def test_a_rollout_draws_anew_at_every_decision(server, tmp_path):
    env = make("icu-sepsis")
    server.answer = lambda text: as_json(len(server.requests) % 25)
    summary = await evaluation.run(
        config(server, temperature=1.0, method=Method.ROLLOUT, episodes=4, concurrency=1), tmp_path
    )
    assert summary.llm_calls == summary.decisions
    assert env.spec.id == summary.env
