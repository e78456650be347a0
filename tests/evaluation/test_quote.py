"""What is said of a run beforehand, beside what the run then takes: over real sockets, with a server that counts."""

from __future__ import annotations

import json

import pytest

from harness.core.errors import UsageError
from harness.envs.registry import make
from harness.evaluation import evaluate as evaluation
from harness.evaluation.config import Method, RunConfig
from harness.evaluation.quote import Assumptions, quote
from harness.llm.structured import REPAIR
from tests.conftest import as_json, completion, hashed_action

PRICES = Assumptions(price_prompt=2.0, price_completion=8.0, price_cached=0.5)


def tokens_of(messages):
    """A tokenizer of the server's own: 3.4 characters a token, and marks around every message."""
    return 9 + sum(5 + round(len(m["content"]) / 3.4) for m in messages)


@pytest.fixture
def counting(server):
    """The server counts what it was sent, and answers in indented JSON."""

    def answer(patient):
        messages = server.requests[-1]["messages"]
        text = json.dumps(json.loads(as_json(hashed_action(patient))), indent=2)
        body = completion(text)
        body["usage"] = {"prompt_tokens": tokens_of(messages), "completion_tokens": 1 + len(text) // 2}
        return 200, body

    server.answer = answer
    return server


def config(server, **changes):
    base = {"env": "icu-sepsis", "method": Method.ROLLOUT, "episodes": 1, "concurrency": 1}
    return RunConfig(**(base | {"base_url": server.base_url, "model_id": "fake"} | changes))


async def quoted(config, method, assumed=PRICES, **wish):
    found = await quote(config, make(config.env), method, assumed, **({"width": 0.05} | wish))
    return found, found.forecasts[0]


async def run(config, tmp_path, **changes):
    return await evaluation.run(config.model_copy(update=changes), tmp_path)


def inside(figure, found):
    return found.low <= figure <= found.high


async def test_the_first_run_is_within_what_was_said_of_it(counting, tmp_path):
    asked = config(counting)
    found, said = await quoted(asked, Method.EXACT)
    summary = await run(asked, tmp_path, method=Method.EXACT, episodes=0)
    assert said.calls.low == summary.llm_calls  # 5 % repairs are assumed, and none came
    assert said.calls.usual == pytest.approx(1.05 * summary.llm_calls)
    assert inside(summary.prompt_tokens, said.prompt_tokens)
    assert inside(summary.completion_tokens, said.completion_tokens)
    assert inside((2 * summary.prompt_tokens + 8 * summary.completion_tokens) / 1e6, said.cost)
    assert said.seconds is None  # nobody knows
    assert any("is assumed" in note for note in found.notes)


async def test_after_a_few_episodes_the_rest_is_known_to_two_percent(counting, tmp_path):
    asked = config(counting)
    before = await run(asked, tmp_path, episodes=8)
    found, said = await quoted(asked, Method.EXACT)
    summary = await run(asked, tmp_path, method=Method.EXACT, episodes=0)
    assert said.from_cache == pytest.approx(summary.cached_calls) == pytest.approx(before.llm_calls)
    assert said.calls.usual == pytest.approx(summary.llm_calls)
    assert said.prompt_tokens.usual == pytest.approx(summary.prompt_tokens, rel=0.02)
    assert said.completion_tokens.usual == pytest.approx(summary.completion_tokens, rel=0.02)
    assert inside(summary.prompt_tokens, said.prompt_tokens)
    assert f"{before.llm_calls} recorded ones to this prompt" in " ".join(found.notes)


@pytest.mark.parametrize("memory", ["none", "window:2", "full"])
async def test_rollouts_take_what_was_said_with_every_memory(counting, tmp_path, memory):
    asked = config(counting, memory=memory, cache=False)
    _, said = await quoted(asked, Method.ROLLOUT, Assumptions(repairs=0.0), episodes=25)
    summary = await run(asked, tmp_path, episodes=25)
    assert inside(summary.decisions, said.decisions)
    assert inside(summary.llm_calls, said.calls)
    assert inside(summary.prompt_tokens, said.prompt_tokens)
    each, expected = summary.prompt_tokens / summary.llm_calls, said.prompt_tokens.usual / said.calls.usual
    assert each == pytest.approx(expected, rel=0.25)  # how long the model's own episodes are is not known


async def test_a_certified_run_and_its_pace(counting, tmp_path):
    asked = config(counting)
    _, said = await quoted(asked, Method.CERTIFY, width=0.12)
    summary = await run(asked, tmp_path, method=Method.CERTIFY, epsilon=0.12, episodes=3)
    assert said.calls.low * 0.9 < summary.llm_calls < said.calls.high * 1.1
    found, again = await quoted(asked, Method.EXACT, runs=tmp_path)
    assert again.seconds.usual == pytest.approx(again.calls.usual * summary.wall_seconds / summary.llm_calls)
    assert any("as in 1 earlier run" in note for note in found.notes)
    other, unknown = await quoted(asked.model_copy(update={"concurrency": 3}), Method.EXACT, runs=tmp_path)
    assert unknown.seconds is None
    assert not any(note.startswith("Time") for note in other.notes)


async def test_repairs_are_as_frequent_as_they_were(counting, tmp_path):
    usual = counting.answer

    def stubborn(text):
        status, body = usual(text)
        if REPAIR not in text and hashed_action(text) % 5 == 0:
            body["choices"][0]["message"]["content"] = "No."
        return status, body

    counting.answer = stubborn
    asked = config(counting)
    await run(asked, tmp_path, episodes=40)
    found, said = await quoted(asked, Method.EXACT)
    summary = await run(asked, tmp_path, method=Method.EXACT, episodes=0)
    assert summary.repaired_actions > 50
    assert inside(summary.llm_calls, said.calls)
    assert inside(summary.prompt_tokens, said.prompt_tokens)
    each, expected = summary.prompt_tokens / summary.llm_calls, said.prompt_tokens.usual / said.calls.usual
    assert each == pytest.approx(expected, rel=0.05)
    assert any(note.startswith("Repairs: ") and "recorded ones" in note for note in found.notes)


async def test_votes_samples_and_letters_are_counted(counting):
    once = (await quoted(config(counting), Method.EXACT, Assumptions(repairs=0.0)))[1]
    drawn = config(counting, temperature=0.7, samples=4, vote=3)
    _, many = await quoted(drawn, None, Assumptions(repairs=0.0))
    states = len(make("icu-sepsis").mdp.decision_states)
    assert many.way == "exact"
    assert many.calls.usual == 12 * states
    assert many.shared_tokens.usual > 0.9 * many.prompt_tokens.usual > 0.9 * 11 * once.prompt_tokens.usual
    found, letters = await quoted(config(counting, from_logprobs=True), Method.EXACT)
    assert letters.calls.usual == once.calls.usual
    assert letters.completion_tokens.high <= 8 * letters.calls.high
    assert any("nothing is repaired" in note for note in found.notes)


async def test_thoughts_make_the_cost_a_function(counting, tmp_path):
    asked = config(counting, effort="low")
    found, said = await quoted(asked, Method.EXACT)
    assert said.completion_tokens is said.cost is None
    assert said.cost_per_reply_token.usual == pytest.approx(said.calls.usual * 8e-6)
    assert said.prompt_cost.high == pytest.approx(2e-6 * said.prompt_tokens.high, rel=0.01)
    assert any(note.startswith("USD: T is the tokens") for note in found.notes)
    await run(asked, tmp_path, episodes=4)
    assert (await quoted(asked, Method.EXACT))[1].cost is not None


async def test_without_a_price_tokens_alone_and_how_to_add_one(counting):
    found, said = await quoted(config(counting), Method.EXACT, Assumptions())
    assert said.cost is said.prompt_cost is None
    assert sum("set price_prompt and price_completion" in note for note in found.notes) == 1
    assert not any("price_prompt" in note for note in (await quoted(config(counting), Method.EXACT))[0].notes)


async def test_what_the_server_caches_lowers_the_least_cost(counting):
    dear = Assumptions(price_prompt=2.0, price_completion=0.0, repairs=0.0)
    cheap = Assumptions(price_prompt=2.0, price_completion=0.0, price_cached=0.0, repairs=0.0)
    _, full = await quoted(config(counting), Method.EXACT, dear)
    _, less = await quoted(config(counting), Method.EXACT, cheap)
    assert less.cost.high == pytest.approx(full.cost.high)
    own = full.prompt_tokens.low - full.shared_tokens.low
    assert less.cost.low == pytest.approx(2e-6 * own, abs=2e-6)


async def test_prompts_that_do_not_fit_are_told_before(counting, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    entry = f'[small]\ntitle = "x"\nbase_url = "{counting.base_url}"\nmodel_id = "m"\ncontext = 2500\n'
    (tmp_path / "harness.models.toml").write_text(entry)
    asked = config(counting, memory="full", model="small", base_url=None, model_id=None)
    found, said = await quoted(asked, Method.ROLLOUT, episodes=30)
    assert said.longest_prompt.usual + 512 > 2500
    assert any("take a shorter --memory" in note for note in found.notes)
    short = asked.model_copy(update={"memory": "none"})
    assert not any("shorter --memory" in n for n in (await quoted(short, Method.ROLLOUT, episodes=30))[0].notes)


async def test_only_ways_that_fit_are_told(counting):
    async def told(method=None, **changes):
        wish = {name: changes.pop(name) for name in ("episodes", "until") if name in changes}
        found, _ = await quoted(config(counting, **changes), method, **({"width": 0.2} | wish))
        return [f.way for f in found.forecasts]

    assert await told() == ["exact", "certify, 0.2 wide", "rollout, 0.2 wide", "rollout --until 0.1"]
    assert await told(memory="full", episodes=3) == ["rollout"]
    assert await told(temperature=0.5, episodes=3) == ["rollout"]
    assert await told(until=0.1) == ["exact", "certify, 0.2 wide", "rollout --until 0.1"]
    with pytest.raises(UsageError, match="a policy without memory"):
        await told(Method.EXACT, memory="full")
    with pytest.raises(UsageError, match="expected a number above 0"):
        await quoted(config(counting), None, width=-1)
    with pytest.raises(UsageError, match="expected 0 to 1"):
        await quoted(config(counting), None, Assumptions(repairs=5))
    with pytest.raises(UsageError, match="seconds above 0"):
        await quoted(config(counting), None, Assumptions(latency=0))


async def test_no_key_is_needed_and_nothing_is_asked(counting, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    asked = config(counting, model="gpt-4o-mini", base_url=None, model_id=None)
    _, said = await quoted(asked, Method.EXACT, Assumptions(latency=2.0))
    assert said.seconds.usual == pytest.approx(2.0 * said.calls.usual)
    assert not counting.requests
    assert list(tmp_path.iterdir()) == []


class Opaque:
    """An environment that hides its table."""

    def __init__(self, env):
        self._env = env

    def __getattr__(self, name):
        return getattr(self._env, name)


async def test_without_a_table_episodes_are_played_by_whoever_can(counting):
    env = Opaque(make("icu-sepsis"))
    asked = config(counting, memory="window:1")
    found = await quote(asked, env, None, Assumptions(), width=0.05, episodes=5)
    (said,) = found.forecasts
    assert said.way == "rollout"
    assert said.policies == ("the environment's fallback, always",)
    assert said.rehearsed == 200
    assert said.calls.low < said.calls.usual < said.calls.high
    with pytest.raises(UsageError, match="is not tabular: .* give --episodes"):
        await quote(asked, env, None, Assumptions(), width=0.05)
