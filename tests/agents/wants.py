"""An agent that always wants the same, to see what a shield makes of it."""

from __future__ import annotations

from harness.agents.rules import RuleAgent


def wants(action):
    return RuleAgent("wants", lambda observation, situation: action)
