"""Which agents act where: what their factories accept, and what their summaries say."""

from __future__ import annotations

import pytest

from harness.agents.registry import AGENTS, acting_in
from harness.core.registry import Entry, Registry
from harness.envs.registry import make

TASKS = {
    "polypharmacy": "polypharmacy/easy-screening",
    "warfarin": "warfarin-maintenance",
    "heparin": "heparin",
    "heparin-labs": "heparin-labs",
    "heparin-hit": "heparin-hit",
    "doac": "doac",
    "dic": "dic",
}
"""An environment of each task that agents' summaries name."""


def test_only_agents_whose_factories_take_an_environment_act_in_it() -> None:
    assert acting_in(make("sepsis-os")) == ["random", "optimal", "worst", "fallback", "human"]
    assert "expert" in acting_in(make("icu-sepsis"))
    assert "warfarin-nomogram-gage" not in acting_in(make("warfarin", genotype="unknown"))


def test_an_agent_that_cannot_be_imported_acts_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"gone": Entry("nowhere:gone", ""), "human": AGENTS.builtin["human"]}
    monkeypatch.setattr("harness.agents.registry.AGENTS", Registry("agent", "none", known))
    assert acting_in(make("doac")) == ["human"]


@pytest.mark.parametrize("task", TASKS)
def test_the_agents_of_a_task_alone_name_it_first_in_their_summaries(task: str) -> None:
    summaries = {name: AGENTS.entries()[name].summary for name in acting_in(make(TASKS[task]))}
    named = {name for name, entry in AGENTS.entries().items() if entry.summary.startswith(f"{task}: ")}
    assert named
    assert named <= set(summaries)
    named_otherwise = {s.partition(": ")[0] for s in summaries.values()} & set(TASKS) - {task}
    assert named_otherwise == ({"heparin"} if task == "heparin-labs" else set())
