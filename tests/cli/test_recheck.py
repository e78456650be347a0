"""`harness recheck` as a user meets it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.evaluation.test_flips import LAKE, own_prompt
from tests.evaluation.test_recheck import drifted, old


@pytest.fixture
def run(harness_command, server, tmp_path):
    """A finished run of a known policy, as the command line makes it."""
    server.answer = old
    prompt = own_prompt(tmp_path / "p", "State {{ state }}.")
    who = ["--base-url", server.base_url, "--model-id", "fake", "--env", LAKE, "--prompt", prompt]
    how = ["--method", "exact", "--episodes", "0", "--concurrency", "1", "--quiet", "--json"]
    done = harness_command("eval", *who, *how)
    assert done.returncode == 0, done.stderr
    return tmp_path / json.loads(done.stdout)["run_dir"]


def test_it_says_what_it_will_ask_what_flipped_and_what_that_is_worth(harness_command, server, run):
    server.answer = drifted
    calls = len(server.requests)
    done = harness_command("recheck", str(run))
    assert done.returncode == 0, done.stderr
    asked = len(server.requests) - calls
    assert f"Asking {asked} of 53 decisions again, past the cache: about {asked} calls" in done.stderr
    for part in ("Flips:", "of what is at stake", "exactly", "to first order", "flipped from then to now"):
        assert part in done.stdout
    (written,) = run.glob("recheck-*.json")
    assert str(written.name) in done.stdout.replace("\n", "")
    everything = harness_command("recheck", str(run), "--all", "--json", "--quiet")
    assert everything.stderr == ""
    found = json.loads(everything.stdout)
    assert found["flipped"] == 6
    assert sum(flip["worth"] for flip in found["flips"]["flips"]) == pytest.approx(found["change"]["known"])
    assert found in [json.loads(path.read_text()) for path in run.glob("recheck-*.json")]


def test_a_limit_is_kept_and_told(harness_command, server, run):
    calls = len(server.requests)
    done = harness_command("recheck", str(run), "--max-calls", "5", "--quiet")
    assert done.returncode == 3
    assert len(server.requests) - calls == 5
    assert "Stopped: The limit of 5 calls is reached. This is what is known so far." in done.stdout
    (sentence,) = done.stderr.strip().splitlines()
    assert "What was answered is in" in sentence
    priceless = harness_command("recheck", str(run), "--max-cost", "1", "--quiet")
    assert (priceless.returncode, priceless.stdout) == (2, "")
    assert "--max-cost needs the price of 'fake'" in priceless.stderr
    assert len(server.requests) - calls == 5


@pytest.mark.parametrize("limit", ["--max-calls", "--max-tokens-total", "--max-cost", "--max-minutes"])
def test_a_limit_of_zero_is_refused_and_never_read_as_none(limit, harness_here):
    done = harness_here("recheck", "x", limit, "0")
    assert (done.returncode, done.stderr) == (
        2,
        f"harness: {limit} is 0; expected more than 0, or leave it out for no limit.\n",
    )


def test_an_interrupted_check_keeps_what_was_answered(server, run, tmp_path):
    calls, check = len(server.requests), []

    def answer(patient):
        if len(server.requests) == calls + 8:
            check[0].send_signal(signal.SIGINT)
        return old(patient)

    server.answer = answer
    words = [sys.executable, "-m", "harness", "recheck", str(run), "--all", "--quiet"]
    heard = partial(signal.signal, signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    check.append(subprocess.Popen(words, **pipes, text=True, cwd=tmp_path, preexec_fn=heard))
    _, stderr = check[0].communicate(timeout=120)
    assert check[0].returncode == 130
    assert stderr.startswith("harness: Interrupted. What was answered is in")
    (written,) = run.glob("recheck-*.json")
    found = json.loads(written.read_text())
    assert 0 < found["asked"] < 53
    assert len(found["decisions"]) == found["asked"]


def moved(run: Path, **config: object) -> None:
    """Change what the manifest says of the run."""
    path = run / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"config": manifest["config"] | config}))


def test_what_cannot_be_checked_is_one_sentence(harness_command, server, run):
    def sentence(*words: str, status: int) -> str:
        done = harness_command("recheck", *words)
        assert (done.returncode, done.stdout) == (status, "")
        assert not list(run.glob("recheck-*"))
        return done.stderr.strip().splitlines()[-1]

    assert "'nowhere' is not a run folder" in sentence("nowhere", status=1)
    assert "--states and --all contradict" in sentence(str(run), "--all", "--states", "3", status=2)
    assert "0 decisions were to be asked again; expected at least 1" in sentence(str(run), "--states", "0", status=2)
    assert "The seed is -1" in sentence(str(run), "--seed", "-1", status=2)
    moved(run, base_url="http://127.0.0.1:9/v1")
    assert "refuses connections" in sentence(str(run), status=1)
    moved(run, base_url=None, model_id=None, model="gone")
    assert "There is no model 'gone'" in sentence(str(run), status=2)
    moved(run, agent="random")
    assert "was decided by the agent 'random'" in sentence(str(run), status=2)
    (run / "summary.json").unlink()
    assert "has not finished; go on with: harness eval --resume" in sentence(str(run), status=1)


def test_text_of_a_server_cannot_drive_the_terminal(harness_command, server, run):
    from tests.conftest import completion

    server.answer = lambda patient: (200, completion(old(patient)) | {"model": "\x1b[2J"})
    done = harness_command("recheck", str(run), "--states", "3", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "\\x1b[2J" in done.stdout
