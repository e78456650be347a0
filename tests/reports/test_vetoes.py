"""The record of what a shield vetoed, of states and of episodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import RunError
from harness.evaluation import evaluate as evaluation
from harness.evaluation.config import Method, RunConfig
from harness.reports import trace

CAP = "dose-cap:vasopressor_level=2"


def config(agent, method=Method.EXACT, shield=(CAP,), episodes=1):
    return RunConfig(env="icu-sepsis", agent=agent, method=method, episodes=episodes, shield=shield)


@pytest.mark.parametrize("agent", ["random", "worst"])
async def test_every_state_in_which_something_is_vetoed_is_listed(agent, tmp_path):
    """Of an agent that draws, with how much probability; of another, what it wanted."""
    summary = await evaluation.run(config(agent, shield=("admissible", CAP)), tmp_path)
    lines = list(trace.vetoed(Path(summary.run_dir)))
    assert lines[0] == f"shield admissible, {CAP}: {summary.vetoes} of {summary.states} decisions vetoed"
    listed = [line for line in lines if line.startswith("state ")]
    assert len(listed) == summary.vetoes > 0
    assert len([line for line in lines if line.startswith("  wanted  ")]) == len(listed)
    assert any("with probability 0." in line for line in lines) == (agent == "random")


async def test_of_episodes_every_step_is_listed(tmp_path):
    summary = await evaluation.run(config("worst", Method.ROLLOUT, episodes=5), tmp_path)
    lines = list(trace.vetoed(Path(summary.run_dir)))
    assert lines[0] == f"shield {CAP}: {summary.vetoes} of {summary.decisions} decisions vetoed"
    assert lines[1] == f"  {summary.vetoes:6} by {CAP}"
    assert sum("vetoed by" in line for line in lines) == summary.vetoes > 0


async def test_a_run_without_a_shield_has_no_vetoes_to_read(tmp_path):
    summary = await evaluation.run(config("random", shield=()), tmp_path)
    with pytest.raises(RunError, match="had no shield, so nothing was vetoed; give it rules by --shield"):
        list(trace.vetoed(Path(summary.run_dir)))


def test_one_thing_is_shown_at_a_time(harness_command):
    done = harness_command("trace", "nowhere", "--vetoes", "--worst", "3")
    assert done.returncode == 2
    assert "--episode, --worst and --vetoes show different things; give one of them." in done.stderr
