"""Small stand-ins as files, and as lines that tests spoil."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from harness.data.stand_ins.catalogue import process
from harness.data.stand_ins.simulate import simulate
from harness.data.stand_ins.write import write_csv

PATIENTS = 4

OWN = {
    "id": "ours",
    "title": "Ours",
    "patient": "stay",
    "time": "hour",
    "hours_per_step": 1,
    "time_step": None,
    "columns": [
        {"name": "stay", "kind": "id", "dtype": "text"},
        {"name": "hour", "kind": "time", "dtype": "float"},
        {"name": "map", "kind": "float", "unit": "mmHg", "may_be_missing": True},
        {"name": "sex", "kind": "category", "dtype": "text", "categories": ["f", "m"]},
    ],
}
"""A user's description of a file with words, gaps and missing values."""


@lru_cache(maxsize=8)
def text(name: str, patients: int = PATIENTS) -> str:
    """A stand-in's CSV."""
    import tempfile

    made = process(name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.csv"
        write_csv(made, simulate(made, patients, 7).columns, path)
        return path.read_text()


def cells(name: str) -> list[list[str]]:
    """Its lines as cells; the first is the header."""
    return [line.split(",") for line in text(name).splitlines()]


def save(path: Path, lines: list[list[str]]) -> Path:
    """Lines of cells as a file."""
    path.write_text("".join(",".join(line) + "\n" for line in lines))
    return path
