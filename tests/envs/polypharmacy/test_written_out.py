"""Harm wherever play leads, against the rules written out: drug by drug and pair by pair, without arrays."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from harness.envs.polypharmacy.chart import Patient
from harness.envs.polypharmacy.criteria import avoided_for_kidneys, avoided_for_liver, dose_limit, meets, starting_dose
from harness.envs.polypharmacy.harm import DOSE_RESPONSE, NO_REASON, UNTREATED, harm_of
from harness.envs.polypharmacy.interactions import MANAGED, SEVERITY
from harness.envs.polypharmacy.options import Option
from harness.envs.polypharmacy.original import BEERS_WEIGHTS, CRITICAL_STOP
from harness.envs.polypharmacy.patients import COMPLEX, EASY, patient
from harness.envs.polypharmacy.roles import filled_at_first, filled_by
from harness.envs.polypharmacy.rows import BeersKind, Criterion, Interaction
from harness.envs.polypharmacy.state import ReviewState
from harness.envs.polypharmacy.tables import load
from tests.envs.polypharmacy.patients import taking

TABLES = load()
DEPRESSION, PAIN = ("depression", "antidepressant"), ("osteoarthritis", "analgesic")
MADE = (
    taking(  # three drugs for the brain, new ones among their substitutes
        ("amitriptyline", 50, DEPRESSION, 30),
        ("gabapentin", 300, None),
        ("zolpidem", 5, None),
        ("hydrochlorothiazide", 25, ("hypertension", "antihypertensive")),
        conditions=("depression", "hypertension"),
    ),
    taking(  # warfarin, for whose first days a criterion is, beside what makes it bleed; kidneys that bear less
        ("apixaban", 10, ("atrial-fibrillation", "anticoagulant"), 800),
        ("naproxen", 1000, PAIN),
        ("omeprazole", 20, None, 800),
        ("metformin", 2000, ("type-2-diabetes", "glucose-lowering")),
        conditions=("atrial-fibrillation", "osteoarthritis", "type-2-diabetes"),
        crcl=28,
        liver="moderate",
    ),
    taking(  # three drugs for one role, each of which fills it
        ("amlodipine", 5, ("hypertension", "antihypertensive")),
        ("lisinopril", 10, ("hypertension", "antihypertensive")),
        ("hydrochlorothiazide", 12.5, ("hypertension", "antihypertensive")),
        conditions=("hypertension",),
    ),
)


def of_pair(a: Option, b: Option, rule: Interaction) -> float:
    """What a rule makes of two options."""
    helps = [
        one.reduced and one.drug in TABLES.members(own) and other.drug in TABLES.members(against)
        for one, other in ((a, b), (b, a))
        for own, against, side in ((rule.a, rule.b, "a"), (rule.b, rule.a, "b"))
        if rule.reduce in (side, "either")
    ]
    watched = rule.monitor and (a.monitored or b.monitored)
    return SEVERITY[rule.severity] * (MANAGED if any(helps) else 1) * (MANAGED if watched else 1)


def holds(criterion: Criterion, option: Option, who: Patient) -> bool:
    """Whether an option meets what a criterion says of one drug."""
    first = who.medications[option.place]
    begun_today = option.drug != first.drug and criterion.days_at_most is not None
    return option.drug in TABLES.members(criterion.subject) and meets(
        criterion, option.dose, 1 if begun_today else first.days, who
    )


def of_criteria(drugs: list[Option], who: Patient) -> float:
    """Beers criteria met, and the worst of what is wrong with each drug for kidneys and dose."""
    found, classes = 0.0, {name for option in drugs for name in TABLES.drugs[option.drug].classes}
    of_dose = [0.0] * len(who.medications)
    for criterion in TABLES.beers.values():
        weight = BEERS_WEIGHTS[criterion.kind]
        meeting = [option for option in drugs if holds(criterion, option, who)]
        if criterion.unless_class is not None:
            found += 0.0 if criterion.unless_class in classes else weight * len(meeting)
        elif criterion.count_at_least > 1:
            found += weight * (len(meeting) >= criterion.count_at_least)
        elif criterion.crcl_below or criterion.dose_above_mg:
            for option in meeting:
                of_dose[option.place] = max(of_dose[option.place], weight)
        else:
            found += weight * len(meeting)
    for option in drugs:
        drug = TABLES.drugs[option.drug]
        if avoided_for_kidneys(drug, who):
            of_dose[option.place] = max(of_dose[option.place], BEERS_WEIGHTS[BeersKind.AVOID])
        if option.dose > dose_limit(drug, who):
            of_dose[option.place] = max(of_dose[option.place], BEERS_WEIGHTS[BeersKind.DOSE_ADJUST])
        found += BEERS_WEIGHTS[BeersKind.AVOID] * avoided_for_liver(drug, who)
    return found + sum(of_dose)


def of_roles(drugs: list[Option], who: Patient) -> float:
    """What is left untreated that was treated at the start."""
    first, found = filled_at_first(who, TABLES), 0.0
    for condition, role in {item for filled in first for item in filled.items()}:
        most = 0.0
        for option in drugs:
            if filled_by(option.drug, option.place, first, TABLES).get(condition) != role:
                continue
            before = who.medications[option.place]
            needed = starting_dose(TABLES.drugs[option.drug], who)
            needed = min(needed, before.dose_mg) if option.drug == before.drug else needed
            lost = DOSE_RESPONSE * max(1 - option.dose / needed, 0) if option.reduced else 0.0
            most = max(most, 1 - lost)
        found += UNTREATED[TABLES.conditions[condition].untreated] * (1 - most)
    return found


def for_nothing(option: Option, who: Patient) -> bool:
    """Whether neither a condition nor good practice beside another drug called for what is taken in a place."""
    known = who.medications[option.place]
    beside = any(
        cascade.warranted and known.drug == cascade.drug and known.cascade_of in TABLES.members(cascade.trigger)
        for cascade in TABLES.cascades
    )
    return known.reason is None and not beside


def written_out(regimen: list[Option], who: Patient) -> float:
    """H by the rules."""
    drugs = [option for option in regimen if option.drug is not None]
    stopped = [option for option in regimen if option.drug is None and not option.reduced]
    found = sum(
        max((of_pair(a, b, rule) for rule in TABLES.rules(a.drug, b.drug, who.conditions)), default=0.0)
        for a, b in combinations(drugs, 2)
    )
    found += CRITICAL_STOP * sum(TABLES.drugs[who.medications[option.place].drug].critical for option in stopped)
    found += NO_REASON * sum(for_nothing(option, who) for option in drugs)
    return found + of_criteria(drugs, who) + of_roles(drugs, who)


def test_good_practice_is_not_every_cascade():
    """Else a drug given against another's side effect would never be a burden."""
    assert {cascade.warranted for cascade in TABLES.cascades} == {True, False}


@pytest.mark.parametrize("who", [*MADE, *(patient(seed, task, TABLES) for seed, task in ((3, EASY), (8, COMPLEX)))])
def test_harm_wherever_play_leads_is_that_of_the_rules_written_out(who):
    harm, chosen = harm_of(who, TABLES), random.Random(0)
    for _ in range(6):
        state = ReviewState(harm, harm.start, frozenset(), 0, 9, 99)
        while state.interventions and len(actions := list(state.actions())) > 1:
            state, _ = state.after(chosen.choice(actions[:-1]))
            regimen = [harm.options[option] for option in state.regimen]
            assert harm.total(state.regimen) == pytest.approx(written_out(regimen, who), abs=1e-9), regimen
