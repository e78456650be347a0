"""Learning curves of finished trainings, as they are drawn: exact values along a training, a row for every seed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.agents.offline.neural_settings import NEURAL
from harness.agents.rl.tabular.algorithms import ALGORITHMS
from harness.core.errors import RunError, UsageError
from harness.core.run import TRAINING, RunFolder, read_manifest
from harness.evaluation.intervals import student_t
from harness.mdp.tabular import FloatArray, IntArray
from harness.training.lockstep import CURVES, finished

CURVE = "curve.json"
"""Of a training that is not in lockstep: a row for every look."""

EPISODES, STEPS = "training episodes", "steps of Adam on logged transitions"
"""What is counted along a training."""


@dataclass(frozen=True, eq=False)
class Curve:
    """The exact values of one algorithm with one choice of settings.

    Attributes
    ----------
    algorithm : str
    settings : dict
        Without the training seed.
    run : Path
        The first of its runs.
    env : str
    options : dict of str to str
        Of the environment.
    along : str
        `EPISODES` or `STEPS`.
    at : int array, shape (L,)
        So many of them were done at each look.
    values, lengths : float array, shape (K, L)
        Exact value and mean number of decisions, of K training seeds; NaN where a policy never ended.
    """

    algorithm: str
    settings: dict[str, Any]
    run: Path
    env: str
    options: dict[str, str]
    along: str
    at: IntArray
    values: FloatArray
    lengths: FloatArray


def interval(rows: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean over seeds (K, L) and the ends of its Student-t 95 % interval, each of shape (L,); NaN ends of one seed."""
    found = [student_t(column) for column in rows.T]
    value, lower, upper = (np.array([getattr(one, end) for one in found]) for end in ("value", "lower", "upper"))
    return value, lower, upper


def curves(runs: Sequence[Path]) -> dict[str, Curve]:
    """The curves of finished trainings in one task, by names that tell them apart.

    Networks that learned from the same data and differ in nothing but their seeds are one curve.

    Raises
    ------
    RunError
        If a run has no learning curve, has not finished, or is damaged.
    UsageError
        If they are of different tasks, or learned from different things.
    """
    networks: dict[str, list[Curve]] = {}
    found: list[Curve] = []
    for run in runs:
        if (run / CURVES).exists():
            found.append(_in_lockstep(run))
        else:
            curve, data = _network(run)
            told = [curve.algorithm, curve.settings, curve.env, curve.options, data]
            networks.setdefault(json.dumps(told, sort_keys=True), []).append(curve)
    found += [_joined(same) for same in networks.values()]
    for what, of in (
        ("in different tasks", {c.env for c in found}),
        ("along different things", {c.along for c in found}),
    ):
        if len(of) > 1:
            raise UsageError(f"The runs are {what} ({', '.join(sorted(of))}); draw each alone.")
    if any(curve.options != found[0].options for curve in found):
        raise UsageError(f"The runs are in {found[0].env} with different options; draw each alone.")
    return {_name(curve, found): curve for curve in found}


def _in_lockstep(run: Path) -> Curve:
    with RunFolder.resume(run, TRAINING) as folder:
        done = finished(folder)
    settings = done.settings.model_dump(mode="json")
    return Curve(done.algorithm, settings, run, done.env, done.options, EPISODES, done.looks, done.value, done.length)


def _network(run: Path) -> tuple[Curve, str]:
    """The curve of a run of one seed, and the hash of the data that it learned from."""
    manifest = read_manifest(run, TRAINING)
    algorithm = str(manifest.get("algorithm"))
    if algorithm in ALGORITHMS:
        raise _unfinished(run, algorithm)
    if algorithm not in NEURAL:
        raise RunError(
            f"The run {run} is of {algorithm}, which has no curve of exact values; tabular agents trained online and "
            f"{', '.join(NEURAL)} have one."
        )
    if not (run / CURVE).exists():
        raise _unfinished(run, algorithm)
    try:
        rows = json.loads((run / CURVE).read_text(encoding="utf-8"))["looks"]
        at = np.array([int(row["steps"]) for row in rows])
        values, lengths = (
            np.array([[np.nan if row[what] is None else float(row[what]) for row in rows]])
            for what in ("value", "length")
        )
        settings = {name: value for name, value in manifest["settings"].items() if name != "seed"}
        options = manifest.get("options", {})
        curve = Curve(algorithm, settings, run, manifest["env"], options, STEPS, at, values, lengths)
        return curve, manifest["data"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{run / CURVE} cannot be read ({error}); it was damaged after it was written.") from error


def _unfinished(run: Path, algorithm: str) -> RunError:
    return RunError(f"The run {run} has not finished; go on with: harness train {algorithm} --resume {run}")


def _joined(same: list[Curve]) -> Curve:
    first = same[0]
    return replace(
        first,
        values=np.concatenate([curve.values for curve in same]),
        lengths=np.concatenate([curve.lengths for curve in same]),
    )


def _name(curve: Curve, among: list[Curve]) -> str:
    """Its algorithm, with the settings in which it differs from others of it; its run, where nothing else does."""
    others = [other for other in among if other is not curve and other.algorithm == curve.algorithm]
    told = [
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in curve.settings.items()
        if any(other.settings.get(name) != value for other in others)
    ]
    if any(other.settings == curve.settings for other in others):
        told.append(f"({curve.run.name})")
    return " ".join([curve.algorithm, *told])
