"""Full-size stand-ins: how long they take to make, to write, to read with all checks, to build. Extra `data`.

    python benchmarks/data.py

Reading is claimed to take less than 5 s for 187,680 and for 534,960 rows, building less than 60 s and 4 GiB.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.construction.build import Built, build
from harness.construction.recipe import load
from harness.data.catalogue import SCHEMAS
from harness.data.read import read
from harness.data.schemas import Schema
from harness.data.stand_ins.catalogue import process
from harness.data.stand_ins.simulate import simulate
from harness.data.stand_ins.write import synthesize

REPEATS = 3
RECIPES = {"hypotension": "hypotension", "sepsis": "sepsis", "hiv": "art-hiv"}


def timed(work: Callable[[], Any], repeats: int = REPEATS) -> tuple[float, float]:
    """Seconds on the clock and of the processor, each the least of a few."""
    found = []
    for _ in range(repeats):
        clock, cpu = time.perf_counter(), time.process_time()
        work()
        found.append((time.perf_counter() - clock, time.process_time() - cpu))
    return min(f[0] for f in found), min(f[1] for f in found)


def built(path: Path, schema: Schema, name: str) -> Built:
    return build(read(path, schema), load(RECIPES[name]))


def main() -> None:
    print("seconds on the clock, seconds of CPU")
    print("data set      rows      MB   simulate      synthesize    read, check   read and build-mdp")
    with tempfile.TemporaryDirectory() as folder:
        for name, schema in SCHEMAS.items():
            made, path = process(name), Path(folder) / f"{name}.csv"
            patients = schema.patients or 1
            cells = [
                timed(lambda made=made, patients=patients: simulate(made, patients, 0)),
                timed(lambda made=made, patients=patients, path=path: synthesize(made, patients, 0, path)),
                timed(lambda path=path, schema=schema: read(path, schema)),
                timed(lambda path=path, schema=schema, name=name: built(path, schema, name), repeats=1),
            ]
            rows = patients * made.steps
            shown = "   ".join(f"{clock:5.2f} {cpu:5.2f}" for clock, cpu in cells)
            print(f"{name:12} {rows:7,} {path.stat().st_size / 1e6:6.1f}   {shown}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
