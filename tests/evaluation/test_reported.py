"""What was sent to a server, and what it says of itself, stands in a run's files; what changes no reply may change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.core.errors import ModelServerError, RunError
from harness.core.run import TRACE, read_manifest
from harness.core.trace import read_lines
from harness.evaluation import evaluate as evaluation
from harness.evaluation.config import Method, RunConfig
from harness.evaluation.job import Observers
from harness.evaluation.recorded import read_decisions
from harness.llm import client as client_module
from tests.conftest import as_json, completion, hashed_action


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    monkeypatch.setattr(client_module, "LONGEST_WAIT_S", 0.05)
    monkeypatch.chdir(tmp_path)


def known(server, **changes):
    """The server as an entry of the project's model file."""
    fields = {"title": "t", "base_url": server.base_url, "model_id": "m"} | changes
    lines = [f"{name} = {json.dumps(value)}" for name, value in fields.items()]
    Path("harness.models.toml").write_text("\n".join(["[mine]", *lines]))


def config(**changes):
    base = {"env": "icu-sepsis", "model": "mine", "method": Method.CERTIFY, "epsilon": 0.2, "episodes": 1}
    return RunConfig(**(base | changes))


async def test_seeds_and_what_the_server_did_otherwise_are_recorded(server, tmp_path):
    def answer(question):
        sent = server.requests[-1]
        provider = "One" if len(server.requests) % 2 else "Another"
        told = {"provider": provider, "service_tier": "flex", "temperature": 1.0, "seed": sent["seed"]}
        return 200, completion(as_json(hashed_action(question))) | told

    server.answer = answer
    known(server, reasoning_effort="low")
    drawn = config(method=Method.ROLLOUT, episodes=3, temperature=0.7)
    summary = await evaluation.run(drawn, tmp_path)
    sampling = read_manifest(Path(summary.run_dir))["model"]["sampling"]
    assert sampling == {"temperature": 0.7, "seed": None, "max_tokens": 512, "reasoning_effort": "low"}
    steps = [line for line in read_lines(Path(summary.run_dir) / TRACE) if line["event"] == "STEP"]
    seeds = [request["seed"] for step in steps for request in step["decision"]["requests"]]
    assert sorted(seeds) == sorted(request["seed"] for request in server.requests)
    assert len(set(seeds)) == len(seeds)
    assert (summary.providers, summary.service_tiers) == (["Another", "One"], ["flex"])
    assert summary.otherwise == {"temperature": [1.0]}


async def test_a_run_of_a_server_that_reports_nothing_records_nothing_of_it(server, tmp_path):
    known(server)
    summary = await evaluation.run(config(), tmp_path)
    assert (summary.providers, summary.service_tiers, summary.otherwise) == ([], [], {})
    written = (Path(summary.run_dir) / "decisions.jsonl").read_text()
    assert not any(f'"{name}"' in written for name in ("seed", "provider", "otherwise", "form"))
    assert len(read_decisions(Path(summary.run_dir))) == summary.decisions


@pytest.mark.parametrize(
    ("change", "may"),
    [
        ({"timeout_s": 5.0, "requests_per_minute": 60_000, "price_prompt": 1.0, "price_completion": 1.0}, True),
        ({"key_env": "ANOTHER_KEY", "key_optional": True}, True),
        ({"max_tokens": 100}, False),
        ({"model_id": "other"}, False),
    ],
)
async def test_a_run_is_resumed_if_what_changed_changes_no_reply(server, tmp_path, change, may):
    known(server)
    server.answer = lambda question: (401, {})
    folders = []
    with pytest.raises(ModelServerError):
        await evaluation.run(config(), tmp_path, Observers(began=folders.append))
    server.answer = lambda question: as_json(hashed_action(question))
    known(server, **change)
    if may:
        assert (await evaluation.resume(folders[0])).stopped is None
    else:
        with pytest.raises(RunError, match=r"cannot be resumed.*the model changed"):
            await evaluation.resume(folders[0])
