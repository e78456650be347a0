"""The medication review on the command line, in processes of its own."""

from __future__ import annotations

import json


def test_a_task_without_a_table_is_rolled_out_if_nobody_says_how(harness_command):
    words = ("eval", "--env", "polypharmacy/easy-screening", "--agent", "pharmacist", "--episodes", "12", "--quiet")
    done = harness_command(*words)
    assert done.returncode == 0, done.stderr
    for text in ("harm avoided", "score", "each measured against its informed optimum, which knows what agents cannot"):
        assert text in " ".join(done.stdout.split())
    quick = json.loads(harness_command(*words, "--no-regret", "--json").stdout)
    assert (quick["method"], quick["episodes"], quick["regret"]) == ("rollout", 12, None)
    assert "nothing was measured against an optimum" in harness_command(*words, "--no-regret").stdout


def test_regret_belongs_to_a_rollout(harness_command):
    done = harness_command("eval", "--agent", "random", "--no-regret")
    assert "--regret belongs to --method rollout" in done.stderr


def test_what_a_reader_must_know_is_shown(harness_command):
    shown = harness_command("envs", "show", "polypharmacy/complex-tradeoff").stdout
    for text in (
        "A pharmacist has not reviewed the tables",
        "not medical advice",
        "doi:10.1111/jgs.18372",
        "Phansalkar",
        "Food and Drug Administration",
        "RxNorm",
        "scoring=harm (or original)",
        "it is informed",
        "direct, few_shot, reasoned",
    ):
        assert text in shown
    family = harness_command("envs", "show", "polypharmacy").stdout
    for text in ("easy-screening v", "budgeted-screening v", "complex-tradeoff v"):
        assert text in family
    assert family.count("A pharmacist has not reviewed the tables") == 1
    assert "Did you mean 'polypharmacy/easy-screening'" in harness_command("envs", "show", "polyphamacy").stderr


def test_who_is_asked_for_an_action_of_several_kinds(harness_command):
    typed = "nothing\nquery_ddi\n?\nzinc\niron\nfinish_review\n"
    done = harness_command("play", "--env", "polypharmacy/easy-screening", "--teach", typed=typed)
    assert done.returncode == 0, done.stderr
    for text in (
        "action_type (query_ddi, propose_intervention, finish_review): ",
        "'nothing' is not understood: it is none of these",
        "drug_id_1: generic name of a drug",
        "The last step was refused: the patient does not take 'zinc'",
        "(informed); best: ",
        "terminated after 2 decisions: return -0.15",
    ):
        assert text in done.stdout, text


def test_agents_of_another_task_are_sentences(harness_command):
    done = harness_command("eval", "--env", "icu-sepsis", "--agent", "pharmacist")
    assert done.returncode == 2
    assert done.stderr.startswith("harness: The agent 'pharmacist' reviews medications")
    exact = harness_command(
        "eval", "--env", "polypharmacy/easy-screening", "--agent", "pharmacist", "--method", "exact"
    )
    assert "needs a tabular environment; for polypharmacy/easy-screening use --method rollout" in exact.stderr
