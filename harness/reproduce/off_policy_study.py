"""The study of off-policy estimators as a run: repeats in processes, each kept as soon as it is done.

manifest.json       settings and versions
repeat-0007.json    all estimates of one repeat
summary.json        the scores; its presence means that the study has finished
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from harness.core.run import SUMMARY, RunFolder, write_json
from harness.core.seeds import check_training_seeds
from harness.evaluation.tabular import Progress, Watch
from harness.execution.processes import Tell, each
from harness.reproduce import study
from harness.reproduce.off_policy import ELSEWHERE, Row, Score, Settings, repeat, scores

KIND = "off-policy"
PACKAGES = ("icu-sepsis", "numpy", "scipy")


class Repeat(BaseModel):
    """What a repeat's file holds."""

    rows: tuple[Row, ...]


def start(out: Path, settings: Settings) -> RunFolder:
    """A new run folder with its manifest.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    check_training_seeds((0, settings.repeats - 1, ELSEWHERE + settings.repeats - 1))
    return study.create(out, KIND, settings, PACKAGES)


def carry_out(folder: RunFolder, processes: int, watch: Watch) -> tuple[Settings, tuple[Score, ...]]:
    """Do the repeats that are missing, and say what all of them amount to.

    Raises
    ------
    RunError
        If the folder is of another kind of run, something in it is damaged, or a process died.
    """
    settings = study.settings_of(folder.path, KIND, Settings)
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
    found = scores(row for i in range(settings.repeats) for row in study.read_piece(_file(folder.path, i), Repeat).rows)
    folder.write_json(SUMMARY, {"scores": [plain(score) for score in found]})
    return settings, found


def plain(score: Score) -> dict[str, Any]:
    """A score as plain data."""
    flat = asdict(score)
    coverage = flat.pop("coverage")
    flat |= {"coverage": coverage["value"], "coverage_lower": coverage["lower"], "coverage_upper": coverage["upper"]}
    return flat


def _carry_out(job: tuple[str, Settings, list[int]], tell: Tell) -> None:
    """Some repeats, each kept as soon as it is done."""
    path, settings, numbers = job
    for done, number in enumerate(numbers, start=1):
        write_json(_file(Path(path), number), Repeat(rows=tuple(repeat(number, settings))))
        tell(done)


def _file(path: Path, number: int) -> Path:
    return path / f"repeat-{number:04}.json"
