"""Many awaitable jobs in this process, a bounded number at a time. Knows nothing of what they do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from harness.core.errors import HarnessError, UsageError

J = TypeVar("J")
R = TypeVar("R")


async def each(jobs: Iterable[J], work: Callable[[J], Awaitable[R]], concurrency: int) -> list[R]:
    """`work` done on every job, at most `concurrency` at a time; results in the order of the jobs.

    The first failure stops the rest and is raised.

    Raises
    ------
    UsageError
        If `concurrency` is less than 1.
    """
    if concurrency < 1:
        raise UsageError(f"The concurrency is {concurrency}; expected at least 1.")
    queue = list(enumerate(jobs))
    results: dict[int, R] = {}
    waiting = iter(queue)

    async def worker() -> None:
        for number, job in waiting:
            results[number] = await work(job)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, len(queue))):
                group.create_task(worker())
    except BaseExceptionGroup as failures:
        known, _ = failures.split(HarnessError)
        raise (known or failures).exceptions[0] from None
    return [results[number] for number, _ in queue]
