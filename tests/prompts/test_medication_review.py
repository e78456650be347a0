"""The prompts of the medication review: what they say of the rules is so, and nothing of the list is lost."""

from __future__ import annotations

import random

import pytest

from harness.agents import registry as agents
from harness.agents.examples import examples
from harness.core.agent import Situation
from harness.core.errors import UsageError
from harness.core.seeds import TRAINING_SEEDS
from harness.envs.polypharmacy import harm, original
from harness.envs.polypharmacy.environment import MedicationReview
from harness.envs.polypharmacy.interactions import MANAGED, SEVERITY
from harness.envs.polypharmacy.rows import BeersKind, Severity
from harness.envs.registry import make
from harness.llm.registry import ReplyFormat
from harness.llm.structured import ReplyContract
from harness.prompts.find import find
from harness.prompts.lint import lint
from harness.prompts.loader import Source, load, styles
from harness.prompts.render import render

ENV_ID = "polypharmacy/complex-tradeoff"
ENV = make(ENV_ID)
STYLES = ("direct", "few_shot", "reasoned")


def test_tasks_of_a_family_share_their_prompts():
    assert styles(ENV_ID) == styles("polypharmacy/easy-screening") == list(STYLES)
    assert find(f"{ENV_ID}/reasoned") == (ENV_ID, "reasoned")
    assert find("direct", ENV_ID) == (ENV_ID, "direct")


@pytest.mark.parametrize("style", STYLES)
def test_every_number_of_the_rules_is_the_one_in_the_code(style):
    system, _ = render(ENV, load(ENV_ID, style), ReplyFormat.JSON, ENV.reset(0))
    beers, text = original.BEERS_WEIGHTS, " ".join(system.content.split())
    assert MANAGED == 0.5
    for sentence in (
        f"Costs {original.QUERY_COST:.3f}.",
        f"Costs {original.INTERVENTION_COST:.3f} and earns",
        f"contraindicated {SEVERITY[Severity.CONTRAINDICATED]:.2f}, severe {SEVERITY[Severity.SEVERE]:.2f}, moderate "
        f"{SEVERITY[Severity.MODERATE]:.2f}, minor {SEVERITY[Severity.MINOR]:.2f}, half of it if",
        f"Beers avoid {beers[BeersKind.AVOID]:.2f}, avoid with a condition {beers[BeersKind.AVOID_IN_CONDITION]:.2f}, "
        f"caution {beers[BeersKind.CAUTION]:.2f}, dose too high {beers[BeersKind.DOSE_ADJUST]:.2f}",
        "vital {vital:.2f}, major {major:.2f}, minor {minor:.2f}".format(**harm.UNTREATED),
        f"critical drug stopped {original.CRITICAL_STOP:.2f}, or nothing if it says taper",
        f"drug without a reason {harm.NO_REASON:.2f}",
        f"refuse costs {original.INVALID_COST:.2f}",
        f"Running out of steps costs {original.TIMEOUT_COST:.2f}",
    ):
        assert sentence in text


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("seed", range(3))
def test_a_patient_s_text_has_all_that_is_shown(style, seed):
    shown, chosen = ENV.reset(100_000 + seed), random.Random(seed)
    prompt = load(ENV_ID, style)
    while not shown.done:
        _, message = render(ENV, prompt, ReplyFormat.JSON, shown)
        text = message.content
        listed = text[text.index("Takes, a day:") :].split("Asked:")[0].split("Changed:")[0].split("Left:")[0]
        for m in shown.medications:
            assert (f"- {m.drug} {m.dose:g} {m.unit}" in listed) != m.stopped
            assert m.stopped or all(f"! {flag}" in listed for flag in m.flags)
        for q in shown.queries:
            assert f"{q.drug_id_1} + {q.drug_id_2}: {q.severity}" in text
            assert all(finding.management in text for finding in q.findings)
        assert text.count("\n- ") == len(
            [m for m in shown.medications if not m.stopped] + list(shown.queries) + list(shown.interventions)
        )
        assert (f"The last step was refused: {shown.problem}." in text) == (shown.problem is not None)
        left = f"{shown.queries_left} questions, {shown.interventions_left} changes, {shown.steps_left} steps"
        assert text.endswith(f"Left: {left}.")
        assert "\n\n\n" not in text
        shown = ENV.step(chosen.choice(list(ENV._state.actions())[:-1] or [ENV.fallback()])).observation


@pytest.mark.parametrize("style", STYLES)
def test_nothing_is_found_wrong_with_them(style):
    report = lint(make("polypharmacy/budgeted-screening"), "polypharmacy/budgeted-screening", style, ReplyFormat.JSON)
    assert report.findings == ()


@pytest.mark.parametrize("source", list(Source))
def test_examples_are_what_their_source_did_in_training_seeds(source, monkeypatch):
    played = []
    reset = MedicationReview.reset
    monkeypatch.setattr(MedicationReview, "reset", lambda env, seed: (played.append(seed), reset(env, seed))[1])
    env, prompt = make(ENV_ID), load(ENV_ID, "few_shot")
    contract = ReplyContract(env.action_type, ReplyFormat.JSON)
    found = examples(env, prompt, contract, 4, source)
    assert len(found) == 4
    assert all(seed in TRAINING_SEEDS for seed in played)
    agent = agents.make(source, env)
    static, texts = {"env": env.spec.model_dump(), "reply": ""}, {}
    for seed in tuple(played):
        shown, step = env.reset(seed), 0
        while not shown.done:
            action = agent.decide(shown, Situation(env.why_illegal, seed=seed, step=step))
            texts[prompt.observation_message(static, shown.model_dump()).content] = contract.write(action)
            shown, step = env.step(action).observation, step + 1
    assert all(texts[example["patient"]] == example["reply"] for example in found)


def test_who_cannot_show_what_it_would_do_is_a_sentence(monkeypatch):
    class Silent:
        id, memoryless = "silent", True

        async def act(self, observation, situation):
            raise AssertionError

    monkeypatch.setattr(agents, "make", lambda name, env: Silent())
    contract = ReplyContract(ENV.action_type, ReplyFormat.JSON)
    with pytest.raises(UsageError, match="The agent 'silent' cannot show what it would do"):
        examples(ENV, load(ENV_ID, "few_shot"), contract, 1, Source.EXPERT)
