"""Harms made up at random, and the optimum by trying everything."""

from __future__ import annotations

import numpy as np

from harness.envs.polypharmacy.harm import Count, Harm, Lifted, Role
from harness.envs.polypharmacy.options import Option, steps_between
from harness.envs.polypharmacy.original import INTERVENTION_COST
from harness.envs.polypharmacy.patients import Patient, Prescription


def made_patient(places: int) -> Patient:
    """A patient of whom only the drugs matter: d0, d1, ..."""
    taken = tuple(Prescription(drug=f"d{i}", dose_mg=1.0, days=1, prescriber="gp") for i in range(places))
    return Patient(
        seed=0,
        age=70,
        sex="f",
        height_cm=160,
        weight_kg=60,
        conditions=(),
        creatinine_mg_dl=1,
        crcl_ml_min=60,
        liver="normal",
        medications=taken,
    )


def made_harm(seed: int, places: int, substitutes: int, *, roughness: float = 0.5) -> Harm:
    """Any harm that the search must cope with, nothing of it medical: every array is drawn."""
    rng = np.random.default_rng(seed)
    options = []
    for place in range(places):
        drugs = [f"d{place}", *(f"s{place}.{i}" for i in range(rng.integers(0, substitutes + 1)))]
        if place and rng.random() < 0.3:
            drugs.append("shared")
        for drug in drugs:
            options += [
                Option(place, drug, 1.0, reduced, monitored) for reduced in (False, True) for monitored in (False, True)
            ]
        options.append(Option(place, None, 0.0, False, False))
    n = len(options)
    where = np.array([option.place for option in options])
    names = np.array([str(option.drug) for option in options])
    levels = np.array([0.0, 0.03, 0.12, 0.3, 0.5])
    pairs = rng.choice(levels, (n, n), p=[0.7, 0.05, 0.1, 0.1, 0.05]) * rng.choice([0.25, 0.5, 1.0], (n, n))
    if rng.random() < roughness:  # smooth: as in reality, all options of one drug have much the same pairs
        blocks = {pair: rng.choice(levels) for pair in sorted({(a, b) for a in names for b in names if a < b})}
        pairs = np.array([[blocks.get((min(a, b), max(a, b)), 0.0) for b in names] for a in names])
    pairs = np.maximum(pairs, pairs.T)
    pairs[(names[:, None] == names[None, :]) & (names[:, None] == "shared")] = 100.0
    pairs[where[:, None] == where[None, :]] = 0.0
    several = [[rng.random(n) < 0.4 for _ in range(2)] for _ in range(int(rng.integers(0, 3)))]
    return Harm(
        options=tuple(options),
        place=where,
        start=tuple(int(i) for i in np.searchsorted(where, np.arange(places))),
        steps=steps_between(tuple(options), made_patient(places)),
        alone=rng.choice([0.0, 0.05, 0.1, 0.25, 0.3, 0.35, 0.6], n),
        pairs=pairs,
        roles=tuple(
            Role(0.35, np.where(where < 3, rng.choice([0.0, 0.8, 1.0], n), 0.0)) for _ in range(int(rng.integers(0, 2)))
        ),
        counts=tuple(
            Count("c", 0.3, int(rng.integers(2, 4)), rng.random(n) < 0.4) for _ in range(int(rng.integers(0, 3)))
        ),
        lifted=tuple(Lifted("l", 0.25, subject, protective) for subject, protective in several),
    )


def tried(harm: Harm, regimen: tuple[int, ...], interventions: int) -> float:
    """The most that can be gained from a regimen, by one intervention after the other in every order."""
    reached = {regimen}
    best = least = harm.total(regimen)
    for spent in range(1, interventions + 1):
        reached = {after for before in reached for after in one_further(harm, before)}
        least = min([least, *(harm.total(after) + INTERVENTION_COST * spent for after in reached)])
    return best - least


def one_further(harm: Harm, regimen: tuple[int, ...]) -> set[tuple[int, ...]]:
    """Every regimen that one intervention leads to."""
    found = set()
    for place, now in enumerate(regimen):
        for option in np.flatnonzero(harm.steps[now] == 1):
            others = {harm.options[i].drug for i in (*regimen[:place], *regimen[place + 1 :])} - {None}
            if harm.options[option].drug not in others:
                found.add((*regimen[:place], int(option), *regimen[place + 1 :]))
    return found


def kept_or_stopped(alone: list[tuple[float, float]], pairs: dict[tuple[int, int], float]) -> Harm:
    """A harm of places that are kept (option 2 * place) or stopped (the next), and of pairs of these options."""
    options = tuple(
        Option(place, drug, 1.0, False, False) for place in range(len(alone)) for drug in (f"d{place}", None)
    )
    together = np.zeros((len(options), len(options)))
    for (a, b), weight in pairs.items():
        together[a, b] = together[b, a] = weight
    return Harm(
        options=options,
        place=np.array([option.place for option in options]),
        start=tuple(range(0, len(options), 2)),
        steps=steps_between(options, made_patient(len(alone))),
        alone=np.array(alone).ravel(),
        pairs=together,
        roles=(),
        counts=(),
        lifted=(),
    )
