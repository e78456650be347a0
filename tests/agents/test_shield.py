"""A shield: what a rule vetoes is replaced by the nearest action allowed, counted, and the value stays exact."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.agents import registry as agents
from harness.agents.checks.check import ShieldMode
from harness.agents.shield import Rule, moved, replacements, rules, shielded
from harness.core.agent import Situation
from harness.core.errors import UsageError
from harness.core.run import TRACE
from harness.core.trace import read_episodes
from harness.envs.registry import make
from harness.evaluation import evaluate as evaluation
from harness.evaluation.config import Method, RunConfig
from harness.evaluation.recorded import read_decisions
from harness.mdp.evaluate import evaluate
from harness.reports import trace
from tests.conftest import as_json, hashed_action

CAP = "dose-cap:vasopressor_level=2"
SMALL = make("sepsis-os")


def config(server=None, **changes):
    base = {"env": "icu-sepsis", "method": Method.EXACT, "episodes": 2, "concurrency": 16}
    if server is not None:
        base |= {"base_url": server.base_url, "model_id": "fake"}
    return RunConfig(**(base | changes))


def nearest(env, state, wanted, allowed):
    """The definition, word for word: distance, then dose, then order."""
    vector = [list(action.model_dump().values()) for action in env.actions]

    def key(other):
        distance = sum(abs(a - b) for a, b in zip(vector[wanted], vector[other], strict=True))
        return distance, sum(vector[other]), other

    left = [a for a in range(len(vector)) if allowed[state, a]]
    return min(left, key=key) if left else env.fallback_actions[state]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.9), st.sampled_from(list(ShieldMode)))
def test_what_is_carried_out_is_allowed_and_nearest(seed, share, mode):
    rng = np.random.default_rng(seed)
    shape = SMALL.mdp.n_states, SMALL.mdp.n_actions
    allowed = rng.random(shape) > share
    instead = replacements(SMALL, [Rule("drawn", "drawn", allowed)], mode)
    states = rng.choice(SMALL.mdp.decision_states, 40)
    for state, wanted in zip(states, rng.integers(0, shape[1], 40), strict=True):
        if allowed[state, wanted]:
            assert instead[state, wanted] == wanted
        elif mode is ShieldMode.VETO:
            assert instead[state, wanted] == SMALL.fallback_actions[state]
        else:
            assert instead[state, wanted] == nearest(SMALL, state, wanted, allowed)
    table = rng.dirichlet(np.ones(shape[1]), shape[0])
    carried_out = moved(table, instead)
    assert carried_out.sum(axis=1) == pytest.approx(1.0)
    has_any = (allowed.any(axis=1) & ~SMALL.mdp.terminal)[:, None]
    if mode is ShieldMode.CORRECT:
        assert not (carried_out[~allowed & has_any] > 0).any()


@pytest.mark.parametrize("agent", ["random", "expert", "worst"])
@pytest.mark.parametrize("mode", list(ShieldMode))
async def test_a_shielded_table_has_its_exact_value(sepsis, tmp_path, agent, mode):
    table = agents.make(agent, sepsis).policy(sepsis.mdp)
    allowed = sepsis.mdp.admissible & np.array([a.vasopressor_level <= 2 for a in sepsis.actions])
    carried_out = np.zeros_like(table)
    for s in range(sepsis.mdp.n_states):
        for a in np.flatnonzero(table[s]):
            b = a if allowed[s, a] else nearest(sepsis, s, a, allowed)
            carried_out[s, b if mode is ShieldMode.CORRECT or allowed[s, a] else sepsis.fallback_actions[s]] += table[
                s, a
            ]
    expected = evaluate(sepsis.mdp, carried_out)
    summary = await evaluation.run(config(agent=agent, shield=("admissible", CAP), shield_mode=mode), tmp_path)
    assert summary.exact
    assert summary.agent == f"{agent}+shield"
    assert summary.value == pytest.approx(expected.J, abs=1e-9)
    shares = (table * ~allowed).sum(axis=1)
    live = sepsis.mdp.decision_states
    visits = expected.occupancy[live]
    assert summary.veto_share == pytest.approx(visits @ shares[live] / visits.sum(), abs=1e-9)
    assert summary.vetoes == (shares[live] > 0).sum()
    assert (summary.invalid_actions, summary.repaired_actions) == (0, 0)


async def test_a_rollout_agrees_with_the_exact_value_and_counts_its_vetoes(sepsis, tmp_path):
    exact = await evaluation.run(config(agent="random", shield=(CAP,)), tmp_path)
    rolled = config(agent="random", shield=(CAP,), method=Method.ROLLOUT, episodes=200)
    summary = await evaluation.run(rolled, tmp_path)
    assert abs(summary.value - exact.value) < summary.upper - summary.lower
    assert summary.veto_share_lower < 0.4 < summary.veto_share_upper  # chance wants one of five levels
    steps = [step for e in read_episodes(Path(summary.run_dir) / TRACE) for step in e.steps]
    vetoed = [step for step in steps if "veto" in step.decision]
    assert len(vetoed) == summary.vetoes
    assert summary.veto_share == pytest.approx(len(vetoed) / len(steps))
    assert all(step.action["vasopressor_level"] == 2 for step in vetoed)
    assert all(step.decision["veto"]["wanted"]["vasopressor_level"] > 2 for step in vetoed)
    assert all(step.action["iv_fluid_level"] == step.decision["veto"]["wanted"]["iv_fluid_level"] for step in vetoed)
    assert all(step.decision["outcome"] == "ok" for step in vetoed)


async def test_a_model_behind_a_shield(sepsis, server, tmp_path):
    """Exact, with a value that anyone can compute; an unusable reply stays invalid and is no veto."""

    def answer(question):
        index = hashed_action(question)
        return "No." if index == 7 or "cannot be used" in question else as_json(index)

    server.answer = answer
    summary = await evaluation.run(config(server, shield=("admissible",)), tmp_path)
    allowed = sepsis.mdp.admissible
    row = np.zeros((sepsis.mdp.n_states, 25))
    vetoes = 0
    lines = {line.state: line for line in read_decisions(Path(summary.run_dir))}
    for s in sepsis.mdp.decision_states:
        wanted = hashed_action(lines[s].prompt)
        if wanted == 7:
            assert (lines[s].outcome, lines[s].veto) == ("invalid", None)
            row[s, sepsis.fallback_actions[s]] = 1.0
            continue
        vetoes += not allowed[s, wanted]
        assert (lines[s].veto is not None) == (not allowed[s, wanted])
        row[s, wanted if allowed[s, wanted] else nearest(sepsis, s, wanted, allowed)] = 1.0
    row[713:, 0] = 1.0
    assert summary.exact
    assert summary.value == pytest.approx(evaluate(sepsis.mdp, row).J, abs=1e-9)
    assert summary.vetoes == vetoes
    assert 0 < summary.veto_share < 1
    text = "\n".join(trace.worst(Path(summary.run_dir), 700))
    assert text.count("vetoed by admissible: the data do not support it for this patient") > 100


async def test_probabilities_of_a_decision_are_moved_too(sepsis):
    inner = agents.make("random", sepsis)
    agent = shielded(inner, sepsis, rules([CAP], sepsis), ShieldMode.CORRECT)
    table = agent.policy(sepsis.mdp)
    for step in range(30):
        situation = Situation(partial(sepsis.why_illegal_in, 3), seed=100_000, step=step)
        decision = await agent.act(sepsis.observe(3), situation)
        wanted = (await inner.act(sepsis.observe(3), situation)).action
        assert decision.probabilities == pytest.approx(table[3])
        done = decision.veto.wanted if decision.veto else decision.action.model_dump()
        assert done == wanted.model_dump()
        assert decision.veto_share == pytest.approx(0.4)
        assert decision.action.vasopressor_level == min(wanted.vasopressor_level, 2)


@pytest.mark.parametrize(
    ("env", "name", "sentence"),
    [
        ("icu-sepsis", "admisible", "no rule of a shield 'admisible'. Did you mean 'admissible'"),
        ("icu-sepsis", "admissible:x", "takes no 'x'"),
        ("icu-sepsis", "dose-cap:vasopressor_level", "expected dose-cap:FIELD=MAX with a whole number"),
        ("icu-sepsis", "dose-cap:vasopressor_level=-1", "with a whole number"),
        ("icu-sepsis", "dose-cap:vasopresor_level=2", "Did you mean 'vasopressor_level'"),
        ("icu-sepsis", "dose-cap:vasopressor_level=4", "vetoes nothing in icu-sepsis"),
        ("sepsis-os", "admissible", "vetoes nothing in sepsis-os"),
    ],
)
def test_a_rule_that_is_none_is_a_sentence(env, name, sentence):
    with pytest.raises(UsageError, match=sentence):
        rules([name], make(env))


def test_the_shield_on_the_command_line(harness_here):
    words = ["eval", "--agent", "random", "--shield", "admissible", "--shield", CAP, "--quiet"]
    done = harness_here(*words)
    assert done.returncode == 0, done.stderr
    for text in ("random+shield", "shield admissible, dose-cap:vasopressor_level=2 (correct)", "vetoed"):
        assert text in done.stdout
    summary = json.loads(harness_here(*words, "--json").stdout)
    assert summary["shield_mode"] == "correct"
    assert 0 < summary["inadmissible_share"] < 0.01  # in a few states nothing admissible is below the cap
    assert summary["veto_share"] > 0.4
    alone = harness_here("eval", "--agent", "random", "--shield-mode", "veto")
    assert "--shield-mode belongs to --shield" in alone.stderr
