"""What can be done about platelets under heparin: by the 4Ts, by the count alone, always the same, or by chance."""

from __future__ import annotations

import numpy as np

from harness.envs.anticoagulation.four_ts import INTERMEDIATE, FourTs, deepest_fall, four_ts
from harness.envs.anticoagulation.heparin.hit.course import Chart, Policy, Therapy
from harness.mdp.tabular import BoolArray, IntArray


def scored(chart: Chart) -> FourTs:
    """The 4Ts of a chart's patients."""
    found = deepest_fall(chart.counts)
    return four_ts(
        fall=found.fall,
        nadir=found.nadir,
        onset=found.onset,
        clear=found.clear,
        sequelae=chart.sequelae,
        other=chart.other,
        last_exposure=chart.exposure,
    )


def suspected(chart: Chart, threshold: int = INTERMEDIATE) -> BoolArray:
    """Whose platelets fell by 30 % or more and whose score reaches the threshold."""
    found = scored(chart)
    return np.asarray((found.thrombocytopenia > 0) & (found.total >= threshold))


def by_four_ts(threshold: int = INTERMEDIATE) -> Policy:
    """Heparin until the score reaches the threshold, then the alternative for good: guidelines have 4."""

    def policy(chart: Chart) -> IntArray:
        changed = _changed(chart) | suspected(chart, threshold)
        return np.where(changed, Therapy.ALTERNATIVE, Therapy.HEPARIN)

    return policy


def by_count(part: float = 0.5) -> Policy:
    """Heparin until so much of the highest count is lost, whatever else, then the alternative for good."""

    def policy(chart: Chart) -> IntArray:
        changed = _changed(chart) | (deepest_fall(chart.counts).fall >= part)
        return np.where(changed, Therapy.ALTERNATIVE, Therapy.HEPARIN)

    return policy


def always(therapy: Therapy) -> Policy:
    """The same every day."""
    return lambda chart: np.full(chart.counts.shape[1], int(therapy))


def random_therapy(rng: np.random.Generator) -> Policy:
    """Any of the three, anew every day: chance."""
    return lambda chart: np.asarray(rng.integers(len(Therapy), size=chart.counts.shape[1]))


def _changed(chart: Chart) -> BoolArray:
    return np.asarray((chart.therapy == Therapy.ALTERNATIVE).any(axis=0))
