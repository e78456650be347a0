"""Table 3 of the ICU-Sepsis paper: its five tabular agents, trained again over many seeds and judged exactly.

References
----------
Choudhary, Gupta, Thomas: ICU-Sepsis: A Benchmark MDP Built from Real Medical Data. RLC 2024, arXiv:2406.05646.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.errors import RunError
from harness.core.run import MANIFEST, TRAINING, RunFolder, read_manifest
from harness.evaluation.intervals import Estimate
from harness.execution.processes import each
from harness.training.convergence import Convergence
from harness.training.learning_curves import Trained
from harness.training.lockstep import Job, finished, jobs_of, start, total_of, train_part

ENV = "icu-sepsis"

AGENTS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "sac": ("sac", {}),
    "ppo": ("ppo", {}),
    "dqn": ("tabular-dqn", {}),
    "q-learning": ("q-learning", {}),
    "sarsa, as published": ("sarsa", {"stale_greedy": True}),
    "sarsa": ("sarsa", {}),
}
"""Algorithm and settings that are not its defaults, the longest first, so that all processes end together."""

PUBLISHED = {
    "sarsa, as published": (0.79, 105_300.0),
    "q-learning": (0.84, 285_800.0),
    "dqn": (0.86, 241_500.0),
    "sac": (0.83, 324_000.0),
    "ppo": (0.86, 386_900.0),
}
"""Return and episodes to converge, arXiv:2406.05646, table 3."""

ALLOWED, ALLOWED_SARSA = 0.01, 0.015
"""How far a return may be from the published one, which has two decimals."""


@dataclass(frozen=True)
class Row:
    """One agent.

    Attributes
    ----------
    name : str
    run_dir : str
    seeds : int
    training_return, value : Estimate
        Of the last tenth of the training episodes, and exactly of what was learned.
    convergence : Convergence
        Of the mean curve over seeds.
    """

    name: str
    run_dir: str
    seeds: int
    training_return: Estimate
    value: Estimate
    convergence: Convergence

    @property
    def difference(self) -> float:
        """Of the return, ours less the paper's; NaN where the paper has none."""
        return self.training_return.value - PUBLISHED[self.name][0] if self.name in PUBLISHED else float("nan")

    @property
    def allowed(self) -> float:
        """How large the difference may be."""
        return ALLOWED_SARSA if self.name.startswith("sarsa") else ALLOWED

    @property
    def agrees(self) -> bool:
        """Whether it is not larger."""
        return abs(self.difference) <= self.allowed


def table_3(
    out: Path, seeds: Sequence[int], processes: int, watch: Callable[[int, int], None],
    *, resume: bool = False, more: Mapping[str, Any] | None = None,
) -> tuple[Row, ...]:  # fmt: skip
    """Train every agent by every seed and compare.

    Parameters
    ----------
    out : Path
        Folder of the runs' folders, one an agent.
    seeds : sequence of int
    processes : int
    watch : function of two ints
        Told episodes done and of how many.
    resume : bool
        Go on with the newest runs in `out` that were told the same.
    more : mapping
        Settings for every agent, such as fewer episodes.

    Raises
    ------
    RunError
        If a run cannot be written or gone on with.
    """
    folders: dict[str, RunFolder] = {}
    try:
        for name, (algorithm, given) in AGENTS.items():
            told = {**given, **(more or {})}
            found = _begun(out, algorithm, told, seeds) if resume else None
            folders[name] = (
                RunFolder.resume(found, TRAINING) if found is not None
                else start(out, ENV, algorithm, told, seeds, parts=processes)
            )  # fmt: skip
        jobs: list[Job] = [job for folder in folders.values() for job in jobs_of(folder.path)]
        total = sum(total_of(folder.path) for folder in folders.values())
        before = sum(total_of(folder.path) for folder in folders.values() if not jobs_of(folder.path))
        each(jobs, train_part, processes, lambda told: watch(before + sum(told), total))
        return tuple(_row(name, finished(folder)) for name, folder in folders.items())
    finally:
        for folder in folders.values():
            folder.close()


def _begun(out: Path, algorithm: str, given: Mapping[str, Any], seeds: Sequence[int]) -> Path | None:
    from harness.agents.rl.tabular.algorithms import settings_of

    wanted = settings_of(algorithm, given).model_dump(mode="json")
    for path in sorted(out.glob(f"*-{ENV}-{algorithm}*"), reverse=True):
        if not (path / MANIFEST).exists():
            continue
        try:
            manifest = read_manifest(path, TRAINING)
        except RunError:
            continue
        told = (manifest.get("env"), manifest.get("algorithm"), manifest.get("settings"), manifest.get("seeds"))
        if told == (ENV, algorithm, wanted, list(seeds)) and not manifest.get("options"):
            return path
    return None


def _row(name: str, done: Trained) -> Row:
    return Row(name, done.run_dir, len(done.seeds), done.final_return, done.final_value, done.convergence)
