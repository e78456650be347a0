"""Ctrl-C wherever it comes: one sentence and the status that shells have for it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from harness import __main__ as command
from harness.core.errors import INTERRUPTED
from harness.reproduce import calibration


def interrupted(*_):
    raise KeyboardInterrupt


def test_work_that_has_no_folder_to_go_on_with_says_that_it_was_interrupted(harness_here, monkeypatch):
    monkeypatch.setattr(type(calibration.CALIBRATIONS), "load", lambda self, name: interrupted)
    done = harness_here("calibrate", "warfarin")
    assert (done.returncode, done.stdout, done.stderr) == (INTERRUPTED, "", "harness: Interrupted.\n")


def test_an_import_that_is_interrupted_is_a_sentence(monkeypatch, capsys):
    monkeypatch.setattr("harness.cli.main.main", interrupted)
    with pytest.raises(SystemExit) as left:
        command.main()
    assert left.value.code == INTERRUPTED
    assert capsys.readouterr().err == "harness: Interrupted.\n"


@pytest.mark.parametrize("seconds", [0.3, 0.6])
def test_a_command_that_has_just_begun_is_interrupted_without_a_traceback(seconds, tmp_path):
    script = """
import runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = ["harness", "calibrate", "warfarin"]
print("begun", flush=True)
runpy.run_module("harness", None, "__main__")
"""
    words = [sys.executable, "-c", script]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (INTERRUPTED, "", "harness: Interrupted.\n")
