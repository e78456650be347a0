"""Runs of several tasks in one table: a row for every agent, a column for every task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from harness.evaluation.summary import Summary
from harness.reports.block import Block
from harness.reports.table import certainty
from harness.reports.text import between, not_for_ranking, number, policy_name


def task_of(s: Summary) -> str:
    """A task with its version, its options and what its value is."""
    options = "".join(f" {name}={value}" for name, value in sorted(s.env_options.items()))
    return f"{s.env} v{s.env_version}{options}, {s.value_name}"


def agent_of(s: Summary) -> str:
    """An agent with its prompt, if it has one."""
    return f"{s.agent} {s.prompt}" if s.prompt else policy_name(s.agent, s.regret_kind)


def ranked(summaries: Sequence[Summary]) -> Block:
    """All runs, the most valuable in the first task first; what is assumption-based is left out, and said to be."""
    kept = [s for s in summaries if not s.assumption_based]
    tasks = list(dict.fromkeys(task_of(s) for s in kept))
    cells: dict[str, dict[str, str]] = {}
    best: dict[str, float] = {}
    usual = {task: _usual([s for s in kept if task_of(s) == task]) for task in tasks}
    for s in kept:
        task, agent = task_of(s), agent_of(s)
        names = (agent, *(f"{agent} #{i}" for i in range(2, len(kept) + 2)))
        name = next(name for name in names if task not in cells.get(name, {}))
        cells.setdefault(name, {})[task] = _cell(s, usual[task])
        if task == tasks[0]:
            best[name] = s.value
    order = sorted(cells, key=lambda name: -best.get(name, float("-inf")))
    notes = [f"{task}: {certain}, where nothing else is said." for task, certain in usual.items()]
    notes += [not_for_ranking(env) for env in dict.fromkeys(s.env for s in summaries if s.assumption_based)]
    rows = [(name, *(cells[name].get(task, "–") for task in tasks)) for name in order]
    return Block("", ("agent", *tasks), rows, tuple(notes))


def _usual(summaries: Sequence[Summary]) -> str:
    return Counter(certainty(s) for s in summaries).most_common(1)[0][0]


def _cell(s: Summary, usual: str) -> str:
    value = (
        number(s.value)
        if s.lower is not None and s.lower == s.upper
        else f"{number(s.value)} ({between(s.lower, s.upper)})"
    )
    return value if certainty(s) == usual else f"{value}, {certainty(s)}"


def plain(summaries: Sequence[Summary]) -> list[dict[str, Any]]:
    """Every run as data, those that are assumption-based marked."""
    return [
        {
            "agent": s.agent,
            "prompt": s.prompt,
            "env": s.env,
            "env_version": s.env_version,
            "env_options": s.env_options,
            "value_name": s.value_name,
            "value": s.value,
            "lower": s.lower,
            "upper": s.upper,
            "certainty": certainty(s),
            "assumption_based": s.assumption_based,
            "run": s.run_dir,
        }
        for s in summaries
    ]
