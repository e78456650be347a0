"""The study of off-policy estimators as a run: repeats in processes, each kept as soon as it is done.

manifest.json       settings and versions
repeat-0007.json    all estimates of one repeat
summary.json        the scores; its presence means that the study has finished
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.core.errors import RunError, first_problem
from harness.core.run import MANIFEST, SUMMARY, RunFolder, read_manifest, write_json
from harness.core.seeds import check_training_seeds
from harness.evaluation.manifest import made_by
from harness.evaluation.tabular import Progress, Watch
from harness.execution.processes import Tell, each
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
            **made_by(PACKAGES),
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
    shares = [missing[i::processes] for i in range(processes)]
    if missing:
        each(
            [(str(folder.path), settings, numbers) for numbers in shares if numbers],
            _carry_out,
            processes,
            lambda told: watch(Progress(settings.repeats - len(missing) + sum(told), settings.repeats, "repeats")),
        )
    found = scores(row for i in range(settings.repeats) for row in _read(_file(folder.path, i)))
    folder.write_json(SUMMARY, {"scores": [plain(score) for score in found]})
    return settings, found


def plain(score: Score) -> dict[str, Any]:
    """A score as plain data; None is what has no value."""
    flat = asdict(score)
    coverage = flat.pop("coverage")
    flat |= {"coverage": coverage["value"], "coverage_lower": coverage["lower"], "coverage_upper": coverage["upper"]}
    return {name: None if value != value else value for name, value in flat.items()}


def _carry_out(job: tuple[str, Settings, list[int]], tell: Tell) -> None:
    """Some repeats, each kept as soon as it is done."""
    path, settings, numbers = job
    for done, number in enumerate(numbers, start=1):
        write_json(_file(Path(path), number), {"rows": [row.model_dump() for row in repeat(number, settings)]})
        tell(done)


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
