"""People drawn before any task selects them resemble published populations, as far as those are published.

The populations differ (countries, settings, which drugs count, which edition of the criteria), so each range is wide:
it reaches from the lowest to the highest published figure, or says how far it reaches beyond one.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from harness.envs.polypharmacy import body, diseases
from harness.envs.polypharmacy.criteria import criteria_met
from harness.envs.polypharmacy.patients import draws, severe_pairs
from harness.envs.polypharmacy.tables import load

TABLES = load()
N = 3000


@pytest.fixture(scope="module")
def people():
    return [next(draws(seed, 0.0, TABLES)) for seed in range(N)]


@pytest.fixture(scope="module")
def age(people):
    return np.array([one.age for one in people])


@pytest.fixture(scope="module")
def clearance(people):
    return np.array([one.crcl_ml_min for one in people])


@pytest.fixture(scope="module")
def drugs(people):
    return np.array([len(one.medications) for one in people])


def test_age_is_that_of_patients_with_polypharmacy(age):
    """Quartiles 74, 79 and 84 years: Blum et al. BMJ 2021;374:n1585 (OPERAM)."""
    assert np.percentile(age, (25, 50, 75)) == pytest.approx([74, 79, 84], abs=1)


def test_many_take_five_drugs_and_few_ten(drugs):
    """57 % of women and 44 % of men of 65 or more took 5 drugs or more, 12 % took 10 or more: Kaufman, Kelly,
    Rosenberg, Anderson, Mitchell. JAMA 2002;287:337-344 (drugs of every kind, vitamins too; US, 1998-1999)."""
    assert 0.44 < np.mean(drugs >= 5) < 0.65
    assert 0.05 < np.mean(drugs >= 10) < 0.15


def test_the_share_with_a_beers_item_is_between_the_healthy_and_the_hospitalised(people, drugs):
    """39 % of 19,114 healthy people of 70 or more: Lockery et al. 2020 (ASPREE), PMC7957955. 53.5 % and 58.1 % of
    inpatients (criteria of 2015): Zhang et al. Clin Interv Aging 2017;12:1697-1703, Ma et al. Clin Interv Aging
    2019;14:65-72. With 5 drugs or more 86 % had something inappropriate by STOPP/START: Blum et al. 2021 (OPERAM)."""
    item = np.array([bool(criteria_met(one, one.medications, TABLES)) for one in people])
    assert 0.39 < item.mean() < 0.70
    assert 0.58 < item[drugs >= 5].mean() < 0.86
    assert item[drugs >= 10].mean() > item[(drugs >= 5) & (drugs < 10)].mean() > item[drugs < 5].mean()


def test_interactions_grow_with_the_number_of_drugs(people, drugs):
    """Of 630,743 Swedes of 75 or more 26 % had an interaction of class C (dose to be adjusted) and 5 % one of class D
    (to be avoided): Johnell, Klarin. Drug Saf 2007;30:911-918. The rules here cover more than class D by far (doubled
    classes, sedatives taken together), so up to four times as many are allowed."""
    pairs = np.array([any(TABLES.pair(a.drug, b.drug) for a, b in combinations(one.medications, 2)) for one in people])
    severe = np.array([bool(severe_pairs(one, TABLES)) for one in people])
    assert 0.26 < pairs.mean() < 0.60
    assert 0.05 < severe.mean() < 0.20
    assert severe[drugs >= 10].mean() > 2 * severe[(drugs >= 5) & (drugs < 10)].mean()


def test_clearance_falls_with_age_as_in_published_populations(age, clearance):
    """Community, mean age 75: mean 64 mL/min/1.73 m2 and 40 % below 60 (Pizzarelli et al. InCHIANTI, Nephrol Dial
    Transplant 2009;24:1197-1205). Inpatients, mean age 77.8: mean 50.7, standard deviation 17.9 (Pedone et al. GIFA,
    G Gerontol 2005;53:127-133). Both by Cockcroft and Gault; Italians of then weigh less than the Americans here."""
    near = clearance[(age >= 73) & (age <= 79)]
    assert 50.7 < near.mean() < 72
    assert 17.9 < near.std() < 26
    assert 0.30 < np.mean(near < 60) < 0.50
    by_band = [clearance[(age >= low) & (age < high)].mean() for low, high in ((65, 75), (75, 85), (85, 120))]
    assert by_band[0] > by_band[1] + 10 > by_band[2] + 20


def test_doses_are_too_high_for_the_kidney_now_and_then(people, clearance):
    """Of 8,701 people of 65 or more at home, 4.5 % of those with a GFR of 30 to 59 had a contraindicated drug, and
    52.5 % that or one whose dose should be adjusted: Breton, Froissart, Janus, et al. (Three-City), Nephrol Dial
    Transplant 2011;26:2852-2859. Here it is known whether the dose was adjusted, so the share lies between."""

    def too_much(one, taken):
        row = TABLES.drugs[taken.drug]
        avoided = row.renal_avoid_crcl is not None and one.crcl_ml_min < row.renal_avoid_crcl
        limited = row.renal_crcl is not None and one.crcl_ml_min < row.renal_crcl
        return avoided or (limited and taken.dose_mg > row.renal_max_mg)

    limits = [any(too_much(one, taken) for taken in one.medications) for one in people]
    assert 0.045 < np.mean(np.array(limits)[clearance < 60]) < 0.525


def test_conditions_are_as_frequent_as_the_table_says():
    """To a quarter and 4 standard errors; conditions that go together make others a little more frequent than said."""
    rng = np.random.default_rng(7)
    n = 12_000
    people = [body.draw(rng) for _ in range(n)]
    found = [set(diseases.draw(rng, one, TABLES)) for one in people]
    for row in TABLES.conditions.values():
        for band, said in enumerate((row.prevalence_65, row.prevalence_75, row.prevalence_85)):
            of_band = [row.condition in has for one, has in zip(people, found, strict=True) if can_have(one, row, band)]
            error = (said * (1 - said) / len(of_band)) ** 0.5
            assert np.mean(of_band) == pytest.approx(said, abs=0.25 * said + 4 * error), (row.condition, band)


def can_have(one, row, band):
    return one.band == band and (row.female_odds > 0 or one.sex == "m")


def test_no_woman_has_a_disease_of_men():
    rng = np.random.default_rng(8)
    people = [body.draw(rng) for _ in range(2000)]
    women = [set(diseases.draw(rng, one, TABLES)) for one in people if one.sex == "f"]
    assert not any("benign-prostatic-hyperplasia" in has for has in women)


def test_conditions_go_together_as_the_table_says():
    """The odds ratio of each pair with at least 5 % of either, within a factor of 1.6 (sampling, and shared causes)."""
    rng = np.random.default_rng(9)
    people = [body.Body(80, "f", 160, 65, "normal") for _ in range(12_000)]
    has = [set(diseases.draw(rng, one, TABLES)) for one in people]
    for row in TABLES.cooccurrence:
        a, b = (np.array([name in of for of in has]) for name in (row.condition_a, row.condition_b))
        if min(a.mean(), b.mean()) < 0.05:
            continue
        odds = (np.sum(a & b) * np.sum(~a & ~b)) / (np.sum(a & ~b) * np.sum(~a & b))
        assert 1 / 1.6 < odds / row.odds_ratio < 1.6, (row.condition_a, row.condition_b, odds)
