"""A run of searches for dangerous drug combinations: one data set, one arm, several seeds.

manifest.json     data set, settings, seeds, versions
seed-3/           the search by seed 3, see `harness.agents.bandits.checkpoint`
summary.json      the result; its presence means that the run has finished
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from harness.agents.bandits.combinations import Combinations, Simulation, simulate
from harness.agents.bandits.optim_neural_ts import Search, Settings
from harness.agents.bandits.records import Records, records, review_of
from harness.agents.bandits.train import check_seeds, train
from harness.core.errors import RunError
from harness.core.run import MANIFEST, SUMMARY, TRAINING, RunFolder, read_manifest
from harness.evaluation.intervals import Estimate, student_t
from harness.evaluation.manifest import made_by

ALGORITHM = "optim-neural-ts"

DataSet = Simulation | Records

Watch = Callable[[int, Search], None]
"""Told the place of the seed in the run, and its search, after every step."""


@dataclass(frozen=True)
class Outcome:
    """What one search came to. Precision is None where nothing was flagged."""

    seed: int
    steps: int
    flagged: int
    precision: float | None
    recall: float
    patterns: int
    cpu_seconds: float


@dataclass(frozen=True)
class Searches:
    """A finished run. `dangerous_share` is that of the data, `curves` what each seed's snapshots came to."""

    run_dir: str
    data: DataSet
    settings: Settings
    dangerous_share: float
    outcomes: tuple[Outcome, ...]
    curves: tuple[list[dict[str, Any]], ...]

    def mean(self, name: str) -> Estimate | None:
        """Mean of a field of the outcomes over the seeds that have it, with Student's interval."""
        sample = [getattr(o, name) for o in self.outcomes if getattr(o, name) is not None]
        return student_t(sample) if sample else None


def made(data: DataSet) -> Combinations:
    """The combinations that a data set's name stands for.

    Raises
    ------
    UsageError
        If there are none such.
    """
    return simulate(data) if isinstance(data, Simulation) else records(data)


def start(out: Path, data: DataSet, settings: Settings, seeds: Sequence[int]) -> RunFolder:
    """A new run folder with its manifest.

    Raises
    ------
    UsageError
        If the seeds are no training seeds, or there is no such data set.
    RunError
        If it cannot be written.
    """
    check_seeds(seeds)
    if isinstance(data, Records):
        review_of(data)
    else:
        simulate(data)
    folder = RunFolder.create(out, settings.arm)
    folder.write_json(
        MANIFEST,
        {
            "kind": TRAINING,
            "algorithm": ALGORITHM,
            **made_by(("numpy",)),
            "data": data.model_dump(mode="json"),
            "settings": settings.model_dump(mode="json"),
            "seeds": list(seeds),
        },
    )
    return folder


def carry_out(folder: RunFolder, watch: Watch) -> Searches:
    """Search by every seed of the run, one after another, going on from whatever is there.

    Raises
    ------
    RunError
        If the folder is of another kind of run, or a search in it is damaged or of another version.
    """
    manifest = read_manifest(folder.path, TRAINING)
    try:
        if manifest["algorithm"] != ALGORITHM:
            raise ValueError(manifest["algorithm"])
        named: DataSet = TypeAdapter(DataSet).validate_python(manifest["data"])
        settings = Settings.model_validate(manifest["settings"])
        seeds = [int(seed) for seed in manifest["seeds"]]
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise RunError(f"The run {folder.path} is no run of `harness train {ALGORITHM}`.") from error
    data = made(named)
    outcomes, curves = [], []
    for place, seed in enumerate(seeds):
        search = train(seed_folder(folder.path, seed), data, settings, seed, partial(watch, place))
        outcomes.append(_outcome(search))
        curves.append(search.curve)
    share = float(data.dangerous.mean())
    done = Searches(str(folder.path), named, settings, share, tuple(outcomes), tuple(curves))
    folder.write_json(SUMMARY, as_json(done))
    return done


def seed_folder(run: Path, seed: int) -> Path:
    """Where the search by a seed is."""
    return run / f"seed-{seed}"


def as_json(done: Searches) -> dict[str, Any]:
    """The run as plain data; means with their intervals."""
    means = {name: done.mean(name) for name in ("precision", "recall", "patterns", "cpu_seconds")}
    return {
        "run_dir": done.run_dir,
        "data": done.data.model_dump(mode="json"),
        "settings": done.settings.model_dump(mode="json"),
        "dangerous_share": done.dangerous_share,
        "seeds": [asdict(outcome) for outcome in done.outcomes],
        "means": {name: None if found is None else asdict(found) for name, found in means.items()},
    }


def _outcome(search: Search) -> Outcome:
    last = search.curve[-1]
    return Outcome(
        seed=search.seed,
        steps=search.step,
        flagged=last["flagged"],
        precision=last["precision"],
        recall=last["recall"],
        patterns=last["patterns"],
        cpu_seconds=round(search.cpu_seconds, 1),
    )
