"""How fast is asked: halved by a refusal, never above what a minute allows, and never beyond the budget."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.agent import Request
from harness.core.errors import BudgetSpent, UsageError
from harness.llm.budget import Budget, Limits, cost_of
from harness.llm.load import CALM_S, Gate, Rate
from harness.llm.registry import served


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


async def test_a_refusal_halves_once_a_burst_and_answers_raise_again():
    clock = Clock()
    gate = Gate(16, clock)
    gate.refused()
    gate.refused()
    assert gate.limit == 8
    clock.now += CALM_S
    gate.refused()
    assert gate.limit == 4
    for _ in range(200):
        await gate.answered()
    assert gate.limit == 16
    for _ in range(10):
        clock.now += CALM_S
        gate.refused()
    assert gate.limit == 1


async def test_no_more_are_in_flight_than_the_gate_lets():
    gate, most, now = Gate(3), 0, 0

    async def one():
        nonlocal most, now
        async with gate.passing():
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.001)
            now -= 1

    await asyncio.gather(*(one() for _ in range(20)))
    assert (most, now) == (3, 0)


async def test_a_minute_holds_so_many_requests_and_tokens(monkeypatch):
    clock = Clock()
    waits = []

    async def sleep(seconds):
        waits.append(seconds)
        clock.now += seconds

    monkeypatch.setattr(asyncio, "sleep", sleep)
    rate = Rate(requests=10, tokens=None, clock=clock)
    for _ in range(25):
        await rate.turn()
    assert clock.now == pytest.approx(120.0)
    rate = Rate(requests=None, tokens=1_000, clock=clock)
    rate.used(400)
    began = clock.now
    for _ in range(5):
        await rate.turn()
        rate.used(400)
    assert clock.now - began >= 120.0 - 1e-9


ENTRY = served("http://127.0.0.1:1/v1", "m").model_copy(
    update={"price_prompt": 1.0, "price_completion": 2.0, "price_cached": 0.5}
)


def test_cached_tokens_have_a_price_of_their_own():
    assert cost_of(ENTRY, 1_000_000, 400_000, 500_000) == pytest.approx(0.6 + 0.2 + 1.0)
    assert cost_of(served("http://127.0.0.1:1/v1", "m"), 1, 0, 1) is None
    with pytest.raises(UsageError, match="--max-cost needs the price of 'm'"):
        Budget(Limits(cost=1.0), served("http://127.0.0.1:1/v1", "m"))


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.integers(1, 12))
def test_no_more_calls_are_made_than_allowed_however_many_are_under_way(most, at_a_time):
    budget = Budget(Limits(calls=most), ENTRY)
    made = under_way = 0
    for _ in range(most):
        budget.ask()
        under_way += 1
        if under_way == at_a_time:
            budget.answered(10, 0, 1)
            under_way -= 1
            made += 1
    with pytest.raises(BudgetSpent, match=f"limit of {most} calls"):
        budget.ask()
    assert made + under_way == most


def test_tokens_money_and_time_stop_too():
    clock = Clock()
    spent = [
        (Limits(tokens=100), "limit of 100 tokens is reached \\(99 were used\\)", lambda b: [b.answered(30, 0, 3)]),
        (Limits(cost=1e-4), "limit of 0.0001 USD", lambda b: [b.answered(30, 0, 3)]),
        (
            Limits(minutes=2),
            "limit of 2 minutes",
            lambda b: [b.answered(1, 0, 1), setattr(clock, "now", clock.now + 50)],
        ),
    ]
    for limits, sentence, answer in spent:
        budget = Budget(limits, ENTRY, clock=clock)

        def spend(budget=budget, answer=answer):
            for _ in range(1_000):
                budget.ask()
                answer(budget)

        with pytest.raises(BudgetSpent, match=sentence):
            spend()
        assert limits.any
    assert not Limits().any


def test_requests_under_way_are_counted_as_the_mean_of_those_answered():
    budget = Budget(Limits(tokens=100), ENTRY)
    budget.ask()
    budget.answered(9, 0, 1)
    for _ in range(9):  # 10 used, and nine of 10 each to come
        budget.ask()
    with pytest.raises(BudgetSpent, match="10 were used"):
        budget.ask()
    budget.failed()
    budget.ask()


def test_what_an_earlier_session_spent_counts():
    before = [Request(key=str(i), run="r", prompt_tokens=10, completion_tokens=1) for i in range(5)]
    budget = Budget(Limits(calls=6), ENTRY, before)
    budget.ask()
    with pytest.raises(BudgetSpent):
        budget.ask()
    assert math.isclose(budget.cost, 5 * 12e-6)
