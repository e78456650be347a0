"""What is said of an MDP that was built."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.data.sharing import Provenance
from harness.reports.construction import blocks


def manifest(unsupported):
    return {
        "recipe": {"title": "Ward", "version": 1, "value_name": "survival", "visits": 50},
        "provenance": PROVENANCE, "patients": 9, "rows": 90, "transitions": 81, "states": 10, "endings": ["died"],
        "actions": 4, "admissible": 12, "unsupported_states": unsupported, "optimal_value": 0.5, "behaviour_value": 0.5,
        "mean_return_of_the_data": 0.5, "standard_error_of_that": 0.1, "episodes": 9,
    }  # fmt: skip


PROVENANCE = Provenance(data_set="hypotension", access="open", kind="stand-in", blob_sha1="").model_dump()


@pytest.mark.parametrize("unsupported", [0, 10])
def test_states_in_which_nothing_was_seen_often_enough_are_counted_and_warned_of(unsupported):
    first, second = blocks(Path("ward"), manifest(unsupported))
    admissible = dict(first.rows)["admissible"]
    assert ("in 10 states none was" in admissible) is (unsupported > 0)
    warned = [note for note in second.notes if note.startswith("Mind: in 10 of 10 states no action was seen 50 times")]
    assert len(warned) == (unsupported > 0)
