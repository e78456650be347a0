"""Rules that a ward could follow, arrays over patients."""

from __future__ import annotations

import numpy as np

from harness.envs.anticoagulation.dic import constants as c
from harness.envs.anticoagulation.dic.actions import ACTIONS, CAUSE, CRYO, DRUG, PLASMA, PLATELETS
from harness.envs.anticoagulation.dic.course import Chart, Policy
from harness.mdp.tabular import BoolArray, IntArray

EVERYTHING = PLATELETS + PLASMA + CRYO
PROPHYLACTIC, THERAPEUTIC = (DRUG * c.DRUGS.index(f"heparin_{dose}") for dose in ("prophylactic", "therapeutic"))
TXA = DRUG * c.DRUGS.index("txa")

TXA_CAUSES = ("trauma", "obstetric")
"""Where tranexamic acid has been shown to help, early."""

GIVEN_TXA = tuple(c.CAUSES.index(cause) for cause in TXA_CAUSES)
THROMBOTIC = c.CAUSES.index("cancer")


def constant(action: int) -> Policy:
    """The same orders whatever is known."""
    return lambda chart: np.full(chart.cause.shape, action)


untreated = constant(CAUSE)
"""The cause is treated, and nothing else."""

always_transfuse = constant(CAUSE + EVERYTHING)
"""The cause is treated, and every component is given at every decision."""

always_heparin = constant(CAUSE + THERAPEUTIC)
"""The cause is treated, and heparin goes on in a therapeutic dose."""


def chance(rng: np.random.Generator) -> Policy:
    """Every action equally often."""
    return lambda chart: rng.integers(len(ACTIONS), size=chart.cause.shape)


def treat(chart: Chart) -> IntArray:
    """The cause is treated where it has not been."""
    return np.where(chart.treated, 0, CAUSE)


def lab_threshold(chart: Chart) -> IntArray:
    """The cause is treated; components below the guideline's thresholds, whether or not the patient bleeds."""
    return treat(chart) + components(chart, np.ones(chart.bleeding.shape, dtype=np.bool_))


def guideline(chart: Chart) -> IntArray:
    """BCSH 2009 and ISTH/SSC 2013.

    The cause is treated first. Components by laboratory values in patients who bleed, platelets below 20 in others;
    tranexamic acid at once after an injury or birth with bleeding; heparin where nobody bleeds, in a therapeutic dose
    where thrombosis prevails, else as prophylaxis, each above a platelet count.
    """
    orders = treat(chart) + components(chart, chart.bleeding)
    txa = chart.bleeding & np.isin(chart.cause, GIVEN_TXA) & (chart.hours < c.TXA_HOURS)
    prophylactic, therapeutic = c.HEPARIN_PLATELETS
    heparin = np.where(
        (chart.cause == THROMBOTIC) & (chart.platelets >= therapeutic),
        THERAPEUTIC,
        np.where(chart.platelets >= prophylactic, PROPHYLACTIC, 0),
    )
    return np.asarray(orders + np.where(chart.bleeding, np.where(txa, TXA, 0), heparin))


def components(chart: Chart, bleeding: BoolArray) -> IntArray:
    """Which components the laboratory values speak for, in patients who bleed or are treated as if they did."""
    low = chart.platelets < np.where(bleeding, c.PLATELETS_BLEEDING, c.PLATELETS_PROPHYLACTIC)
    slow = chart.pt > c.PT_RATIO * c.PT_NORMAL
    return np.asarray(
        PLATELETS * low + PLASMA * (bleeding & slow) + CRYO * (bleeding & (chart.fibrinogen < c.FIBRINOGEN_BLEEDING))
    )
