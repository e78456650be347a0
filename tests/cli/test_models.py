"""`harness models`: what is known of models and servers, and what a server turns out to take."""

from __future__ import annotations

import json

import pytest

from harness.llm.dialect import Dialect, Mode, remember, remembered
from tests.conftest import completion

ANSWER = completion('{"number": 4}')


@pytest.fixture
def entry(server, tmp_path):
    (tmp_path / "harness.models.toml").write_text(f'[mine]\ntitle="t"\nbase_url="{server.base_url}"\nmodel_id="m"\n')


def test_a_check_says_what_the_server_takes_and_reports(harness_command, server, entry):
    refused = {
        "response_format": "response_format is not supported",
        "temperature": "temperature does not go with this model",
        "max_tokens": "use max_completion_tokens",
    }

    def answer(question):
        for name, why in refused.items():
            if name in server.requests[-1]:
                return 400, {"error": {"message": why}}
        told = {"provider": "Some\x1bone", "service_tier": "flex", "system_fingerprint": "fp_7", "seed": 9}
        return 200, ANSWER | told

    server.answer = answer
    done = harness_command("models", "check", "mine")
    assert done.returncode == 0, done.stderr
    assert "follows the reply format" in done.stdout
    assert (
        "takes    replies held by a tool call, the limit as max_completion_tokens; refused: temperature" in done.stdout
    )
    said = "model    fake-1 · by Some\\x1bone · service tier flex · fingerprint fp_7 · with seed 9, otherwise than sent"
    assert said in done.stdout


def test_a_check_learns_anew(harness_command, server, entry):
    remember(server.base_url, "m", Dialect(mode=Mode.TEXT, left_out=("seed",)))
    server.answer = lambda question: (200, ANSWER)
    done = harness_command("models", "check", "mine")
    assert "takes    replies held by json_schema, the limit as max_tokens" in done.stdout
    assert remembered(server.base_url, "m") is None


def test_servers_are_listed_and_shown(harness_command):
    listed = harness_command("models").stdout
    for name in ("groq:NAME", "openrouter:NAME", "llama.cpp:NAME", "gpt-4o-mini"):
        assert name in listed
    assert json.loads(harness_command("models", "show", "hf").stdout)["base_url"] == "https://router.huggingface.co/v1"
    assert json.loads(harness_command("models", "show", "hf:a/b").stdout)["model_id"] == "a/b"


def test_a_model_of_a_server_is_evaluated_by_its_name(harness_command, server, tmp_path):
    (tmp_path / "harness.models.toml").write_text(f'[lab]\ntitle="the lab"\nbase_url="{server.base_url}"\n')
    words = ("--model", "lab:org/model:8b", "--epsilon", "0.3", "--quiet", "--json")
    summary = json.loads(harness_command("eval", *words).stdout)
    assert {r["model"] for r in server.requests} == {"org/model:8b"}
    assert summary["model_title"] == "org/model:8b on the lab"
    assert summary["run_dir"].endswith("-icu-sepsis-lab-org-model-8b")
    manifest = json.loads((tmp_path / summary["run_dir"] / "manifest.json").read_text())
    assert manifest["model"]["sampling"] == {"temperature": 0.0, "seed": 0, "max_tokens": 512}
