"""Jobs in processes of their own, a bounded number at a time. Knows nothing of what they do."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from harness.core.errors import HarnessError, RunError, UsageError

J = TypeVar("J")

Tell = Callable[[int], None]
"""Says how far a job is."""

Work = Callable[[J, Tell], None]
"""Does a job; where there are several processes a function of a module, because its name is all that is sent."""

PATIENCE = 0.5
"""Seconds between two looks at whether a process still lives."""


def each(jobs: Sequence[J], work: Work[J], processes: int, watch: Callable[[list[int]], None]) -> None:
    """Do every job, at most `processes` at a time; with one, in this process.

    Parameters
    ----------
    watch : function of a list
        Told how far every job is, whenever one has told.

    Raises
    ------
    UsageError
        If `processes` is less than 1.
    HarnessError
        The first failure; the other jobs are stopped where they are.
    """
    if processes < 1:
        raise UsageError(f"{processes} processes can do nothing; expected at least 1.")
    told = [0] * len(jobs)

    def tell(number: int, done: int) -> None:
        told[number] = done
        watch(told)

    if processes == 1 or len(jobs) == 1:
        for number, job in enumerate(jobs):
            work(job, partial(tell, number))
        return
    context = multiprocessing.get_context("spawn")
    heard: Any = context.Queue()
    waiting = list(enumerate(jobs))[::-1]
    running: dict[int, BaseProcess] = {}
    try:
        while waiting or running:
            while waiting and len(running) < processes:
                number, job = waiting.pop()
                running[number] = context.Process(target=_alone, args=(work, job, number, heard), daemon=True)
                with _deaf():
                    running[number].start()
            _hear(heard, tell)
            for number, process in list(running.items()):
                if not process.is_alive():
                    process.join()
                    del running[number]
                    _hear(heard, tell, wait=False)
                    if process.exitcode:
                        raise RunError(
                            f"A process ended by itself (status {process.exitcode}) before its work was done."
                        )
    finally:
        for process in running.values():
            process.terminate()
            process.join()


@contextmanager
def _deaf() -> Iterator[None]:
    """What starts in here does not hear Ctrl-C, from its first import on: it is this process that stops it then."""
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _hear(heard: Any, tell: Callable[[int, int], None], *, wait: bool = True) -> None:
    try:
        while True:
            number, done, failure = heard.get(timeout=PATIENCE if wait else 0.05)
            if failure is not None:
                raise failure
            tell(number, done)
            wait = False
    except queue.Empty:
        return


def _alone(work: Work[Any], job: Any, number: int, heard: Any) -> None:
    """In the process: do the job, and leave if nobody waits for it any more."""
    parent = os.getppid()

    def tell(done: int) -> None:
        if os.getppid() != parent:
            raise SystemExit(1)
        heard.put((number, done, None))

    try:
        work(job, tell)
    except HarnessError as error:
        heard.put((number, 0, RunError(str(error))))
    except KeyboardInterrupt:
        raise SystemExit(1) from None
