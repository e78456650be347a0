"""Stopped work says how it is gone on with, and going on takes no words that its folder knows already."""

from __future__ import annotations

import pytest

from harness.cli.resuming import stoppable
from harness.core.errors import INTERRUPTED, BudgetSpent, StoppedRun, UsageError

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
