"""The trainings of `harness.reproduce.cql_sepsis` as a run: in processes, each kept as it goes on and when it is done.

manifest.json                settings and versions
cells/dqn-42/                a training: its checkpoint while under way, then its last policy, which is an agent
cells/dqn-42/cell.json       its exact values and what evaluations would have said; there when it is done
summary.json                 the table; its presence means that the study has finished
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import numpy as np

from harness.agents import tabular_policy
from harness.agents.offline.neural import Training, advance, policy
from harness.agents.offline.neural_checkpoint import about, restore, save
from harness.agents.rl.stored import CHECKPOINT
from harness.core.errors import RunError
from harness.core.run import MANIFEST, SUMMARY, TRAINING, RunFolder, write_json
from harness.envs.icu_sepsis.environment import icu_sepsis
from harness.evaluation.manifest import made_by
from harness.evaluation.tabular import Progress, Watch
from harness.execution.processes import Tell, each
from harness.mdp.evaluate import evaluate
from harness.reproduce import study
from harness.reproduce.cql_sepsis import (
    CLONED,
    DQN,
    Cell,
    Row,
    Settings,
    clinicians,
    conservative,
    selected,
    survivors,
    table,
)
from harness.training.neural import SAVED_EVERY, allowed

KIND = "cql-sepsis"
CELL = "cell.json"
PACKAGES = ("icu-sepsis", "numpy", "safetensors", "scipy", "torch")

Job = tuple[str, Settings, str, int]
"""Folder of the study, its settings, arm and seed."""


def start(out: Path, settings: Settings) -> RunFolder:
    """A new run folder with its manifest.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    return study.create(out, KIND, settings, PACKAGES)


def carry_out(folder: RunFolder, processes: int, watch: Watch) -> tuple[Settings, tuple[Row, ...]]:
    """Make the trainings that are missing, and the table of all.

    Raises
    ------
    RunError
        If the folder is of another kind of run, something in it is damaged, or a process died.
    """
    settings = study.settings_of(folder.path, KIND, Settings)
    every = [(arm, seed) for arm in settings.trained for seed in settings.seeds]
    missing = [key for key in every if not (_place(folder.path, *key) / CELL).exists()]
    done, total = settings.steps * (len(every) - len(missing)), settings.steps * len(every)
    watch(Progress(done, total, "steps"))
    jobs: list[Job] = [(str(folder.path), settings, *key) for key in missing]
    if jobs:
        each(jobs, train_cell, processes, lambda told: watch(Progress(done + sum(told), total, "steps")))
    rows = _rows(folder.path, settings)
    folder.write_json(SUMMARY, {"rows": [plain(row) for row in rows]})
    return settings, rows


def so_far(path: Path) -> tuple[Settings, tuple[Row, ...]]:
    """The table of the arms whose trainings are all done, and the settings without the others; nothing is trained.

    Raises
    ------
    RunError
        If the folder is of another kind of run or damaged, or its first two arms are not done.
    """
    settings = study.settings_of(path, KIND, Settings)
    done = {
        arm for arm in settings.trained if all((_place(path, arm, seed) / CELL).exists() for seed in settings.seeds)
    }
    if not {CLONED, DQN} <= done:
        raise RunError(f"Of the study {path} not even {CLONED} and {DQN} are done; go on with it, and look later.")
    alphas = tuple(alpha for alpha in settings.alphas if alpha == 0 or conservative(alpha) in done)
    known = settings.model_copy(update={"alphas": alphas})
    return known, _rows(path, known)


def _rows(path: Path, settings: Settings) -> tuple[Row, ...]:
    every = [(arm, seed) for arm in settings.trained for seed in settings.seeds]
    return table(settings, {key: study.read_piece(_place(path, *key) / CELL, Cell) for key in every})


def train_cell(job: Job, tell: Tell) -> None:
    """Make one training, going on from what is there, and evaluate its checkpoints."""
    path, settings, arm, seed = job
    folder = _place(Path(path), arm, seed)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"Cannot write {folder}: {error.strerror or error}.") from error
    env, data, told = icu_sepsis(), clinicians(settings), settings.told(arm, seed)
    what = about(env.spec, data, told)
    training = restore(folder, env.spec, data, told)
    began = saved = time.monotonic()

    def after(training: Training) -> None:
        nonlocal saved
        tell(training.steps)
        if time.monotonic() - saved >= SAVED_EVERY or training.steps == told.steps:
            save(training, what, folder)
            saved = time.monotonic()

    advance(training, after)
    policies = [policy(told, seen, allowed(env)) for seen in training.outputs]
    values = np.array([evaluate(env.mdp, one).J for one in policies])
    counts = np.stack([survivors(env.mdp, one, seed, settings.repeats) for one in policies])
    printed, kept = selected(counts, values)
    of = tabular_policy.about(
        env.spec, str(what["algorithm"]), settings=told.model_dump(mode="json"), seeds=[seed], study=Path(path).name
    )
    tabular_policy.save(folder, about=of, policy=policies[-1], q=training.outputs[-1])
    write_json(folder / MANIFEST, {"kind": TRAINING, **of, **made_by(PACKAGES)})
    cell = Cell(
        arm=arm,
        seed=seed,
        transitions=len(data),
        values=tuple(values.tolist()),
        printed=printed,
        kept=kept,
        seconds=round(time.monotonic() - began, 1),
    )
    write_json(folder / CELL, cell)
    (folder / CHECKPOINT).unlink()


def plain(row: Row) -> dict[str, Any]:
    """A row as plain data."""
    low, high = row.printed.central()
    return {
        "arm": row.arm,
        "published": row.published,
        "exact": row.exact.value,
        "exact_lower": row.exact.lower,
        "exact_upper": row.exact.upper,
        "seeds": row.exact.n,
        "best_checkpoint": row.best,
        "kept_checkpoint": row.kept,
        "printed": row.printed.mean,
        "printed_lower": low,
        "printed_upper": high,
        "published_or_more": row.reached,
        "printed_if_looks_were_independent": row.independent.mean,
        "printed_probabilities": row.printed.probabilities.tolist(),
    }


def _place(path: Path, arm: str, seed: int) -> Path:
    return path / "cells" / f"{re.sub(r'[^a-z0-9.]+', '-', arm.lower())}-{seed}"
