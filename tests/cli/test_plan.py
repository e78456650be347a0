"""`harness plan` as a user meets it: with and without a model, in text and as JSON, and its mistakes."""

from __future__ import annotations

import json

import pytest

GPT = ("plan", "--model", "gpt-4o-mini")
PRICED = ("--price-prompt", "0.15", "--price-completion", "0.6")


def test_without_a_model_decisions_alone(harness_here):
    done = harness_here("plan", "--width", "0.3")
    assert done.returncode == 0
    assert "certify" in done.stdout
    assert "tokens" not in done.stdout
    assert {need["method"] for need in json.loads(harness_here("plan", "--width", "0.3", "--json").stdout)} >= {
        "exact", "certify", "rollout, advantage sum"
    }  # fmt: skip


def test_a_model_is_told_in_a_table_and_as_json(harness_here, tmp_path):
    words = (*GPT, *PRICED, "--width", "0.3", "--latency", "0.5")
    done = harness_here(*words)
    assert (done.returncode, done.stderr) == (0, "")
    printed = " ".join(done.stdout.split())
    for said in (
        "gpt-4o-mini · prompt direct@1", "exact 713 – 785 ", "certify, 0.3 wide", "rollout --until 0.15", "USD", "time",
        "Prompt tokens are estimated: 3.1 characters a token", "which is assumed; --repairs says otherwise",
        "Time: 0.5 s a reply, as given, 2 at a time", "they are no bounds", "not medical advice",
    ):  # fmt: skip
        assert said in printed, said
    found = json.loads(harness_here(*words, "--json").stdout)
    exact = found["forecasts"][0]
    assert exact["calls"] == {"low": 713.0, "usual": pytest.approx(713 * 1.05), "high": pytest.approx(713 * 1.1)}
    cost = (0.15 * exact["prompt_tokens"]["usual"] + 0.6 * exact["completion_tokens"]["usual"]) / 1e6
    assert exact["cost"]["usual"] == pytest.approx(cost, rel=1e-4)
    assert all(" ".join(note.split()) in printed for note in found["notes"])
    assert found["static_tokens"]["low"] < found["static_tokens"]["high"] < exact["longest_prompt"]["high"]
    assert list(tmp_path.glob("runs")) == []


def test_without_a_price_one_sentence_says_how_to_add_it(harness_here):
    done = harness_here(*GPT, "--method", "exact")
    assert "USD " not in done.stdout.split("No price")[0]
    assert "No price is known for 'gpt-4o-mini': set price_prompt" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--prompt", "direct"], "--prompt belongs to a model, and none is named; add --model"),
        (["--price-prompt", "1"], "--price-prompt belongs to a model"),
        (["--model", "gpt-4o-mini", "--memory", "all"], "is not understood; expected none, full"),
        (["--model", "gpt-4o-mini", "--memory", "full", "--method", "exact"], "use --method rollout"),
        (["--model", "gpt-4o-mini", "--samples", "4"], "--samples draws several replies in every state"),
        (["--model", "gpt-4o-mini", "--prompt", "dirct"], "Did you mean 'direct'?"),
        (["--model", "gpt-4o-mini", "--shots", "3"], "--shots belongs to a prompt with examples"),
        (["--model", "gpt-4o-mini", "--tokens", "gpt-4o-mini"], "runs on a server"),
        (["--model", "gpt-4o-mini", "--width", "0"], "expected a number above 0"),
        (["--model", "gpt-4o-mini", "--model-id", "x"], "belong together; give both"),
        (["--model", "gpt-4o-mini", "--model-id", "x", "--base-url", "http://h/v1"], "both name a model"),
    ],
)
def test_a_mistake_is_one_sentence(harness_here, words, sentence):
    done = harness_here("plan", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
