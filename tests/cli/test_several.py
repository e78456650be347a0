"""Several agents in one command: one table, in every format, and nothing lost when one of them fails."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.conftest import as_json

WHO = ["eval", "--agent", "expert", "--agent", "random", "--quiet"]


def test_one_table_shows_all_beside_what_is_known(harness_command):
    done = harness_command(*WHO)
    assert done.returncode == 0, done.stderr
    order = [line.split()[0] for line in done.stdout.splitlines() if " exact " in line]
    assert order == ["optimal", "expert", "random"]
    assert "0.7818" in done.stdout
    assert "differences: harness compare runs/" in done.stdout


def test_csv_and_json_hold_full_precision(harness_command):
    rows = list(csv.DictReader(io.StringIO(harness_command(*WHO, "--format", "csv").stdout)))
    assert [row["policy"] for row in rows] == ["optimal", "expert", "random"]
    assert float(rows[1]["value"]) == pytest.approx(0.7818448902, abs=1e-9)
    assert rows[0]["run"] == ""
    of = [(row["env"], row["env_version"], row["env_options"], row["value_name"]) for row in rows]
    assert of == [("icu-sepsis", "2", "", "survival")] * 3
    harsh = harness_command(*WHO, "--inadmissible", "terminate", "--format", "csv").stdout
    assert {row["env_options"] for row in csv.DictReader(io.StringIO(harsh))} == {"inadmissible=terminate"}
    summaries = json.loads(harness_command(*WHO, "--format", "json").stdout)
    assert [s["agent"] for s in summaries] == ["expert", "random"]
    assert summaries[0]["value"] == pytest.approx(float(rows[1]["value"]), abs=1e-12)


def test_markdown_is_a_table(harness_command):
    lines = harness_command(*WHO, "--format", "markdown").stdout.splitlines()
    assert lines[0].startswith("| policy | survival | certainty |")
    assert len({line.count("|") for line in lines}) == 1
    assert len(lines) == 5


def test_every_model_meets_every_prompt(harness_command, server, tmp_path):
    words = ["eval", "--base-url", server.base_url, "--model-id", "a", "--model-id", "b", "--epsilon", "0.24"]
    done = harness_command(*words, "--prompt", "direct", "--prompt", "reasoned", "--format", "csv", "--quiet")
    rows = [row for row in csv.DictReader(io.StringIO(done.stdout)) if row["run"]]
    assert {(row["policy"], row["prompt"]) for row in rows} == {
        (model, prompt) for model in "ab" for prompt in ("direct@1", "reasoned@1")
    }


def test_what_fails_does_not_take_the_others_with_it(harness_command, server):
    def answer(text):
        broken = server.requests[-1]["model"] == "broken"
        return (400, {"error": {"message": "no such thing"}}) if broken else as_json(0)

    server.answer = answer
    words = ["eval", "--base-url", server.base_url, "--model-id", "broken", "--model-id", "fine", "--epsilon", "0.24"]
    done = harness_command(*words, "--format", "csv", "--quiet")
    assert done.returncode == 1
    assert [row["policy"] for row in csv.DictReader(io.StringIO(done.stdout)) if row["run"]] == ["fine"]
    (sentence,) = done.stderr.strip().splitlines()
    assert sentence.startswith("harness: broken direct: The server")
    assert "Go on with: harness eval --resume runs/" in sentence


def test_a_mistake_in_one_is_found_before_any_begins(harness_command, tmp_path):
    done = harness_command(*WHO, "--agent", "exprt")
    assert done.returncode == 2
    assert "Did you mean 'expert'?" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_model_s_name_is_text_for_spreadsheets_and_markdown(harness_command, server):
    words = ["eval", "--base-url", server.base_url, "--model-id", "=1+1|[x](y)", "--agent", "random", "--quiet"]
    rollout = ["--method", "rollout", "--episodes", "2"]
    rows = list(csv.DictReader(io.StringIO(harness_command(*words, *rollout, "--format", "csv").stdout)))
    assert "'=1+1|[x](y)" in [row["policy"] for row in rows]
    shown = harness_command(*words, *rollout, "--format", "markdown").stdout
    assert r"| =1+1\|\[x\](y) |" in shown
