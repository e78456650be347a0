"""What a run may spend, and what it has spent: calls, tokens, money, time. Asked before every request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

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
        self._under_way = 0
        self.calls = self.tokens = 0
        self.cost = 0.0
        for request in before:
            self._add(request.prompt_tokens, request.cached_tokens, request.completion_tokens)

    def ask(self) -> None:
        """Begin a request, if it may be made.

        Raises
        ------
        BudgetSpent
            If a limit is reached, this request and those under way counted as the mean of those answered.
        """
        limits = self._limits
        to_come = self._under_way + 1  # those under way, whose size is not known yet, and this one
        if limits.calls is not None and self.calls + to_come > limits.calls:
            raise BudgetSpent(f"The limit of {limits.calls} calls is reached.")
        mean_tokens = self.tokens / self.calls if self.calls else 0.0
        if limits.tokens is not None and self.tokens + to_come * mean_tokens > limits.tokens:
            raise BudgetSpent(f"The limit of {limits.tokens:,} tokens is reached ({self.tokens:,} were used).")
        mean_cost = self.cost / self.calls if self.calls else 0.0
        if limits.cost is not None and self.cost + to_come * mean_cost > limits.cost:
            raise BudgetSpent(f"The limit of {limits.cost:g} USD is reached ({self.cost:.4f} were spent).")
        if limits.minutes is not None and self._clock() - self._began >= 60 * limits.minutes:
            raise BudgetSpent(f"The limit of {limits.minutes:g} minutes is reached.")
        self._under_way += 1

    def answered(self, prompt: int, cached: int, completion: int) -> None:
        """A request was answered, and took so many tokens."""
        self._under_way -= 1
        self._add(prompt, cached, completion)

    def failed(self) -> None:
        """A request brought nothing."""
        self._under_way -= 1

    def _add(self, prompt: int, cached: int, completion: int) -> None:
        self.calls += 1
        self.tokens += prompt + completion
        self.cost += cost_of(self._entry, prompt, cached, completion) or 0.0
