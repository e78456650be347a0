"""How long the informed optimum of a medication review takes, a decision at a time, beside trying everything.

A decision takes what `harness eval` asks of the reference: the value of the state, and of the action that was taken.
Plans are kept within an episode, so a decision that left the regimen as it was costs next to nothing; the first of an
episode works everything out. Times are of the processor. Patients are those of the first evaluation seeds.
"""

from __future__ import annotations

import itertools
import sys
import time

import numpy as np

from harness.agents import registry as agents
from harness.core.agent import Situation
from harness.core.seeds import EVALUATION_START
from harness.envs.polypharmacy.harm import Harm, Regimen
from harness.envs.polypharmacy.optimum import Optimum
from harness.envs.polypharmacy.original import INTERVENTION_COST
from harness.envs.polypharmacy.patients import TASKS
from harness.envs.registry import make

EPISODES = 200
WHO = ("pharmacist", "random")
TRIED = 10
"""Patients whose regimens are all tried."""

MOST_TRIED = 300_000
"""Regimens above which nobody tries everything here; their number is told, and how long it would take."""


def milliseconds(task: str, who: str) -> tuple[np.ndarray, np.ndarray]:
    """Milliseconds of every decision, and of every first one."""
    env = make(f"polypharmacy/{task}")
    agent = agents.make(who, env)
    every, first = [], []
    for seed in range(EVALUATION_START, EVALUATION_START + EPISODES):
        shown, step = env.reset(seed), 0
        while not shown.done:
            action = agent.decide(shown, Situation(env.why_illegal, seed=seed, step=step))
            began = time.process_time()
            reference = env.reference
            reference.value()
            reference.action_value(action)
            every.append(1_000 * (time.process_time() - began))
            first += every[-1:] if not step else []
            shown, step = env.step(action).observation, step + 1
    return np.array(every), np.array(first)


def regimens(harm: Harm, most: int) -> int:
    """How many regimens so many interventions lead to."""
    ways = np.zeros(most + 1, dtype=np.int64)
    ways[0] = 1
    for now in harm.start:
        steps = np.bincount(harm.steps[now][harm.steps[now] <= most], minlength=most + 1)
        ways = np.convolve(ways, steps)[: most + 1]
    return int(ways.sum())


def tried(harm: Harm, most: int) -> float:
    """The most that can be gained, by the total of every regimen within so many interventions."""
    before = harm.total(harm.start)
    places: list[list[tuple[int, int]]] = [
        [(int(option), int(harm.steps[now, option])) for option in np.flatnonzero(harm.steps[now] <= most)]
        for now in harm.start
    ]

    def below(place: int, chosen: Regimen, spent: int) -> float:
        if place == len(places):
            return before - harm.total(chosen) - INTERVENTION_COST * spent
        return max(below(place + 1, (*chosen, o), spent + s) for o, s in places[place] if spent + s <= most)

    return below(0, (), 0)


def main() -> None:
    print(f"{EPISODES} episodes a row; milliseconds of processor time a decision\n")
    print("| task | agent | decisions | median | mean | 95 % | longest | first of an episode: median | longest |")
    print("|---|---|---|---|---|---|---|---|---|")
    for task, who in itertools.product(TASKS, WHO):
        every, first = milliseconds(task, who)
        print(
            f"| {task} | {who} | {len(every):,} | {np.median(every):.2f} | {every.mean():.2f} | "
            f"{np.quantile(every, 0.95):.2f} | {every.max():.1f} | {np.median(first):.2f} | {first.max():.1f} |",
            flush=True,
        )
    print(f"\nBeside trying every regimen, {TRIED} patients a row\n")
    print("| task | interventions | regimens, median | search, ms | trying, ms | times | largest difference |")
    print("|---|---|---|---|---|---|---|")
    for task, most in (
        ("easy-screening", 2),
        ("budgeted-screening", 2),
        ("budgeted-screening", 3),
        ("complex-tradeoff", 2),
        ("complex-tradeoff", 5),
    ):
        beside(task, most)


def beside(task: str, most: int) -> None:
    """A row: the search and trying everything on the same patients."""
    env = make(f"polypharmacy/{task}")
    sizes, searching, trying, apart = [], [], [], 0.0
    for seed in range(EVALUATION_START, EVALUATION_START + TRIED):
        env.reset(seed)
        harm = env._state.harm
        sizes.append(regimens(harm, most))
        began = time.process_time()
        found = Optimum(harm).plan(harm.start, most).gain
        searching.append(1_000 * (time.process_time() - began))
        began = time.process_time()
        if sizes[-1] <= MOST_TRIED:
            apart = max(apart, abs(found - tried(harm, most)))
            trying.append(1_000 * (time.process_time() - began))
        else:
            harm.total(harm.start)
            trying.append(1_000 * (time.process_time() - began) * sizes[-1])
    told = max(sizes) <= MOST_TRIED
    times = np.median(trying) / np.median(searching)
    shown = f"{np.median(trying):,.0f}" if told else f"about {np.median(trying):,.0f}"
    print(
        f"| {task} | {most} | {np.median(sizes):,.0f} | {np.median(searching):.2f} | {shown} | {times:,.0f} | "
        f"{f'{apart:.1e}' if told else 'not tried'} |",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
