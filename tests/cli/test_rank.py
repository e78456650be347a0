"""`harness rank` as a user meets it."""

from __future__ import annotations

import json

import pytest


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs of two tasks, and one of a task that is assumption-based."""
    from typer.testing import CliRunner

    from harness.cli.main import app

    folder = tmp_path_factory.mktemp("runs")
    for env, agents, episodes in (
        ("polypharmacy/easy-screening", ("random", "pharmacist"), 12),
        ("polypharmacy/budgeted-screening", ("pharmacist",), 8),
        ("dic", ("dic-none",), 2),
    ):
        chosen = [word for agent in agents for word in ("--agent", agent)]
        words = ["--env", env, *chosen, "--episodes", str(episodes), "--no-regret", "--quiet", "--out", str(folder)]
        done = CliRunner().invoke(app, ["eval", *words])
        assert done.exit_code == 0, done.output
    return sorted(map(str, folder.iterdir()))


def test_a_row_for_every_agent_and_a_column_for_every_task(harness_here, runs):
    done = harness_here("rank", *runs, "--format", "markdown")
    assert done.returncode == 0, done.stderr
    head, _, *rows = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert head.count("polypharmacy/") == 2
    by_agent = {row.split("|")[1].strip(): row for row in rows}
    assert by_agent.keys() == {"pharmacist", "random"}
    assert "| – |" in by_agent["random"]
    plain = json.loads(harness_here("rank", *runs, "--format", "json").stdout)
    for row in plain:
        if not row["assumption_based"]:
            assert f"{row['value']:.4f} (" in by_agent[row["agent"]]
    assert "95%, n = 12" in done.stdout
    assert "95%, n = 8" in done.stdout


def test_an_estimate_without_an_interval_is_seen_to_have_none(harness_here):
    words = ("--env", "polypharmacy/easy-screening", "--agent", "random", "--episodes", "1", "--no-regret")
    run = json.loads(harness_here("eval", *words, "--json").stdout)
    assert f"{run['value']:.4f} (–)" in harness_here("rank", run["run_dir"]).stdout


def test_what_is_assumption_based_is_named_and_not_ranked(harness_here, runs):
    done = harness_here("rank", *runs)
    assert "dic-none" not in done.stdout
    assert "dic is assumption-based" in done.stdout
    assert "not medical advice" in done.stdout
    alone = harness_here("rank", *(run for run in runs if "dic" in run))
    assert alone.returncode == 2
    assert "nothing to rank" in alone.stderr


def test_files_beside_the_runs_are_passed_over(harness_here, runs, tmp_path):
    (tmp_path / "README.md").write_text("What these folders are.")
    done = harness_here("rank", *runs, str(tmp_path / "README.md"))
    assert done.returncode == 0, done.stderr
    assert done.stdout == harness_here("rank", *runs).stdout
    alone = harness_here("rank", str(tmp_path / "README.md"))
    assert "is not a run folder" in alone.stderr


def test_what_is_no_finished_run_is_a_sentence(harness_here, tmp_path):
    done = harness_here("rank", str(tmp_path))
    assert done.returncode == 1
    assert "is not a run folder" in done.stderr
    assert "Traceback" not in done.stderr
