"""Requests of a run, worked out beforehand: against enumeration, against exact expectations, against each other."""

from __future__ import annotations

import numpy as np
import pytest

from harness.agents.script import Script
from harness.core.range import known
from harness.envs.registry import make
from harness.evaluation.plan import within
from harness.evaluation.prompts import Prompts
from harness.evaluation.rehearsal import of_episodes, of_states, unmet
from harness.evaluation.stand_ins import players, stand_ins
from harness.llm.lengths import Lengths
from harness.llm.registry import ReplyFormat
from harness.llm.structured import ReplyContract
from harness.mdp.linear import system
from harness.prompts.loader import load

CHARACTERS = Lengths(
    lambda messages: sum(len(m.content) for m in messages), lambda system: len(system.content), known(1.0), ""
)


def prompts(env, env_id="icu-sepsis", *, memory=0, once=True, kept=lambda messages: False):
    contract = ReplyContract(env.action_type, ReplyFormat.JSON)
    script = Script(load(env_id, "direct"), contract, {"env": env.spec.model_dump(), "examples": []}, memory)
    return Prompts(script, CHARACTERS, once=once, kept=kept)


@pytest.fixture(scope="module")
def expert(sepsis):
    return stand_ins(sepsis)[0]


def all_states(env):
    return (~env.mdp.terminal).astype(float)


def test_every_state_is_every_text_once(sepsis):
    made = prompts(sepsis)
    texts = {made.of_state(sepsis, int(s)) for s in sepsis.mdp.decision_states}
    found = of_states(sepsis, made, all_states(sepsis), "any")
    static = len(made.script.system.content)
    total = sum(static + len(text) for text in texts)
    assert (found.calls, found.prompts) == (known(len(texts)), known(total))
    assert found.shared.usual == pytest.approx((len(texts) - 1) * static)
    assert found.longest == static + max(map(len, texts))
    assert found.times(3).calls.usual == 3 * len(texts)
    assert found.times(3).shared.usual == pytest.approx(found.shared.usual + 2 * total)


def test_hidden_states_share_a_prompt_unless_each_is_drawn_for():
    env = make("sepsis-os-hidden")
    alike = of_states(env, prompts(env, "sepsis-os-hidden"), all_states(env), "any")
    each = of_states(env, prompts(env, "sepsis-os-hidden", once=False), all_states(env), "any")
    assert each.calls.usual == len(env.mdp.decision_states)
    assert alike.calls.usual == len({env.seen[s] for s in env.mdp.decision_states}) < each.calls.usual


def test_what_the_cache_holds_is_not_asked(sepsis):
    made = prompts(sepsis, kept=lambda messages: "SOFA 9" in messages[-1].content)
    cached = sum("SOFA 9" in made.of_state(sepsis, int(s)) for s in sepsis.mdp.decision_states)
    found = of_states(sepsis, made, all_states(sepsis), "any")
    assert 0 < found.from_cache <= cached
    assert (
        found.from_cache + found.calls.usual == of_states(sepsis, prompts(sepsis), all_states(sepsis), "").calls.usual
    )
    unasked = prompts(sepsis, once=False, kept=lambda messages: True)
    assert of_states(sepsis, unasked, all_states(sepsis), "").from_cache == 0


async def test_episodes_that_are_played_meet_what_the_chances_say(sepsis, expert):
    n = 100
    known_ = of_states(sepsis, prompts(sepsis), within(expert.meets, n), "expert")
    played = await of_episodes(sepsis, prompts(sepsis), expert.agent, n, "expert")
    assert played.rehearsed == 200
    assert played.calls.low < known_.calls.usual < played.calls.high
    assert played.calls.usual == pytest.approx(known_.calls.usual, rel=0.05)
    assert played.prompts.usual == pytest.approx(known_.prompts.usual, rel=0.05)
    assert played.decisions.usual == pytest.approx(n * expert.value.length, rel=0.1)


async def test_a_memory_lengthens_prompts_as_the_occupancy_says(sepsis, expert):
    """Full memory: a patient stands in the prompt of the decision and of every later one of the episode."""
    made = prompts(sepsis, memory=None, once=False)
    live = sepsis.mdp.decision_states
    P, _ = system(sepsis.mdp, expert.table)
    later = np.linalg.solve(np.eye(len(live)) - P.toarray(), np.ones(len(live)))  # decisions from here, this one too
    visits = expert.value.occupancy[live]
    patient = np.array([len(made.of_state(sepsis, int(s))) for s in live])
    reply = len('{"iv_fluid_level":0,"vasopressor_level":0}')
    static = len(made.script.system.content)
    expected = float(visits @ (static + patient * later + reply * (later - 1)))
    n = 400
    found = await of_episodes(sepsis, made, expert.agent, n, "expert")
    assert found.prompts.low < n * expected < found.prompts.high
    assert found.prompts.usual == pytest.approx(n * expected, rel=0.15)
    assert found.calls == found.decisions
    assert found.shared.usual < found.prompts.usual < found.shared.usual * 1.3  # each prompt begins with the last


async def test_a_window_is_longer_than_nothing_and_shorter_than_all(sepsis, expert):
    totals = [
        (await of_episodes(sepsis, prompts(sepsis, memory=m, once=False), expert.agent, 20, "")).prompts.usual
        for m in (0, 1, 3, None)
    ]
    assert totals == sorted(totals)
    assert len(set(totals)) == 4


async def test_prompts_that_come_again_in_a_long_run_are_asked_once(sepsis, expert):
    n = 5_000
    found = await of_episodes(sepsis, prompts(sepsis), expert.agent, n, "expert")
    exact = of_states(sepsis, prompts(sepsis), within(expert.meets, n), "expert").calls.usual
    assert found.calls.low <= exact <= found.calls.high
    assert found.calls.usual == pytest.approx(exact, rel=0.15)  # Chao's estimate is one from below


async def test_reference_agents_and_the_fallback_play_where_there_are_no_tables(sepsis):
    found = dict(players(sepsis))
    assert len(found) == 3
    played = await of_episodes(sepsis, prompts(sepsis), list(found.values())[-1], 2, "fallback")
    assert played.calls.usual > 0


def test_prompts_not_met_yet_are_few_where_those_met_come_again():
    assert unmet(100, 0, 9, 1_000) == 0.0
    assert unmet(100, 30, 30, 10**6) == pytest.approx(99 / 100 * 15)
    assert unmet(100, 900, 2, 100) == pytest.approx(900, rel=0.01)  # hardly any came again: as many in each episode
    assert unmet(100, 5, 0, 50) > 0.0
