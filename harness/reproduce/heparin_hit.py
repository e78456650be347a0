"""`heparin-hit` beside what is published: what a 4Ts score is worth, and what sets good from bad."""

from __future__ import annotations

import math

import numpy as np

from harness.core.seeds import stream
from harness.envs.anticoagulation.four_ts import HIGH, INTERMEDIATE, deepest_fall
from harness.envs.anticoagulation.heparin.hit import constants as c
from harness.envs.anticoagulation.heparin.hit import policies
from harness.envs.anticoagulation.heparin.hit.course import Course, Patients, Policy, Therapy, draw, run
from harness.evaluation.intervals import Estimate, wilson
from harness.evaluation.tabular import Progress
from harness.mdp.tabular import BoolArray, IntArray
from harness.reproduce.calibration import Basis, Calibration, Row, Watch, mean, share

END = math.inf

SEEN_IN_TESTED = 0.11
"""Share of HIT among those who were scored in the studies that Cuker et al. 2012 join (recalled)."""

NOTES = (
    "fitted: how platelets fall by other causes, how surely those are named, and false alarms were chosen for what "
    "scores are worth (six settings). seen: looked at meanwhile. predicted: not looked at before.",
    "Scores are those of the day on which half of the platelets are lost, or of the last day where a third is, heparin "
    "going on; probabilities are for 11 % of those scored with HIT, as in the meta-analysis, not for the share here.",
    "4Ts: Cuker, Blood 2012;120:4160 (low 0.2 %, intermediate 14 %, high 64 %); nadirs about 60: Warkentin, recalled.",
    "Rows without a published figure are criteria of design.",
)


def _scores(patients: Patients) -> IntArray:
    """Scores when they would be asked for, heparin going on; -1 where nobody would ask."""
    course, found = Course(patients), np.full(len(patients), -1)
    while True:
        chart = course.chart()
        fall = deepest_fall(chart.counts).fall
        asked = (found < 0) & ((fall >= 0.5) | ((fall >= 0.3) & course.over))
        found = np.where(asked, policies.scored(chart).total, found)
        if course.over:
            return found
        course.step(np.full(len(patients), int(Therapy.HEPARIN)))


def hit(seeds: range, watch: Watch) -> Calibration:
    """The task `heparin-hit`."""
    n = len(seeds)
    patients = draw(seeds)
    has = patients.onset < c.DAYS
    thresholds = (3, 4, 5, 6)
    named: dict[str, Policy] = {
        **{f"4Ts of {t} or more": policies.by_four_ts(t) for t in thresholds},
        "half of the platelets lost": policies.by_count(),
        "always heparin": policies.always(Therapy.HEPARIN),
        "always the alternative": policies.always(Therapy.ALTERNATIVE),
        "always nothing": policies.always(Therapy.STOP),
        "random": policies.random_therapy(stream(seeds.start, "therapies by chance")),
        "who knows when HIT begins": lambda chart: np.where(
            patients.onset <= chart.day, Therapy.ALTERNATIVE, Therapy.HEPARIN
        ),
    }
    courses = {}
    for name, policy in named.items():
        courses[name] = run(patients, policy)
        watch(Progress(n * len(courses), n * len(named), "treated patients"))
    returns = {name: course.returns() for name, course in courses.items()}
    right = {name: 100 * course.right() for name, course in courses.items()}
    usual, constants = f"4Ts of {INTERMEDIATE} or more", [name for name in named if name.startswith("always")]
    best = max(constants, key=lambda name: float(returns[name].mean()))
    often = max(constants, key=lambda name: float(right[name].mean()))

    scores, untreated = _scores(patients), deepest_fall(courses["always heparin"].counts)
    bands = {
        "low (0 to 3)": (scores >= 0) & (scores < INTERMEDIATE),
        "intermediate (4, 5)": (scores >= INTERMEDIATE) & (scores < HIGH),
        "high (6 to 8)": scores >= HIGH,
    }
    wanted = {"low (0 to 3)": (0, 5), "intermediate (4, 5)": (8, 22), "high (6 to 8)": (54, 74)}
    published = dict(zip(bands, ("Cuker 0.2", "Cuker 14", "Cuker 64"), strict=True))
    worth = tuple(
        Row(
            f"HIT where the 4Ts are {band}",
            wanted[band],
            _worth(has, there, scores >= 0),
            "%",
            published[band],
            Basis.FITTED,
        )
        for band, there in bands.items()
    )
    falls = (
        Row(
            "mean lowest count in HIT, heparin going on",
            (50, 90),
            mean(untreated.nadir[has]),
            "10⁹/L",
            "60",
            Basis.SEEN,
        ),
        Row("fall above 50 % in HIT", (85, 100), share(untreated.fall[has] > 0.5), "%", "", Basis.SEEN),
    )
    order = (
        Row("4Ts less best constant", (0, END), mean(returns[usual] - returns[best]), "", "", Basis.SEEN, 2),
        Row("4Ts less random", (0, END), mean(returns[usual] - returns["random"]), "", "", Basis.SEEN, 2),
        Row("who knows less 4Ts", (0, END), mean(returns["who knows when HIT begins"] - returns[usual]), "", "",
            Basis.SEEN, 2),
        Row("days right: 4Ts less best constant", (0, END), mean(right[usual] - right[often]), "%", "", Basis.SEEN),
        Row("days right: 4Ts less random", (15, END), mean(right[usual] - right["random"]), "%", "", Basis.SEEN),
    )  # fmt: skip
    return Calibration(
        f"heparin-hit: {n:,} patients, seeds {seeds.start} to {seeds.stop - 1}",
        (
            ("What a score is worth", worth),
            ("Platelets", falls),
            ("What sets good from bad, the same patients; events of 100 unless said", order),
            (
                "Return: expected thromboses and major bleeds of 100 patients, negative",
                tuple(Row(name, None, mean(found), "", "", None, 2) for name, found in returns.items()),
            ),
            ("Days right", tuple(Row(name, None, mean(found), "%", "", None) for name, found in right.items())),
        ),
        NOTES,
    )


def _worth(has: BoolArray, there: BoolArray, scored: BoolArray) -> Estimate:
    """Percentage of HIT where a score is found, if `SEEN_IN_TESTED` of those scored had it.

    The interval is Wilson's of the share here, brought to that prevalence; it leaves out the prevalence's own error.
    """
    found = wilson(float((has & there).sum()), int(there.sum()))
    here = has[scored].mean()
    odds = SEEN_IN_TESTED / (1 - SEEN_IN_TESTED) * (1 - here) / here
    shares = (found.value, found.lower, max(found.upper, found.value))  # an upper end of 1 may be rounded below it
    value, lower, upper = (100 / (1 + (1 - p) / (p * odds)) if p > 0 else 0.0 for p in shares)
    return Estimate(float(value), float(lower), float(upper), found.n, found.interval)
