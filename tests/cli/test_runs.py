"""Who decides, from the words of a command."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.runs import contestants


@pytest.mark.parametrize(
    ("prompt", "env", "found"),
    [
        ("direct", "icu-sepsis", "direct"),
        ("icu-sepsis/direct", "icu-sepsis", "direct"),
        ("my/prompt", "icu-sepsis", str(Path("my/prompt").absolute())),
        ("./direct", "icu-sepsis", str(Path("direct").absolute())),
    ],
)
def test_a_prompt_goes_by_the_id_that_is_printed_by_its_style_or_by_its_folder(prompt, env, found):
    (asked,) = contestants([], ["qwen"], None, [], [prompt], env)
    assert asked == {"model": "qwen", "prompt": found}


def test_a_prompt_of_another_environment_is_refused_in_one_sentence(harness_here):
    done = harness_here("eval", "--env", "sepsis-os", "--model", "qwen", "--prompt", "icu-sepsis/direct")
    assert done.returncode == 2
    assert done.stderr == (
        "harness: The prompt icu-sepsis/direct is one of icu-sepsis, and --env names sepsis-os; give one of them.\n"
    )
