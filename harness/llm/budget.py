"""What a run may spend, and what it has spent: calls, tokens, money, time. Asked before every request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from pydantic import BaseModel, ConfigDict, Field

from harness.core.agent import Request
from harness.core.errors import BudgetSpent, UsageError
from harness.llm.registry import ModelEntry


class Limits(BaseModel):
    """What a run may spend; None is no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calls: int | None = Field(None, ge=1)
    tokens: int | None = Field(None, ge=1, description="prompt and completion together")
    cost: float | None = Field(None, gt=0, description="USD")
    minutes: float | None = Field(None, gt=0)

    @property
    def any(self) -> bool:
        """Whether there is a limit at all."""
        return any(limit is not None for limit in (self.calls, self.tokens, self.cost, self.minutes))


def cost_of(entry: ModelEntry, prompt: int, cached: int, completion: int) -> float | None:
    """USD for so many tokens, `cached` of them read from the server's own cache; None without a price."""
    if entry.price_prompt is None or entry.price_completion is None:
        return None
    cached_price = entry.price_prompt if entry.price_cached is None else entry.price_cached
    return ((prompt - cached) * entry.price_prompt + cached * cached_price + completion * entry.price_completion) / 1e6


class Budget:
    """Spending of one run.

    Parameters
    ----------
    limits : Limits
    entry : ModelEntry
        Holds the prices.
    before : requests that the run made in earlier sessions

    Raises
    ------
    UsageError
        If a cost is limited and the model has no price.
    """

    def __init__(
        self,
        limits: Limits,
        entry: ModelEntry,
        before: Iterable[Request] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if limits.cost is not None and cost_of(entry, 0, 0, 0) is None:
            raise UsageError(
                f"--max-cost needs the price of '{entry.alias}': set price_prompt and price_completion (USD per million"
                " tokens) in its entry of harness.models.toml."
            )
        self._limits = limits
        self._entry = entry
        self._clock = clock
        self._began = clock()
        self._under_way: list[tuple[int, float]] = []
        self._released = asyncio.Event()
        self.calls = self.tokens = 0
        self.cost = 0.0
        for request in before:
            self.spend(request.prompt_tokens, request.cached_tokens, request.completion_tokens)

    @asynccontextmanager
    async def held(self, prompt: int, completion: int) -> AsyncIterator[None]:
        """Hold what a request may take, at most so many tokens, while it is under way.

        Waits while it would fit only if those under way take less than is held for them.

        Raises
        ------
        BudgetSpent
            If it may take more than is left.
        """
        most = prompt + completion, cost_of(self._entry, prompt, 0, completion) or 0.0
        while (reached := self._reached(*most)) is not None:
            if not self._under_way:
                raise BudgetSpent(reached)
            self._released.clear()
            await self._released.wait()
        self._under_way.append(most)
        try:
            yield
        finally:
            self._under_way.remove(most)
            self._released.set()

    def spend(self, prompt: int, cached: int, completion: int) -> None:
        """A request was answered, and took so many tokens."""
        self.calls += 1
        self.tokens += prompt + completion
        self.cost += cost_of(self._entry, prompt, cached, completion) or 0.0

    def _reached(self, tokens: int, cost: float) -> str | None:
        """Which limit does not let a request begin that may take so much; None if none."""
        limits = self._limits
        tokens_held = sum(tokens for tokens, _ in self._under_way)
        cost_held = sum(cost for _, cost in self._under_way)
        if limits.calls is not None and self.calls + len(self._under_way) >= limits.calls:
            return f"The limit of {limits.calls} calls is reached."
        if limits.tokens is not None and self.tokens + tokens_held + tokens > limits.tokens:
            spent = f"{self.tokens:,} were used, the next request may take {tokens:,}"
            return f"The limit of {limits.tokens:,} tokens is reached ({spent})."
        if limits.cost is not None and self.cost + cost_held + cost > limits.cost:
            spent = f"{self.cost:.4f} were spent, the next request may cost {cost:.4f}"
            return f"The limit of {limits.cost:g} USD is reached ({spent})."
        if limits.minutes is not None and self._clock() - self._began >= 60 * limits.minutes:
            return f"The limit of {limits.minutes:g} minutes is reached."
        return None
