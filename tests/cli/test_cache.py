"""`harness cache`, and what a run may spend, as a user meets them."""

from __future__ import annotations

import json

import pytest


def evaluated(harness_command, server, *words):
    return harness_command(
        "eval", "--base-url", server.base_url, "--model-id", "fake", "--epsilon", "0.2", "--quiet", "--json", *words
    )


def test_the_cache_is_counted_and_emptied(harness_command, server):
    evaluated(harness_command, server)
    (row,) = json.loads(harness_command("cache", "stats", "--json").stdout)["models"]
    assert row["model"] == f"fake on {server.base_url}"
    assert row["replies"] == len(server.requests)
    assert "fake on" in harness_command("cache", "stats").stdout
    assert harness_command("cache", "prune", "--older-than", "1").stdout == "0 replies forgotten.\n"
    assert harness_command("cache", "prune", "--model", "other").stdout == "0 replies forgotten.\n"
    assert harness_command("cache", "prune", "--model", "fake").stdout == f"{row['replies']} replies forgotten.\n"
    assert json.loads(harness_command("cache", "stats", "--json").stdout)["models"] == []


@pytest.mark.parametrize("words", [["cache", "prune"], ["cache", "prune", "--all", "--model", "x"]])
def test_what_to_forget_must_be_said(harness_command, words):
    done = harness_command(*words)
    assert done.returncode == 2
    assert "Say what to forget" in done.stderr


def test_a_limit_ends_a_run_with_its_own_status_and_says_how_to_go_on(harness_command, server):
    done = evaluated(harness_command, server, "--max-calls", "20")
    assert done.returncode == 3
    summary = json.loads(done.stdout)
    assert (summary["llm_calls"], summary["stopped"]) == (20, "The limit of 20 calls is reached.")
    assert f"harness eval --resume {summary['run_dir']}, with higher limits" in done.stderr
    again = harness_command("eval", "--resume", summary["run_dir"], "--max-calls", "2000", "--quiet", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["stopped"] is None


def test_a_cost_without_a_price_is_refused_before_anything_is_asked(harness_command, server, tmp_path):
    done = evaluated(harness_command, server, "--max-cost", "1")
    assert done.returncode == 2
    assert "--max-cost needs the price of 'fake'" in done.stderr
    assert server.requests == []
    assert not (tmp_path / "runs").exists()


def test_limits_belong_to_models(harness_command):
    done = harness_command("eval", "--agent", "expert", "--max-calls", "5")
    assert done.returncode == 2
    assert "--max-calls belongs to a model" in done.stderr
