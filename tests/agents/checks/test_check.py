"""A shield without a list of actions: what a check vetoes is replaced by what it names, and counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.agents.checks.check import Check, Checked, Ruling, ShieldMode
from harness.agents.shield import rules, shielded
from harness.core.agent import Decision, Situation
from harness.core.errors import UsageError
from harness.core.run import TRACE
from harness.core.trace import read_episodes
from harness.envs.polypharmacy.options import Intervention
from harness.envs.polypharmacy.review import FINISH, ask, change
from harness.envs.registry import make
from harness.evaluation import evaluate as evaluation
from harness.evaluation.config import Method, RunConfig
from harness.evaluation.job import Observers
from harness.reports import trace

ENV = make("polypharmacy/complex-tradeoff")
STOP, MONITOR, REDUCE = Intervention.STOP, Intervention.ADD_MONITORING, Intervention.DOSE_REDUCE


class Wants:
    """Always wants the same."""

    id, memoryless = "wants", True

    def __init__(self, action):
        self.action = action

    async def act(self, observation, situation):
        return Decision(action=self.action, rationale="because")

    async def close(self):
        pass


async def decided(shown, action, *names, mode=ShieldMode.CORRECT):
    agent = shielded(Wants(action), ENV, rules(names, ENV), mode)
    return await agent.act(shown, Situation(ENV.why_illegal, seed=1))


def critical_drug(*, taper=False):
    """An observation, a critical drug in it (that withdrawal makes so, or not), and one that is not."""
    for seed in range(50):
        shown = ENV.reset(seed)
        critical = [m.drug for m in shown.medications if m.critical and m.taper == taper]
        others = [m.drug for m in shown.medications if not m.critical]
        if critical and others:
            return shown, critical[0], others[0]
    raise AssertionError


async def test_a_critical_drug_is_monitored_then_reduced_instead_of_stopped():
    shown, drug, other = critical_drug()
    found = await decided(shown, change(drug, STOP), "no-stop-critical")
    assert found.action == change(drug, MONITOR)
    assert (found.veto.rule, found.veto_share) == ("no-stop-critical", 1.0)
    assert found.veto.wanted["action"]["intervention_type"] == "stop"
    assert f"to stop {drug} abruptly is dangerous" in found.veto.reason
    assert found.rationale == "because"
    ENV.step(change(drug, MONITOR))
    shown = ENV.step(change(other, MONITOR)).observation
    assert (await decided(shown, change(drug, STOP), "no-stop-critical")).action == change(drug, REDUCE)
    shown = ENV.step(change(drug, REDUCE)).observation
    assert (await decided(shown, change(drug, STOP), "no-stop-critical")).action == FINISH


async def test_a_drug_with_withdrawal_is_reduced_and_may_then_be_stopped():
    shown, drug, _ = critical_drug(taper=True)
    assert (await decided(shown, change(drug, STOP), "no-stop-critical")).action == change(drug, REDUCE)
    shown = ENV.step(change(drug, REDUCE)).observation
    found = await decided(shown, change(drug, STOP), "no-stop-critical")
    assert found.action == change(drug, STOP)
    assert found.veto is None


async def test_what_is_allowed_passes_unchanged():
    shown, drug, other = critical_drug()
    for action in (change(other, STOP), change(drug, REDUCE), ask(drug, other), FINISH):
        found = await decided(shown, action, "no-stop-critical", "known-drugs")
        assert (found.action, found.veto, found.veto_share) == (action, None, 0.0)


async def test_a_slip_of_the_pen_is_put_right_and_a_drug_from_nowhere_is_not():
    shown, drug, other = critical_drug()
    found = await decided(shown, ask(drug[:-1], other), "known-drugs")
    assert found.action == ask(drug, other)
    assert "is no drug that can be meant" in found.veto.reason
    assert (await decided(shown, ask("unobtainium", other), "known-drugs")).action == FINISH
    new = change(drug, Intervention.SUBSTITUTE, "metformine")
    assert (await decided(shown, new, "known-drugs")).action == change(drug, Intervention.SUBSTITUTE, "metformin")


async def test_a_correction_is_looked_at_by_every_check_and_corrected_again():
    shown, drug, _ = critical_drug()
    found = await decided(shown, change(drug[:-1], STOP), "known-drugs", "no-stop-critical")
    assert found.action == change(drug, MONITOR)  # put right it would be a critical drug stopped
    assert (found.veto.rule, found.veto.also) == ("known-drugs", ())


async def test_every_rule_against_an_action_is_told_and_rules_that_undo_one_another_end_at_the_fallback():
    shown, drug, other = critical_drug()
    back_and_forth = [
        Check(f"not-{name}", lambda o, a, one=one, two=two: Ruling(f"not {one}", two) if a == one else None)
        for name, one, two in (
            ("a", ask(drug, other), change(drug, REDUCE)),
            ("b", change(drug, REDUCE), ask(drug, other)),
        )
    ]
    never = Check("never", lambda o, a: Ruling("never", None) if a != FINISH else None)
    agent = shielded(Wants(ask(drug, other)), ENV, [*back_and_forth, never], ShieldMode.CORRECT)
    found = await agent.act(shown, Situation(ENV.why_illegal, seed=1))
    assert found.action == FINISH
    assert (found.veto.rule, found.veto.also) == ("not-a", ("never: never",))


async def test_with_veto_the_fallback_takes_the_place():
    shown, drug, _ = critical_drug()
    found = await decided(shown, change(drug, STOP), "no-stop-critical", mode=ShieldMode.VETO)
    assert found.action == FINISH


async def test_no_legal_action_is_not_the_shield_s_business():
    nobody = Checked(Wants(None), ENV, [Check("all", lambda o, a: Ruling("no", None))], ShieldMode.CORRECT)
    decision = await nobody.act(ENV.reset(0), Situation(ENV.why_illegal))
    assert (decision.action, decision.veto) == (None, None)


async def test_a_shielded_run_counts_its_vetoes(tmp_path):
    config = RunConfig(
        env="polypharmacy/complex-tradeoff",
        agent="random",
        method=Method.ROLLOUT,
        episodes=15,
        shield=("no-stop-critical",),
    )
    summary = await evaluation.run(config, tmp_path, Observers())
    steps = [step for e in read_episodes(Path(summary.run_dir) / TRACE) for step in e.steps]
    vetoed = [step for step in steps if "veto" in step.decision]
    assert summary.agent == "random+shield"
    assert len(vetoed) == summary.vetoes > 0
    assert summary.veto_share == pytest.approx(len(vetoed) / len(steps))
    assert all(step.action["action"]["intervention_type"] != "stop" for step in vetoed)
    text = "\n".join(trace.episode(Path(summary.run_dir), _episode_of(Path(summary.run_dir), vetoed[0])))
    assert "vetoed by no-stop-critical: to stop" in text
    assert "action_type propose_intervention target_drug_id" in text


def _episode_of(run, step):
    return next(e.end.episode for e in read_episodes(run / TRACE) if step in e.steps)


@pytest.mark.parametrize(
    ("env", "name", "sentence"),
    [
        (
            "polypharmacy/easy-screening",
            "admissible",
            "needs a list of actions, and polypharmacy/easy-screening has none",
        ),
        ("polypharmacy/easy-screening", "dose-cap:x=1", "The rule 'dose-cap' needs a list of actions"),
        ("polypharmacy/easy-screening", "known-drugs:x", "takes no 'x'; expected --shield known-drugs"),
        ("icu-sepsis", "no-stop-critical", "is about reviews of medications, and icu-sepsis is none"),
        ("icu-sepsis", "known-drugs", "is about reviews of medications"),
    ],
)
def test_a_rule_of_another_task_is_a_sentence(env, name, sentence):
    with pytest.raises(UsageError, match=sentence):
        rules([name], make(env))
