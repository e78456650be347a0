"""Progress on stderr: a live bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.reports.text import duration, outward

if TYPE_CHECKING:
    from harness.evaluation.tabular import Progress

SECONDS_BETWEEN_LINES = 15.0
"""How often progress is told where there is no terminal."""


@contextmanager
def shown_progress(quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """A function to tell progress to."""
    if quiet:
        yield lambda progress: None
    elif sys.stderr.isatty():
        with _bar() as watch:
            yield watch
    else:
        yield _Lines().tell


class _Pace:
    """Seconds left, from how fast things went since the first was seen."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None

    def left(self, done: int, total: int) -> float | None:
        now = time.monotonic()
        if self._first is None:
            self._first = (now, done)
        began, before = self._first
        return (now - began) / (done - before) * (total - done) if done > before else None


class _Lines:
    def __init__(self) -> None:
        self._pace = _Pace()
        self._told = time.monotonic()

    def tell(self, progress: Progress) -> None:
        left = self._pace.left(progress.done, progress.total)
        now = time.monotonic()
        if now - self._told >= SECONDS_BETWEEN_LINES:
            self._told = now
            sys.stderr.write(_sentence(progress, left) + "\n")
            sys.stderr.flush()


def _sentence(progress: Progress, left: float | None) -> str:
    of = "at most" if progress.most else "about" if progress.unit == "states" else ""
    text = " ".join(word for word in (f"{progress.done} of", of, f"{progress.total} {progress.unit}") if word)
    if progress.lower is not None and progress.upper is not None:
        what = "between" if progress.certain else "95 %: between"
        text += f" · {what} " + " and ".join(outward(progress.lower, progress.upper))
    return text if left is None else f"{text} · about {duration(left)} min left"


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    from harness.cli.tables import console

    pace = _Pace()
    columns = (BarColumn(bar_width=24), TextColumn("{task.description}"))
    with Bar(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def watch(progress: Progress) -> None:
            left = pace.left(progress.done, progress.total)
            bar.update(
                task,
                total=progress.total or None,
                completed=progress.done,
                description=_sentence(progress, left),
            )

        yield watch


def prepare(model: str, *, quiet: bool) -> None:
    """Say who gets a key where that is not what the built-in entry says, and fetch weights that are not there."""
    from harness.llm.registry import key_receiver, resolve

    if receiver := key_receiver(resolve(model)):
        sys.stderr.write(f"Note: {receiver}.\n")
    fetch_weights(model, quiet=quiet)


def fetch_weights(model: str, *, quiet: bool) -> None:
    """Fetch the weights of a model if they are not there, telling how far it is and where they came from."""
    from harness.llm.registry import resolve
    from harness.llm.weights import cached_path, pull, silent

    entry = resolve(model)
    if entry.weights is None or cached_path(entry.weights).exists():
        return
    if quiet:
        pull(entry, silent)
        return
    from harness.cli.tables import console

    err = console(stderr=True)
    err.print(f"Fetching {entry.title}, {entry.weights.size / 1e6:.0f} MB, once.")
    with _bytes() as tell:
        path, source = pull(entry, lambda what, done, total: tell(done, total, what))
    err.print(f"Weights from {source}, hash checked: {path}")


@contextmanager
def transfer(what: str, *, quiet: bool) -> Iterator[Callable[[int, int | None], None]]:
    """A function to tell bytes done and bytes in all to; nothing is shown before the first are there."""
    if quiet:
        yield lambda done, total: None
        return
    with _bytes() as tell:
        yield lambda done, total: tell(done, total, what)


@contextmanager
def told(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A function to tell what is being done: the last word in a terminal, a line each with the time elsewhere."""
    if quiet:
        yield lambda what: None
        return
    begun = time.monotonic()
    if not sys.stderr.isatty():

        def tell(what: str) -> None:
            sys.stderr.write(f"{time.monotonic() - begun:6.1f} s  {what}\n")
            sys.stderr.flush()

        yield tell
        return
    from harness.cli.tables import console

    with console(stderr=True).status("starting") as status:
        yield lambda what: status.update(what)


@contextmanager
def _bytes() -> Iterator[Callable[[int, int | None, str], None]]:
    """A bar of bytes: done, in all if known, and what is being done."""
    from rich.progress import BarColumn, DownloadColumn, TextColumn
    from rich.progress import Progress as Bar

    from harness.cli.tables import console

    columns = (BarColumn(bar_width=24), DownloadColumn(), TextColumn("{task.description}"))
    with Bar(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total, what: bar.update(task, description=what, completed=done, total=total)
