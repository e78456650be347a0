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


class VirtualTime(asyncio.SelectorEventLoop):
    """A loop whose clock goes on by what it would wait, and that waits for nothing but its own wake-ups."""

    now = 0.0

    def __init__(self):
        super().__init__()
        real = self._selector.select

        def passed(timeout=None):
            if timeout is None:
                return real(None)
            self.now += timeout
            return real(0)

        self._selector.select = passed

    def time(self):
        return self.now


def in_virtual_time(main):
    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        return runner.run(main)


def now():
    return asyncio.get_running_loop().time()


async def answered(rate, most, used, latency):
    """When a request began, by the rate, and what it took."""
    turn = await rate.turn(most)
    began = now()
    await asyncio.sleep(latency)
    rate.used(turn, used)
    return began, used


requests = st.lists(st.tuples(st.integers(1, 400), st.floats(0.0, 1.0), st.floats(0.0, 90.0)), min_size=1, max_size=60)
"""Of each request the tokens that it may take, the share of them that it does, and after how many seconds."""


@settings(deadline=None, max_examples=100)
@given(requests, st.integers(1, 20) | st.none(), st.integers(400, 2_000) | st.none())
def test_no_minute_holds_more_requests_and_tokens_than_allowed(sizes, most_requests, most_tokens):
    async def burst():
        rate = Rate(most_requests, most_tokens, now)
        return await asyncio.gather(*(answered(rate, most, int(part * most), s) for most, part, s in sizes))

    made = in_virtual_time(burst())
    for start, _ in made:
        minute = [used for began, used in made if start <= began and began - start < 60.0 - 1e-9]
        assert most_requests is None or len(minute) <= most_requests
        assert most_tokens is None or sum(minute) <= most_tokens


def test_a_request_goes_as_soon_as_the_others_turn_out_short():
    async def burst(used):
        rate = Rate(None, 1_200, now)
        return [began for began, _ in await asyncio.gather(*(answered(rate, 500, used, 2.0) for _ in range(6)))]

    assert in_virtual_time(burst(500)) == pytest.approx([0, 0, 60, 60, 120, 120])
    assert in_virtual_time(burst(50)) == pytest.approx([0, 0, 2, 2, 4, 4])
    assert in_virtual_time(burst(2_000)) == pytest.approx([0, 0, 60, 60, 120, 120])


def test_a_request_beyond_what_a_minute_allows_goes_alone():
    async def three():
        rate = Rate(None, 100, now)
        return [began for began, _ in await asyncio.gather(*(answered(rate, 500, 90, 2.0) for _ in range(3)))]

    assert in_virtual_time(three()) == pytest.approx([0, 60, 120])


ENTRY = served("http://127.0.0.1:1/v1", "m").model_copy(
    update={"price_prompt": 1.0, "price_completion": 2.0, "price_cached": 0.5}
)


async def asked(budget, prompt, completion, part, latency):
    """Whether a request was made that took `part` of the completion that it might."""
    try:
        async with budget.held(prompt, completion):
            await asyncio.sleep(latency)
            if latency < 80:  # else it fails
                budget.spend(prompt, 0, int(part * completion))
    except BudgetSpent:
        return False
    return True


LIMITS = st.one_of(
    st.builds(Limits, calls=st.integers(1, 40)),
    st.builds(Limits, tokens=st.integers(1, 10_000)),
    st.builds(Limits, cost=st.floats(1e-6, 1e-2)),
)


@settings(deadline=None, max_examples=100)
@given(LIMITS, requests)
def test_a_budget_is_never_overshot_and_stops_nothing_that_fits(limits, sizes):
    budget = Budget(limits, ENTRY)

    async def burst():
        return await asyncio.gather(*(asked(budget, 30, most, part, s) for most, part, s in sizes))

    made = in_virtual_time(burst())
    assert limits.calls is None or budget.calls <= limits.calls
    assert limits.tokens is None or budget.tokens <= limits.tokens
    assert limits.cost is None or budget.cost <= limits.cost
    for (most, _, _), done in zip(sizes, made, strict=True):
        if not done:
            assert limits.calls is None or budget.calls == limits.calls
            assert limits.tokens is None or budget.tokens + 30 + most > limits.tokens
            assert limits.cost is None or budget.cost + (30 + 2 * most) / 1e6 > limits.cost


def test_cached_tokens_have_a_price_of_their_own():
    assert cost_of(ENTRY, 1_000_000, 400_000, 500_000) == pytest.approx(0.6 + 0.2 + 1.0)
    assert cost_of(served("http://127.0.0.1:1/v1", "m"), 1, 0, 1) is None
    with pytest.raises(UsageError, match="--max-cost needs the price of 'm'"):
        Budget(Limits(cost=1.0), served("http://127.0.0.1:1/v1", "m"))


async def test_tokens_money_and_time_stop_with_a_sentence():
    clock = Clock()
    for limits, sentence in (
        (Limits(tokens=100), r"limit of 100 tokens is reached \(99 were used, the next request may take 33\)"),
        (Limits(cost=1e-4), r"limit of 0.0001 USD is reached \(0.0001 were spent, the next request may cost 0.0000\)"),
        (Limits(minutes=2), "limit of 2 minutes"),
    ):
        budget = Budget(limits, ENTRY, clock=clock)

        async def spend(budget=budget):
            for _ in range(1_000):
                async with budget.held(30, 3):
                    budget.spend(30, 0, 3)
                    clock.now += 50

        with pytest.raises(BudgetSpent, match=sentence):
            await spend()
        assert limits.any
    assert not Limits().any


async def test_what_an_earlier_session_spent_counts():
    before = [Request(key=str(i), run="r", prompt_tokens=10, completion_tokens=1) for i in range(5)]
    budget = Budget(Limits(calls=6), ENTRY, before)
    assert math.isclose(budget.cost, 5 * 12e-6)
    async with budget.held(10, 1):
        budget.spend(10, 0, 1)
    with pytest.raises(BudgetSpent):
        async with budget.held(10, 1):
            pass
