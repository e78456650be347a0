"""Variants keep a prompt's meaning, and the report says how much of a value is the wording."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace

import pytest

from harness.core.environment import Action
from harness.envs.registry import make
from harness.llm.registry import ReplyFormat
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import deterministic
from harness.prompts.fitting import LABELS, NO_UNITS, NOTHING, OTHER_WORDS, fitting
from harness.prompts.loader import load, paraphrases
from harness.prompts.render import render
from harness.prompts.variants import Variant, contract
from tests.mdp.folders import write

PATIENTS = range(40)


def seen(env, states=PATIENTS):
    return [env.observe(s) for s in states]


def text(env, style, variant, state=588, reply=ReplyFormat.JSON):
    prompt = replace(load(env.spec.id, style), variant=variant)
    return [message.content for message in render(env, prompt, reply, env.observe(state))]


def test_features_stand_in_another_order_and_are_the_same_ones(sepsis):
    one, other = text(sepsis, "reasoned", None)[1], text(sepsis, "reasoned", Variant.FEATURES_REVERSED)[1]
    first, second = (t.splitlines()[1].split(", ") for t in (one, other))
    assert first == second[::-1]
    assert len(first) > 2
    before, after = (text(sepsis, "direct", v)[1] for v in (None, Variant.FEATURES_SHUFFLED_1))
    assert before != after
    assert sorted(re.findall(r"\w+", before)) == sorted(re.findall(r"\w+", after))  # still the first eight


def test_options_stand_in_reverse_and_are_read_alike(sepsis):
    system = text(sepsis, "direct", Variant.OPTIONS_REVERSED)[0]
    assert system.endswith('{"vasopressor_level":<0-4>,"iv_fluid_level":<0-4>}')
    turned = contract(Variant.OPTIONS_REVERSED, sepsis.action_type, ReplyFormat.SHORT, False, sepsis.actions)
    assert turned.grammar.index("vp") < turned.grammar.index("iv")
    assert list(turned.schema["properties"]) == ["vasopressor_level", "iv_fluid_level"]
    assert turned.parse('{"vp":1,"iv":2}').action == sepsis.actions[11]
    assert turned.parse('{"vp":9,"iv":2}').action is None
    labels = contract(Variant.OPTIONS_REVERSED, sepsis.action_type, ReplyFormat.LABEL, False, sepsis.actions)
    assert labels.parse("A").action == sepsis.actions[-1]
    assert isinstance(labels.parse("A").action, Action)


def test_numbers_have_one_decimal_more(sepsis):
    one, other = (text(sepsis, "direct", v)[1].splitlines()[0] for v in (None, Variant.MORE_DECIMALS))
    assert re.findall(r"\d+\.?\d*", one) != re.findall(r"\d+\.?\d*", other)
    for a, b in zip(re.findall(r"\d+\.?\d*", one), re.findall(r"\d+\.?\d*", other), strict=True):
        digits = len(a.partition(".")[2])
        assert float(b) == pytest.approx(float(a), abs=0.5 * 10**-digits + 1e-9)


def test_what_does_not_fit_says_why(sepsis, tmp_path):
    assert set(fitting(sepsis, load("icu-sepsis", "direct"), ReplyFormat.JSON, seen(sepsis)).values()) == {None}
    simulated = make("sepsis-os")
    found = fitting(simulated, load("sepsis-os", "direct"), ReplyFormat.JSON, seen(simulated))
    assert (found[Variant.FEATURES_REVERSED], found[Variant.OPTIONS_REVERSED]) == (NOTHING, None)
    assert found[Variant.UNITS] == NO_UNITS
    labels = fitting(sepsis, load("icu-sepsis", "direct"), ReplyFormat.LABEL, seen(sepsis), from_logprobs=True)
    assert labels[Variant.OPTIONS_REVERSED] == LABELS
    picky = replace(load("icu-sepsis", "direct"), observation="{% for f in findings %}{% if loop.first %}{{ f.name }}"
                    "{% endif %}{% endfor %}")  # fmt: skip
    assert fitting(sepsis, picky, ReplyFormat.JSON, seen(sepsis))[Variant.FEATURES_REVERSED] == OTHER_WORDS


def test_the_report_says_how_much_is_the_wording(harness_command, server, tmp_path):
    write(tmp_path / "ward")
    # a model that reads position only: it takes whatever action is named first in the instruction
    server.answer = lambda patient: json.dumps({"action": first_option(server)})
    words = ["ab", "--base-url", server.base_url, "--model-id", "m", "--mdp", "ward", "--prompt", "direct", "--quiet"]
    done = harness_command(*words, "--sensitivity", "--concurrency", "1", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["sensitivity"]
    by = {w["label"].split()[-1]: w for w in found["wordings"]}
    assert set(by) | set(found["left_out"]) == set(Variant)
    assert {"features-reversed", "options-reversed", "units"} <= set(by)
    told = [r["messages"][-1]["content"] for r in server.requests]
    assert any("map_mmhg: 46" in text for text in told)
    assert any("map_kpa: 6.1" in text and "lactate_mg_per_dl: 62.2" in text for text in told)
    assert found["left_out"]["more-decimals"] == NOTHING
    assert (by["options-reversed"]["flipped"], by["options-reversed"]["both"]) == (3, 3)
    assert by["options-reversed"]["share_flipped"] == pytest.approx(1.0)
    assert by["features-reversed"]["flipped"] == 0
    ward = make(f"mdp:{tmp_path / 'ward'}")
    always = [evaluate(ward.mdp, deterministic(ward.mdp, [a] * 5)).J for a in (0, 1)]
    assert found["least_range"] == pytest.approx(abs(always[1] - always[0]), abs=1e-10)
    assert found["most_range"] == pytest.approx(found["least_range"], abs=1e-12)
    shown = " ".join(harness_command(*words, "--sensitivity").stdout.split())
    assert "so much of it is the wording" in shown
    assert "Left out: more-decimals, because it changes nothing of this prompt." in shown


def first_option(server):
    instruction = server.requests[-1]["messages"][0]["content"].rpartition("<")[2]
    return instruction.split("|")[0]


def test_a_rollout_tells_no_sensitivity(harness_command, server):
    words = ["--base-url", server.base_url, "--model-id", "m", "--prompt", "direct", "--sensitivity"]
    done = harness_command("ab", *words, "--method", "rollout")
    assert (done.returncode, done.stdout) == (2, "")
    assert "needs --method exact or certify" in done.stderr


FACTS = {"direct": "direct_reworded", "reasoned": "reasoned_reworded", "few_shot": "few_shot_reworded"}


@pytest.mark.parametrize(("style", "other"), FACTS.items())
def test_a_paraphrase_tells_the_same_facts_in_other_words(sepsis, style, other):
    assert paraphrases("icu-sepsis", style) == [other]
    one, two = load("icu-sepsis", style), load("icu-sepsis", other)
    assert (one.meta.rationale, one.meta.shots, one.meta.shots_from) == (
        two.meta.rationale, two.meta.shots, two.meta.shots_from
    )  # fmt: skip
    names = {f.name for f in sepsis.observe(0).findings}
    for state in sepsis.mdp.decision_states:
        texts = [render(sepsis, p, ReplyFormat.JSON, sepsis.observe(int(state))) for p in (one, two)]
        facts = [facts_of(messages[1].content, names) for messages in texts]
        assert facts[0] == facts[1]
        assert texts[0][1].content != texts[1][1].content
    statics = [messages[0].content for messages in texts]
    assert similar(*statics) < 0.5
    near = "half a standard deviation" if style == "reasoned" else "0.5"
    for fact in ("sepsis", near, "SOFA", "µg/kg/min", "4 hours", "iv_fluid_level", "vasopressor_level", "quarter"):
        assert all(fact in text for text in statics)


def facts_of(text, names):
    """Numbers in their order, and of every finding its name with what is said of it: a word, or its z-score."""
    numbers = re.findall(r"(?<![\w.])[-+]?\d+\.\d+|\d+%", text)
    said = {}
    for line in text.splitlines():
        word = next((w for w in ("very low", "very high", "low", "high") if re.search(rf"(^|are ){w}:", line)), None)
        for part in re.split(r"[,;:]", line.rstrip(".")):
            name = re.sub(r"[-+]\d\.\d", "", part).strip()
            score = re.search(r"[-+]\d\.\d", part)
            if name in names:
                said[name] = score[0] if score else word
    return sorted(numbers), said


def similar(a, b):
    """The share of the words that two texts have in common, as pairs of neighbours."""
    pairs = [set(itertools.pairwise(w)) for w in (t.split() for t in (a, b))]
    return len(pairs[0] & pairs[1]) / min(map(len, pairs))


def test_paraphrases_are_asked_with_the_variants(harness_command, server):
    words = ["ab", "--base-url", server.base_url, "--model-id", "m", "--prompt", "direct", "--quiet", "--sensitivity"]
    done = harness_command(*words, "--method", "certify", "--epsilon", "0.23", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["sensitivity"]
    labels = [w["label"] for w in found["wordings"]]
    assert labels.count("m direct_reworded@1") == 1
    assert "m direct@1 units" in labels
    twice = harness_command(*words, "--prompt", "direct_reworded", "--method", "certify", "--epsilon", "0.23", "--json")
    again = [w["label"] for w in json.loads(twice.stdout)["sensitivity"]["wordings"]]
    assert sorted(again) == sorted(labels)
