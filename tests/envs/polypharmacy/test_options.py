"""What may become of a medication, and how many interventions lead from one option to another."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse.csgraph import shortest_path

from harness.envs.polypharmacy.options import NEVER, Option, options_of, reduced_dose, steps_between, substitutes
from harness.envs.polypharmacy.patients import TASKS, Patient, patient
from harness.envs.polypharmacy.tables import load
from tests.envs.polypharmacy.patients import taking

TABLES = load()
AF, DEPRESSION = ("atrial-fibrillation", "anticoagulant"), ("depression", "antidepressant")


@pytest.mark.parametrize(("dose", "lower"), [(20, 10), (15, 10), (10, 5), (8, 4)])
def test_a_dose_is_reduced_to_the_highest_for_the_patient_or_halved(dose, lower):
    assert reduced_dose(dose, 10) == lower


def test_a_substitute_begins_with_what_the_kidneys_bear_and_its_lower_dose_is_half_of_that():
    who = taking(("apixaban", 10, AF), conditions=AF[:1], crcl=40)
    doses = {o.reduced: o.dose for o in options_of(who, TABLES) if o.drug == "edoxaban" and not o.monitored}
    assert doses == {False: 30, True: 15}  # usual are 60 mg; 10 are the most of apixaban


def test_a_substitute_fits_beside_the_others_and_not_beside_what_it_replaces():
    """With sertraline there would be three drugs for the brain; in its place there are two."""
    who = taking(("citalopram", 20, DEPRESSION), ("gabapentin", 900, None), conditions=DEPRESSION[:1])
    assert "sertraline" in substitutes(who.medications[0], who, TABLES)
    more = taking(
        *((m.drug, m.dose_mg, m.reason) for m in who.medications), ("zolpidem", 5, None), conditions=DEPRESSION[:1]
    )
    assert "sertraline" not in substitutes(more.medications[0], more, TABLES)


def test_a_substitute_fills_the_role_of_what_it_replaces():
    roles = {(row.condition, row.role, row.drug) for row in TABLES.indications}
    others = 0
    for row in TABLES.substitutes:
        for role in {role for condition, role, drug in roles if (condition, drug) == (row.condition, row.drug)}:
            who = taking((row.drug, TABLES.drugs[row.drug].usual_mg, (row.condition, role)), conditions=[row.condition])
            for new in substitutes(who.medications[0], who, TABLES):
                assert (row.condition, role, new) in roles
            others += (row.condition, role, row.substitute) not in roles
    assert others  # some are for another role of the same condition


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
