"""What a user is told who has not got the package hemosim, or another version of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.envs.registry import ENVIRONMENTS


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ("raise PackageNotFoundError", "needs the package hemosim, not installed here; install with: pip install"),
        ("return '0.3.0'", "was written for hemosim 0.2.2, and 0.3.0 is installed"),
    ],
)
def test_without_the_package_or_in_another_version_it_is_one_sentence(found, sentence):
    program = f"""
import importlib.metadata
from importlib.metadata import PackageNotFoundError
def version(name):
    {found}
importlib.metadata.version = version
from harness.cli.main import main
import sys
sys.argv = ["harness", "eval", "--env", "hemosim/warfarin", "--agent", "hemosim-random"]
main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_tasks_are_listed_all_the_same():
    listed = [name for name in ENVIRONMENTS.entries() if name.startswith("hemosim/")]
    assert listed == ["hemosim/warfarin", "hemosim/heparin", "hemosim/heparin-pomdp", "hemosim/doac", "hemosim/dic"]
