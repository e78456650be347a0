"""Stopped work says how it is gone on with; and going on takes no words that its folder knows already."""

from __future__ import annotations

import json

import pytest

from harness.cli.resuming import resume_command, stoppable
from harness.core.errors import INTERRUPTED, BudgetSpent, StoppedRun, UsageError
from harness.llm.registry import may_have_key, served, user_file

HOW = "Go on with: harness sweep --resume runs/x"


@pytest.mark.parametrize(
    ("stop", "sentence", "status"),
    [
        (KeyboardInterrupt(), f"Interrupted. {HOW}", INTERRUPTED),
        (BudgetSpent("The limit of 5 calls is reached."), f"The limit of 5 calls is reached. {HOW}", 3),
    ],
)
def test_what_stops_work_says_how_to_go_on_and_keeps_its_exit_status(stop, sentence, status):
    with pytest.raises(StoppedRun) as caught, stoppable(lambda: HOW):
        raise stop
    assert (str(caught.value), caught.value.exit_status) == (sentence, status)


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), BudgetSpent("Spent.")])
def test_where_nothing_has_begun_there_is_nothing_to_go_on_with(stop):
    with pytest.raises(type(stop)) as caught, stoppable(lambda: ""):
        raise stop
    assert caught.value is stop


def test_what_was_typed_wrongly_is_not_answered_with_how_to_go_on():
    with pytest.raises(UsageError, match=r"^The file is not the run's\.$"), stoppable(lambda: HOW):
        raise UsageError("The file is not the run's.")


@pytest.mark.parametrize(
    "command",
    [
        ("eval", "--resume", "x", "--episodes", "5"),
        ("play", "--resume", "x", "--episodes", "5"),
        ("sweep", "--resume", "x", "--seeds", "5"),
        ("train", "ppo", "--resume", "x", "--seeds", "5"),
        ("reproduce", "off-policy", "--resume", "x", "--repeats", "5"),
    ],
)
def test_every_command_refuses_words_beside_resume_in_the_same_sentence(harness_here, command):
    done = harness_here(*command)
    assert done.returncode == 2
    assert done.stderr == (
        f"harness: {command[-2]} does not go with --resume: a run goes on as it began; start a new run instead.\n"
    )


KEY = "sk-of-the-user"


@pytest.fixture
def stopped(server, harness_command, tmp_path):
    """A run that a limit stopped, at an address that was typed."""
    who = ["--base-url", server.base_url, "--model-id", "m\x1b[2J"]
    harness_command("eval", *who, "--epsilon", "0.2", "--max-calls", "3", "--quiet", "--no-cache")
    (folder,) = (tmp_path / "runs").iterdir()
    return folder


def asking(run, base_url):
    """The same run, as a folder from somebody else that names another address."""
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["config"]["base_url"] = base_url
    (run / "manifest.json").write_text(json.dumps(manifest))


def test_resuming_says_who_gets_the_key_before_anything_is_asked(harness_command, server, stopped):
    server.keys.clear()
    done = harness_command("eval", "--resume", str(stopped), "--max-calls", "9", "--quiet", OPENAI_API_KEY=KEY)
    assert set(server.keys) == {f"Bearer {KEY}"}
    note = f"Note: OPENAI_API_KEY is sent to {server.base_url} (model 'm\\x1b[2J').\n"
    assert done.stderr.startswith(note)


@pytest.mark.parametrize("stays", ["http://127.0.0.1:9/v1", "http://localhost:9/v1", "http://[::1]:9/v1"])
def test_an_address_of_this_machine_need_not_be_named_again(stays):
    assert may_have_key(served(stays, "m"))


@pytest.mark.parametrize("away", ["http://localhost.example/v1", "http://127.0.0.1.example/v1", "http://10.0.0.9/v1"])
def test_any_other_address_must_be_unless_a_model_file_of_the_user_sends_the_key_there(away, tmp_path, monkeypatch):
    assert not may_have_key(served(away, "m"))
    text = f'[lab]\ntitle="t"\nbase_url="{away}"\nkey_env="OPENAI_API_KEY"\n'
    monkeypatch.chdir(tmp_path)
    (tmp_path / "harness.models.toml").write_text(text)  # this one may have come with the run
    assert not may_have_key(served(away, "m"))
    user_file().parent.mkdir(parents=True)
    user_file().write_text(text)
    assert may_have_key(served(away, "m"))
    assert may_have_key(served("https://api.openai.com/v1", "m"))


@pytest.mark.parametrize("finished", [False, True])
def test_no_key_goes_to_an_address_that_a_folder_alone_names(finished, harness_command, server, stopped):
    command = ("eval", "--resume") if not finished else ("recheck",)
    if finished:
        done = harness_command("eval", "--resume", str(stopped), "--quiet")
        assert done.returncode == 0, done.stderr
    away = "http://collector.example/v1;id"
    asking(stopped, away)
    server.keys.clear()
    done = harness_command(*command, str(stopped), "--quiet", OPENAI_API_KEY=KEY)
    assert (done.returncode, done.stdout, server.keys) == (2, "", [])
    (sentence,) = done.stderr.strip().splitlines()
    assert "would have OPENAI_API_KEY sent to http://collector.example/v1;id, an address that nobody named" in sentence
    assert sentence.endswith(f"type: harness {' '.join(command)} {stopped} --base-url '{away}'")
    other = harness_command(*command, str(stopped), "--base-url", server.base_url, "--quiet", OPENAI_API_KEY=KEY)
    assert other.returncode == 2
    assert f"--base-url is {server.base_url}, and the run {stopped} asks {away}" in other.stderr
    assert server.keys == []


def test_the_words_that_go_on_with_a_run_name_the_address_that_gets_the_key(stopped, monkeypatch):
    assert resume_command(stopped) == f"harness eval --resume {stopped}"
    asking(stopped, "http://10.0.0.9/v1")
    assert resume_command(stopped) == f"harness eval --resume {stopped}"
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert resume_command(stopped) == f"harness eval --resume {stopped} --base-url http://10.0.0.9/v1"
