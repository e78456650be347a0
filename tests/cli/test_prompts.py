"""`harness prompts` as a user meets it: copy, look at what is sent, compare, check."""

from __future__ import annotations

import json

import pytest

from tests.mdp.folders import write


def edit(path, before, after):
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))


def test_a_prompt_from_its_copy_to_its_check(harness_command, tmp_path):
    made = harness_command("prompts", "new", "mine", "--env", "icu-sepsis", "--from", "reasoned", "--out", "own")
    assert made.returncode == 0, made.stderr
    toml = tmp_path / "own" / "mine" / "prompt.toml"
    assert 'changes = "nothing yet, against icu-sepsis/reasoned@1"' in toml.read_text()
    assert "rationale = true" in toml.read_text()
    edit(tmp_path / "own" / "mine" / "system.md.j2", "Think first", "Think\x1b[31m first")
    same = harness_command("prompts", "diff", "reasoned", "icu-sepsis/reasoned")
    assert same.stdout == "The two are the same.\n"
    differ = harness_command("prompts", "diff", "icu-sepsis/reasoned", "own/mine", "--state", "12").stdout
    assert differ.count("\n+Think\\x1b[31m first") == 2  # in the template, and in what is sent
    assert differ.count("\n-Think first") == 2
    assert "\x1b" not in differ
    for words in (["show", "own/mine"], ["render", "own/mine"], ["lint", "own/mine"]):
        done = harness_command("prompts", *words)
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout
    assert "0 errors, 2 warnings" in done.stdout
    edit(toml, "nothing yet", "colour")
    edit(tmp_path / "own" / "mine" / "observation.md.j2", "sofa", "sofaa")
    wrong = harness_command("prompts", "lint", "own/mine", "--json")
    assert (wrong.returncode, wrong.stderr) == (1, "")
    assert "Did you mean 'sofa'?" in json.loads(wrong.stdout)["findings"][0]["text"]


def test_what_is_rendered_is_what_is_sent(harness_command, server, tmp_path):
    write(tmp_path / "ward")
    server.answer = lambda text: json.dumps({"action": "wait"})
    asked = ["eval", "--mdp", "ward", "--base-url", server.base_url, "--model-id", "m", "--method", "exact", "--quiet"]
    assert harness_command(*asked, "--reply", "short").returncode == 0
    sent = {json.dumps(request["messages"]) for request in server.requests}
    render = ["prompts", "render", "direct", "--env", "mdp:ward", "--reply", "short"]
    rendered = [json.loads(harness_command(*render, "--state", s, "--json").stdout) for s in "012"]
    assert {json.dumps(messages) for messages in rendered} == sent
    plain = harness_command(*render, "--state", "1").stdout
    assert plain == "\n\n".join(message["content"] for message in rendered[1]) + "\n"


def test_list_is_what_the_bare_command_prints(harness_command):
    assert harness_command("prompts", "list").stdout == harness_command("prompts").stdout != ""


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["new", "taken", "--env", "icu-sepsis"], "is already there and is not overwritten"),
        (["new", "direct", "--env", "icu-sepsis"], "is a built-in prompt of icu-sepsis"),
        (["new", "../x"], "is no name for a prompt"),
        (["new", "x", "--from", "dirct"], "Did you mean 'direct'?"),
        (["new", "x", "--env", "insulin"], "no environment 'insulin'"),
        (["render", "direct", "--state", "713"], "There is no state 713 to decide in"),
        (["render", "direct", "--state", "1", "--seed", "100001"], "both name a patient"),
        (["render", "icu-sepsis/direct", "--env", "sepsis-os"], "is one of icu-sepsis, and --env names sepsis-os"),
        (["diff", "icu-sepsis/direct", "sepsis-os/direct"], "is one of sepsis-os, and --env names icu-sepsis"),
        (["lint", "nowhere/at-all"], "is not a folder"),
        (["lint", "direct", "--tokens", "gpt-4o-mini"], "runs on a server"),
    ],
)
def test_a_mistake_is_one_sentence(harness_command, tmp_path, words, sentence):
    (tmp_path / "taken").mkdir()
    done = harness_command("prompts", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
