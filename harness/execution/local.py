"""Many awaitable jobs in this process, a bounded number at a time. Knows nothing of what they do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from harness.core.errors import HarnessError, UsageError

J = TypeVar("J")
R = TypeVar("R")


async def each(jobs: Iterable[J], work: Callable[[J], Awaitable[R]], concurrency: int, *, patience: int = 1) -> list[R]:
    """`work` done on every job, at most `concurrency` at a time; results in the order of the jobs.

    After `patience` failures in a row, or one that is hopeless, no further job begins; those under way are finished,
    so that nothing already paid for is lost. Then the first failure is raised.

    Raises
    ------
    UsageError
        If `concurrency` is less than 1.
    """
    if concurrency < 1:
        raise UsageError(f"The concurrency is {concurrency}; expected at least 1.")
    queue = list(enumerate(jobs))
    results: dict[int, R] = {}
    failures: list[HarnessError] = []
    in_a_row = 0
    waiting = iter(queue)

    async def worker() -> None:
        nonlocal in_a_row
        while in_a_row < patience and (following := next(waiting, None)) is not None:
            number, job = following
            try:
                results[number] = await work(job)
                in_a_row = 0
            except HarnessError as error:
                failures.append(error)
                in_a_row = patience if error.hopeless else in_a_row + 1

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, len(queue))):
                group.create_task(worker())
    except BaseExceptionGroup as group_of_failures:
        raise group_of_failures.exceptions[0] from None
    if failures:
        raise failures[0]
    return [results[number] for number, _ in queue]
