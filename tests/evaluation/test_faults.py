"""Thousands of calls to a server that fails in every way: nothing is lost, asked twice, or counted otherwise."""

from __future__ import annotations

import pytest

from harness.core.errors import ModelServerError
from harness.core.run import SO_FAR, SUMMARY
from harness.evaluation import evaluate as evaluation
from harness.evaluation.config import Method, RunConfig
from harness.evaluation.summary import Summary
from harness.llm import client as client_module
from harness.llm.budget import Limits
from tests.conftest import as_json, hashed_action
from tests.faults import FAULTS, FaultServer


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(client_module, "LONGEST_WAIT_S", 0.05)


def config(base_url, **changes):
    base = {"env": "icu-sepsis", "method": Method.ROLLOUT, "episodes": 260, "concurrency": 48}
    return RunConfig(**(base | {"base_url": base_url, "model_id": "fake"} | changes))


SAME = (
    "value", "lower", "upper", "raw_value", "decisions", "episodes", "invalid_actions", "repaired_actions", "failures",
    "inadmissible_share", "served_models", "llm_calls", "worst_decisions",
)  # fmt: skip


async def test_two_thousand_decisions_through_every_fault_end_as_on_a_clean_server(tmp_path):
    with FaultServer(share=0.0) as clean:
        expected = await evaluation.run(config(clean.base_url), tmp_path)
    with FaultServer(share=0.6, stall_s=2.4) as faulty:
        found = await evaluation.run(config(faulty.base_url, timeout_s=2.0), tmp_path)
    assert found.decisions >= 2_000
    assert set(faulty.seen) == {*FAULTS, "fine"}
    assert set(faulty.answered.values()) == {1}  # no answer was paid for twice
    assert found.llm_calls == len(faulty.answered) == len(clean.answered)
    for name in SAME:
        assert getattr(found, name) == getattr(expected, name), name


async def test_a_limit_stops_with_what_is_known_and_the_run_goes_on(sepsis, server, tmp_path):
    limited = config(server.base_url, method=Method.CERTIFY, epsilon=0.05, episodes=2, concurrency=8)
    stopped = await evaluation.run(limited, tmp_path, limits=Limits(calls=100))
    path = tmp_path / stopped.run_dir.rsplit("/", 1)[-1]
    assert stopped.stopped == "The limit of 100 calls is reached."
    assert stopped.llm_calls == 100 == len(server.requests)
    assert not (path / SUMMARY).exists()
    assert (path / SO_FAR).exists()
    again = await evaluation.resume(path, limits=Limits(calls=150))
    assert (again.stopped, again.llm_calls) == ("The limit of 150 calls is reached.", 150)
    whole = await evaluation.resume(path)
    assert whole.stopped is None
    assert stopped.lower <= again.lower <= whole.lower <= whole.upper <= again.upper <= stopped.upper
    assert whole.upper - whole.lower <= 0.05


async def test_a_limited_rollout_counts_the_first_episodes_alone(server, tmp_path):
    summary = await evaluation.run(config(server.base_url, concurrency=4), tmp_path, limits=Limits(calls=300))
    assert summary.stopped is not None
    assert 0 < summary.episodes < 260
    assert Summary.model_validate_json((tmp_path / summary.run_dir.rsplit("/", 1)[-1] / SO_FAR).read_text()) == summary


async def test_a_single_bad_prompt_does_not_stop_the_others(server, tmp_path):
    """Some prompts are refused for good: the rest is asked, and the run stops resumable."""
    refused = []

    def answer(text):
        if hashed_action(text) == 7 and len(text) % 4 == 0:
            refused.append(text)
            return 400, {"error": {"message": "this text is not allowed"}}
        return as_json(0)

    server.answer = answer
    with pytest.raises(ModelServerError, match="this text is not allowed"):
        await evaluation.run(config(server.base_url, method=Method.EXACT, episodes=0), tmp_path)
    assert len(server.requests) == 713
    assert len(refused) == len(set(refused)) > 0


async def test_five_failures_in_a_row_stop_a_run(server, tmp_path):
    server.answer = lambda text: (400, {"error": {"message": "nothing is allowed"}})
    with pytest.raises(ModelServerError, match="nothing is allowed"):
        await evaluation.run(config(server.base_url, method=Method.EXACT, concurrency=1), tmp_path)
    assert len(server.requests) == 5
