"""What is seen of a patient at a decision, and the chart that a sequence of such observations amounts to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from harness.core.environment import Observation
from harness.envs.anticoagulation.heparin import laboratory
from harness.envs.anticoagulation.heparin.actions import BOLUSES, HOLDS, HeparinAction, HeparinLabsAction, new_rate
from harness.envs.anticoagulation.heparin.infusion import Chart, Orders, orders, passed
from harness.envs.anticoagulation.heparin.laboratory import APTT, NEVER
from harness.envs.anticoagulation.heparin.model import QUARTERS
from harness.envs.anticoagulation.heparin.patients import TESTS
from harness.envs.anticoagulation.heparin.setting import Setting

SHOWN = 6
"""Earlier orders, and results of each test, that an observation lists, the latest ones."""

_APTT = "s; the laboratory reports none above 150, which means 150 or more"


class Given(BaseModel):
    """An order that was carried out."""

    model_config = ConfigDict(frozen=True)

    hour: int = Field(description="hours since the beginning")
    rate: float = Field(description="infusion ordered then, U/kg/h")
    bolus: int = Field(description="bolus given then, U/kg")
    hold: int = Field(description="minutes for which the infusion paused before that rate began")


class EarlierDecision(Given):
    """The same, and the aPTT that it rested on."""

    aptt: int = Field(description=f"aPTT drawn then, {_APTT}")


class Result(BaseModel):
    """A result of the laboratory."""

    model_config = ConfigDict(frozen=True)

    test: Literal["aptt", "anti_xa"]
    drawn: int = Field(description="hour of the draw")
    known: int = Field(description="hour at which the result came")
    value: float | None = Field(description=f"aPTT, {_APTT}; anti-Xa, IU/mL; None: the sample was lost")


class Pending(BaseModel):
    """A sample whose result has not come."""

    model_config = ConfigDict(frozen=True)

    test: Literal["aptt", "anti_xa"]
    drawn: int = Field(description="hour of the draw")


class HeparinObservation(Observation):
    """What is known of a patient when the aPTT comes."""

    weight: int = Field(description="kg")
    hour: int = Field(description="hours since the beginning; the aPTT was drawn then")
    hours_left: int = Field(description="hours until the end of the episode")
    aptt: int = Field(description=f"drawn at this hour, {_APTT}")
    rate: float = Field(description="infusion that runs, U/kg/h; 0: none")
    earlier: tuple[EarlierDecision, ...] = Field(description=f"the latest {SHOWN} decisions before, oldest first")


class HeparinLabsObservation(Observation):
    """What is known of a patient at an hour."""

    weight: int = Field(description="kg")
    hour: int = Field(description="hours since the beginning")
    hours_left: int = Field(description="hours until the end of the episode")
    rate: float = Field(description="infusion that runs, U/kg/h; 0: none")
    orders: tuple[Given, ...] = Field(description=f"the latest {SHOWN} changes, boluses and pauses, oldest first")
    results: tuple[Result, ...] = Field(
        description=f"the latest {SHOWN} results of each test, in the order in which they came"
    )
    pending: tuple[Pending, ...] = Field(description="samples drawn whose results have not come")


AnyObservation = HeparinObservation | HeparinLabsObservation
AnyAction = HeparinAction | HeparinLabsAction
History = Sequence[tuple[AnyObservation, AnyAction]]


def meant(action: AnyAction, rate: float) -> Orders:
    """The orders of one patient that an action means where `rate` runs."""
    found = orders(np.array([new_rate(action.rate, rate)]), float(BOLUSES[action.bolus]), HOLDS[action.hold])
    if isinstance(action, HeparinLabsAction):
        found.tests[:] = [[action.labs in (test, "both")] for test in TESTS]
    return found


def given(hour: int, rate: float, action: AnyAction) -> Given:
    """An order as it is shown later."""
    minutes = round(60 * HOLDS[action.hold])
    return Given(hour=hour, rate=new_rate(action.rate, rate), bolus=BOLUSES[action.bolus], hold=minutes)


def observed(chart: Chart, done: Sequence[Given]) -> AnyObservation:
    """What is seen of the one patient of a chart who had these orders."""
    known = {"weight": int(chart.weight[0]), "hour": chart.hour, "hours_left": chart.length - chart.hour}
    rate = float(chart.rate[0])
    value = chart.samples.value[..., 0]
    if not chart.setting.ordered:
        aptts = {hour: int(value[hour, APTT]) for hour in (*(order.hour for order in done), chart.hour)}
        earlier = tuple(EarlierDecision(**order.model_dump(), aptt=aptts[order.hour]) for order in done[-SHOWN:])
        return HeparinObservation(**known, aptt=aptts[chart.hour], rate=rate, earlier=earlier)
    known_at = chart.samples.known_at[..., 0]
    results, pending = [], []
    for drawn, test in np.argwhere(chart.samples.drawn[..., 0]):
        if known_at[drawn, test] == NEVER:
            pending.append(Pending(test=TESTS[test], drawn=int(drawn)))
            continue
        found = value[drawn, test]
        number = None if np.isnan(found) else float(found)
        results.append(Result(test=TESTS[test], drawn=int(drawn), known=int(known_at[drawn, test]), value=number))
    results.sort(key=lambda result: result.known)
    shown = [r for i, r in enumerate(results) if sum(later.test == r.test for later in results[i + 1 :]) < SHOWN]
    return HeparinLabsObservation(
        **known,
        rate=rate,
        orders=tuple(_changes(done)[-SHOWN:]),
        results=tuple(shown),
        pending=tuple(pending),
    )


def _changes(done: Sequence[Given]) -> list[Given]:
    """Orders that were no mere going on."""
    before = [0.0, *(order.rate for order in done)]
    return [o for o, rate in zip(done, before, strict=False) if o.rate != rate or o.bolus or o.hold]


def chart_of(observation: AnyObservation, history: History, setting: Setting) -> Chart:
    """The chart of one patient, from what is seen now and what was seen and ordered before."""
    hour, length = observation.hour, observation.hour + observation.hours_left
    samples = laboratory.nothing(length, 1)
    infused = np.zeros((QUARTERS * hour, 1))
    changed = -1
    unknown = np.ones((length, 1))
    for before, action in history:
        ordered = meant(action, before.rate)
        end = min(before.hour + setting.step, length)
        here = passed(np.zeros(1), np.array([before.rate]), ordered, (before.hour, end), setting, unknown[0], unknown)
        for quarter, rate, _ in here:
            infused[quarter] = rate
        if ordered.rate[0] != before.rate or ordered.bolus[0] or ordered.hold[0]:
            changed = before.hour
        if setting.ordered:
            samples.drawn[before.hour] = ordered.tests
    for seen in (*(before for before, _ in history), observation):
        _note(samples, seen)
    return Chart(
        weight=np.array([float(observation.weight)]),
        hour=hour,
        length=length,
        setting=setting,
        rate=np.array([observation.rate]),
        samples=samples.known(hour),
        changed=np.array([changed]),
        infused=infused,
    )


def in_words(seen: Mapping[str, Any]) -> str:
    """A patient at a decision in a few words, from an observation as it is recorded."""
    if "aptt" in seen:
        aptt = f"aPTT {seen['aptt']} s"
    else:
        known = [r for r in seen["results"] if r["test"] == "aptt" and r["value"] is not None]
        last = max(known, key=lambda r: int(r["drawn"]), default=None)
        aptt = f"aPTT {last['value']:.0f} s of hour {last['drawn']}" if last else "no aPTT known"
    return f"hour {seen['hour']}, {aptt}, {seen['rate']:g} U/kg/h, {seen['weight']} kg"


def _note(samples: laboratory.Samples, seen: AnyObservation) -> None:
    """Write down the results that an observation shows."""
    results = (
        [Result(test="aptt", drawn=seen.hour, known=seen.hour, value=seen.aptt)]
        if isinstance(seen, HeparinObservation)
        else seen.results
    )
    for result in results:
        place = (result.drawn, TESTS.index(result.test), 0)
        samples.drawn[place] = True
        samples.known_at[place] = result.known
        samples.value[place] = np.nan if result.value is None else result.value
