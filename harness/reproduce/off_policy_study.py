"""The study of off-policy estimators as a run: repeats in processes, each kept as soon as it is done.

manifest.json       settings and versions
repeat-0007.json    all estimates of one repeat
summary.json        the scores; its presence means that the study has finished
"""

from __future__ import annotations

import json
import multiprocessing
import platform
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import harness
from harness.core.errors import RunError, first_problem
from harness.core.run import MANIFEST, SUMMARY, RunFolder, read_manifest
from harness.core.seeds import check_training_seeds
from harness.evaluation.manifest import git_revision
from harness.evaluation.tabular import Progress, Watch
from harness.execution.pool import leave_with_parent
from harness.reproduce.off_policy import ELSEWHERE, Row, Score, Settings, repeat, scores

KIND = "off-policy"
PACKAGES = ("icu-sepsis", "numpy", "scipy")


def start(out: Path, settings: Settings) -> RunFolder:
    """A new run folder with its manifest.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    check_training_seeds((0, settings.repeats - 1, ELSEWHERE + settings.repeats - 1))
    folder = RunFolder.create(out, KIND)
    folder.write_json(
        MANIFEST,
        {
            "kind": KIND,
            "settings": settings.model_dump(mode="json"),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "harness": harness.__version__,
            "git_revision": git_revision(),
            "python": platform.python_version(),
            "packages": {name: version(name) for name in PACKAGES},
        },
    )
    return folder


def carry_out(folder: RunFolder, processes: int, watch: Watch) -> tuple[Settings, tuple[Score, ...]]:
    """Do the repeats that are missing, and say what all of them amount to.

    Raises
    ------
    RunError
        If the folder is of another kind of run, something in it is damaged, or a process died.
    """
    settings = _settings(folder.path)
    missing = [i for i in range(settings.repeats) if not _file(folder.path, i).exists()]
    watch(Progress(settings.repeats - len(missing), settings.repeats, "repeats"))
    if processes == 1:
        for i in missing:
            _keep(folder, i, repeat(i, settings), settings, watch)
    else:
        _in_processes(folder, missing, settings, processes, watch)
    found = scores(row for i in range(settings.repeats) for row in _read(_file(folder.path, i)))
    folder.write_json(SUMMARY, {"scores": [plain(score) for score in found]})
    return settings, found


def plain(score: Score) -> dict[str, Any]:
    """A score as plain data; None is what has no value."""
    flat = asdict(score)
    coverage = flat.pop("coverage")
    flat |= {"coverage": coverage["value"], "coverage_lower": coverage["lower"], "coverage_upper": coverage["upper"]}
    return {name: None if value != value else value for name, value in flat.items()}


def _in_processes(folder: RunFolder, missing: list[int], settings: Settings, processes: int, watch: Watch) -> None:
    """Never more repeats under way than processes, so that an interrupted study loses no more than those."""
    waiting = iter(missing)
    context = multiprocessing.get_context("spawn")  # nothing of this process's threads or locks is inherited
    with ProcessPoolExecutor(processes, context, initializer=leave_with_parent) as pool:
        running: dict[Future[list[Row]], int] = {}
        try:
            while True:
                while len(running) < processes and (i := next(waiting, None)) is not None:
                    running[pool.submit(repeat, i, settings)] = i
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    _keep(folder, running.pop(future), future.result(), settings, watch)
        except BrokenProcessPool:
            raise RunError("A process of the study ended by itself, perhaps for want of memory.") from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _keep(folder: RunFolder, number: int, rows: list[Row], settings: Settings, watch: Watch) -> None:
    folder.write_json(_file(folder.path, number).name, {"rows": [row.model_dump() for row in rows]})
    done = sum(_file(folder.path, i).exists() for i in range(settings.repeats))
    watch(Progress(done, settings.repeats, "repeats"))


def _file(path: Path, number: int) -> Path:
    return path / f"repeat-{number:04}.json"


def _read(path: Path) -> list[Row]:
    try:
        return [Row.model_validate(row) for row in json.loads(path.read_text(encoding="utf-8"))["rows"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} cannot be read; remove it, and resume the study to have it made again.") from error


def _settings(path: Path) -> Settings:
    try:
        return Settings.model_validate(read_manifest(path, KIND)["settings"])
    except KeyError:
        raise RunError(f"The manifest of {path} holds no settings; start the study anew.") from None
    except ValidationError as error:
        raise RunError(f"The settings of {path} are not understood: {first_problem(error)}.") from None
