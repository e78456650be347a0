"""How fast to ask: as many requests at a time as the server bears, and no more a minute than it allows."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

CALM_S = 1.0
"""Refusals within this time of the last one are of the same burst, and halve nothing again."""

MINUTE_S = 60.0


class Gate:
    """Requests in flight, adapted to what the server bears: one more after each full round, half after a 429.

    Additive increase and multiplicative decrease (Chiu and Jain 1989).

    Parameters
    ----------
    most : int
        Never more than this.
    clock : function
        Seconds, from any origin.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._limit = float(most)
        self._in_flight = 0
        self._clock = clock
        self._halved = -CALM_S
        self._changed = asyncio.Condition()

    @property
    def limit(self) -> int:
        """How many requests may be in flight now."""
        return max(int(self._limit), 1)

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        """Wait for a place among the requests in flight, and hold it."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._in_flight < self.limit)
            self._in_flight += 1
        try:
            yield
        finally:
            async with self._changed:
                self._in_flight -= 1
                self._changed.notify()

    async def answered(self) -> None:
        """The server answered."""
        self._limit = min(self._limit + 1.0 / self._limit, float(self._most))
        async with self._changed:
            self._changed.notify()

    def refused(self) -> None:
        """The server said that it is asked too often."""
        now = self._clock()
        if now - self._halved >= CALM_S:
            self._halved = now
            self._limit = max(self._limit / 2, 1.0)


@dataclass
class Turn:
    """A request within the minute: when it began, and the tokens that it takes, at most until it is answered."""

    began: float
    tokens: int


class Rate:
    """No more than so many requests and tokens in any minute.

    Parameters
    ----------
    requests, tokens : int or None
        Per minute; None is no limit.
    clock : function
        Seconds, from any origin.
    """

    def __init__(self, requests: int | None, tokens: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._requests = requests
        self._tokens = tokens
        self._clock = clock
        self._recent: deque[Turn] = deque()
        self._queue = asyncio.Lock()
        self._corrected = asyncio.Event()

    async def turn(self, tokens: int) -> Turn:
        """Wait until one more request, of at most so many tokens, fits into the minute; one beyond it goes alone."""
        if self._requests is None and self._tokens is None:
            return Turn(self._clock(), tokens)
        async with self._queue:
            while (wait := self._wait(tokens)) > 0:
                self._corrected.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._corrected.wait()
            turn = Turn(self._clock(), tokens)
            self._recent.append(turn)
            return turn

    def used(self, turn: Turn, tokens: int) -> None:
        """A request was answered, and took so many tokens."""
        turn.tokens = tokens
        self._corrected.set()

    def _wait(self, tokens: int) -> float:
        now = self._clock()
        while self._recent and self._recent[0].began + MINUTE_S <= now:
            self._recent.popleft()
        full = self._requests is not None and len(self._recent) >= self._requests
        if self._tokens is not None and self._recent:
            full = full or sum(turn.tokens for turn in self._recent) + tokens > self._tokens
        return self._recent[0].began + MINUTE_S - now if full else 0.0
