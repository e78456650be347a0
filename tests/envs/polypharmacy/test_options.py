"""How many interventions lead from one option to another."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse.csgraph import shortest_path

from harness.envs.polypharmacy.options import NEVER, Option, options_of, steps_between
from harness.envs.polypharmacy.patients import TASKS, Patient, patient
from harness.envs.polypharmacy.tables import load

TABLES = load()


def one_intervention(before: Option, after: Option, who: Patient) -> bool:
    """Whether one intervention leads from an option to another, as the rules of the review are written."""
    first = who.medications[before.place].drug
    if before.place != after.place or before.drug is None:
        return False  # what was stopped stays stopped
    if after.drug is None:
        return after.reduced == (before.drug == first and before.reduced and TABLES.drugs[first].taper)
    if after.drug != before.drug:
        return before.drug == first and not after.reduced and not after.monitored
    done = (after.reduced - before.reduced, after.monitored - before.monitored)
    return done in ((1, 0), (0, 1))


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_the_interventions_between_options_are_the_fewest_by_the_rules(task):
    tapered = 0
    for seed in range(8):
        who = patient(seed, task, TABLES)
        options = options_of(who, TABLES)
        graph = np.array([[one_intervention(a, b, who) for b in options] for a in options], dtype=float)
        fewest = shortest_path(graph, unweighted=True)
        expected = np.where(np.isinf(fewest), NEVER, fewest)
        found = steps_between(options, who)
        detour = (found == NEVER) & (expected == 2)  # from a lower dose to a substitute, to stop that: one stop does
        for before, after in np.argwhere(detour):
            assert options[after].drug is None
            assert not options[after].reduced
            assert found[before, after + 1] == 1
            assert options[after + 1] == options[after]._replace(reduced=True)
        assert (found == expected)[~detour].all()
        tapered += sum(option.drug is None and option.reduced for option in options)
    assert tapered
