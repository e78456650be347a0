"""Third parties register by entry point; nothing is imported to list."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.agents.registry import AGENTS, make
from harness.core.errors import UsageError

PACKAGE = """
from harness.core.agent import Decision

class Still:
    id = "still"
    memoryless = True

    def __init__(self, env):
        self._env = env

    async def act(self, observation, situation):
        return Decision(action=self._env.actions[0])

    async def close(self):
        pass
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package with an agent, on the path as pip would put it."""
    (tmp_path / "third_party_agent.py").write_text(PACKAGE)
    info = tmp_path / "third_party_agent-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party-agent\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[harness.agents]\nstill = third_party_agent:Still\nbroken = third_party_agent:Missing\nrandom = x:y\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_an_installed_agent_is_found(sepsis, installed):
    assert make("still", sepsis).id == "still"
    assert AGENTS.entries()["still"].summary == "from the package third-party-agent"


def test_an_installed_agent_cannot_replace_a_built_in_one(sepsis, installed):
    assert make("random", sepsis).id == "random"


def test_a_broken_one_is_named(sepsis, installed):
    with pytest.raises(UsageError, match="'broken' is registered as 'third_party_agent:Missing', which cannot"):
        make("broken", sepsis)


def test_an_installed_agent_is_evaluated(installed, tmp_path):
    words = [sys.executable, "-m", "harness", "eval", "--agent", "still", "--json", "--quiet"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, check=False)  # with a path of its own
    assert '"value": 0.78243' in done.stdout, done.stderr


def test_the_command_line_imports_nothing_heavy():
    script = (
        "import sys, harness.cli.main; print([m for m in ('numpy', 'pydantic', 'openai', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
