"""A run that trains tabular agents in lockstep, several training seeds of one algorithm.

manifest.json      what it was told, versions; names the algorithm and which seeds are trained side by side
part-0.npz, …      everything that the next block of those seeds depends on, while the run is under way
policy.npz         the policy of every seed, see `harness.agents.tabular_policy`
curves.npz         exact value and length at every look, and what training episodes brought
summary.json       the result; its presence means that the run has finished
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from harness.agents import tabular_policy
from harness.agents.rl.tabular.algorithms import ALGORITHMS, settings_of
from harness.agents.rl.tabular.settings import TrainingSettings
from harness.agents.rl.tabular.training import Training, advance, begin, bin_size, looks_at, restore, save
from harness.core.arrays import read_arrays, write_arrays
from harness.core.errors import RunError, UsageError
from harness.core.run import MANIFEST, SUMMARY, TRAINING, RunFolder, read_manifest
from harness.core.seeds import check_training_seeds
from harness.envs import registry as envs
from harness.envs.ids import short_name
from harness.evaluation.intervals import student_t
from harness.evaluation.manifest import made_by
from harness.execution.processes import Tell, each
from harness.training.learning_curves import Trained

CURVES = "curves.npz"

SAVED_EVERY = 30.0
"""Seconds of work after which a training is saved."""

TOLD_EVERY = 1.0
"""Seconds of work after which progress is told."""

Job = tuple[str, int]
"""Folder and number of a part."""


def start(
    out: Path,
    env_id: str,
    algorithm: str,
    given: dict[str, Any],
    seeds: Sequence[int],
    parts: int = 1,
    options: Mapping[str, str] | None = None,
) -> RunFolder:
    """A new run folder with its manifest.

    Parameters
    ----------
    given : dict
        Settings that are not the algorithm's defaults.
    parts : int
        Into how many the seeds are divided, to be trained beside each other; the result does not depend on it.
    options : mapping of str to str, optional
        Of the environment.

    Raises
    ------
    UsageError
        If there is no such environment with these options, no such algorithm or setting, or a seed is no training seed.
    InvalidMDP
        If the environment's episodes may never end.
    RunError
        If it cannot be written.
    """
    env = envs.make_tabular(env_id, **(options or {}))
    settings = settings_of(algorithm, given)
    check_training_seeds(seeds)
    if not seeds or len(set(seeds)) < len(seeds):
        raise UsageError("Training seeds must be given, each once.")
    begin(env.mdp, algorithm, settings, seeds[:1])
    divided = [list(map(int, part)) for part in np.array_split(list(seeds), min(parts, len(seeds)))]
    folder = RunFolder.create(out, f"{short_name(env.spec.id)}-{algorithm}".replace("/", "-"))
    folder.write_json(
        MANIFEST,
        {
            "kind": TRAINING,
            **tabular_policy.about(
                env.spec,
                algorithm,
                options=dict(env.options),
                settings=settings.model_dump(mode="json"),
                seeds=list(seeds),
            ),
            "parts": divided,
            **made_by(["numpy"]),
        },
    )
    return folder


def require(folder: Path, algorithm: str) -> None:
    """See that a run is of an algorithm.

    Raises
    ------
    RunError
        If it is of another, or no training of tabular agents.
    """
    manifest, _ = _told(folder)
    if manifest["algorithm"] != algorithm:
        raise RunError(f"The run {folder} is of {manifest['algorithm']}; expected one of {algorithm}.")


def jobs_of(folder: Path) -> list[Job]:
    """The parts of a run that are still to be trained."""
    manifest, _ = _told(folder)
    return [] if (folder / SUMMARY).exists() else [(str(folder), i) for i in range(len(manifest["parts"]))]


def total_of(folder: Path) -> int:
    """Episodes of all seeds of a run."""
    manifest, settings = _told(folder)
    return len(manifest["seeds"]) * settings.episodes


def train_part(job: Job, tell: Tell) -> None:
    """Train the seeds of one part to their end, going on from what is there."""
    folder, number = Path(job[0]), job[1]
    manifest, settings = _told(folder)
    about = _about(manifest)
    about["seeds"] = manifest["parts"][number]
    env = envs.make_tabular(manifest["env"], **about.get("options", {}))
    training = begin(env.mdp, manifest["algorithm"], settings, about["seeds"])
    path = _part(folder, number)
    if path.exists():
        restore(training, path, about)
    saved = told = time.monotonic()

    def after(training: Training) -> None:
        nonlocal saved, told
        now = time.monotonic()
        if now - told >= TOLD_EVERY:
            tell(training.done)
            told = now
        if now - saved >= SAVED_EVERY:
            save(training, path, about)
            saved = time.monotonic()

    tell(training.done)
    advance(training, after)
    save(training, path, about)
    tell(training.done)


def carry_out(folder: RunFolder, processes: int, watch: Callable[[int], None]) -> Trained:
    """Train every seed to its end, going on from what the run's folder holds; `watch` is told episodes.

    Raises
    ------
    RunError
        If the folder is of another kind of run, or a checkpoint does not belong to it or is damaged.
    """
    each(jobs_of(folder.path), train_part, processes, lambda told: watch(sum(told)))
    return finished(folder)


def finished(folder: RunFolder) -> Trained:
    """What the parts of a run have come to; written down, and the parts removed, if it was not yet.

    Raises
    ------
    RunError
        If a part has not been trained to its end, or is damaged.
    """
    if not (folder.path / SUMMARY).exists():
        _join(folder)
    manifest, settings = _told(folder.path)
    curves = read_arrays(folder.path / CURVES)
    try:
        return Trained(
            str(folder.path), str(manifest["env"]), manifest.get("options", {}), str(manifest["algorithm"]), settings,
            tuple(manifest["seeds"]),
            curves["looks"], curves["value"], curves["length"], int(curves["bin"]), curves["returns"], curves["steps"],
        )  # fmt: skip
    except KeyError as error:
        raise RunError(f"{folder.path / CURVES} has no {error}; it was damaged after it was written.") from error


def _join(folder: RunFolder) -> None:
    manifest, settings = _told(folder.path)
    paths = [_part(folder.path, i) for i in range(len(manifest["parts"]))]
    parts = [read_arrays(path) for path in paths]

    def joined(name: str) -> Any:
        return np.concatenate([part[f"training/{name}"] for part in parts])

    value, q = joined("value"), joined("q")
    if np.isnan(value).any():
        raise RunError(f"The run {folder.path} is not finished; go on with it.")
    episodes = settings.episodes
    size = bin_size(episodes)
    counts = np.diff(np.append(np.arange(0, episodes, size), episodes))
    about = _about(manifest) | {"seeds": manifest["seeds"]}
    tabular_policy.save(folder.path, about=about, policy=joined("final"), q=None if np.isnan(q).all() else q)
    curves = {
        "looks": looks_at(episodes), "value": value, "length": joined("length"), "bin": np.array(size),
        "returns": joined("returns") / counts, "steps": joined("steps") / counts,
    }  # fmt: skip
    write_arrays(folder.path / CURVES, curves)
    summary = {
        "env": manifest["env"],
        "episodes": episodes,
        "value": asdict(student_t(value[:, -1])),
        "values": dict(zip(map(str, manifest["seeds"]), value[:, -1].tolist(), strict=True)),
    }
    folder.write_json(SUMMARY, summary)
    for path in paths:
        path.unlink()


def as_json(done: Trained) -> dict[str, Any]:
    """A run as plain data; means with their intervals."""
    return {
        "run_dir": done.run_dir,
        "env": done.env,
        "options": done.options,
        "algorithm": done.algorithm,
        "settings": done.settings.model_dump(mode="json"),
        "seeds": list(done.seeds),
        "value": asdict(done.final_value),
        "training_return": asdict(done.final_return),
        "convergence": asdict(done.convergence),
        "curve": {
            "episodes": done.looks.tolist(),
            "value": done.value.tolist(),
            "length": done.length.tolist(),
        },
    }


def _told(folder: Path) -> tuple[dict[str, Any], TrainingSettings]:
    manifest = read_manifest(folder, TRAINING)
    if manifest.get("algorithm") not in ALGORITHMS or "parts" not in manifest:
        raise RunError(f"The run {folder} is no training of tabular agents.")
    return manifest, settings_of(manifest["algorithm"], manifest["settings"])


def _about(manifest: dict[str, Any]) -> dict[str, Any]:
    """What the policies say of themselves; a run that began when there were no options has none."""
    named = (*tabular_policy.REQUIRED, "options", "settings")
    return {name: manifest[name] for name in named if name in manifest}


def _part(folder: Path, number: int) -> Path:
    return folder / f"part-{number}.npz"
