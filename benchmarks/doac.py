"""Decisions per second of anticoagulants: our arrays beside the hemosim package's Gymnasium environment; the optimum.

    python benchmarks/doac.py [PYTHON_WITH_HEMOSIM]

One core, apixaban at its standard dose, the same count of decisions in one run; ours with drawing the patients. A
decision of ours is a quarter, one of hemosim's 30 days: counted in patient-days ours are three times as many.
hemosim (0.2.2 was measured) need not be installed beside the harness: the argument is an interpreter that has it.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import sys
import time

import numpy as np
from hemosim_loop import rate_by, seconds

DECISIONS = 2_400
MANY = 20_000
SOLVED = 30


def hemosim_loop(decisions: int) -> float:
    action = np.array([2, 1])
    return decisions / seconds("hemosim/DOACManagement-v0", action, decisions, time.perf_counter)


def arrays(patients: int) -> float:
    from harness.envs.anticoagulation.doac import constants as c
    from harness.envs.anticoagulation.doac.course import run
    from harness.envs.anticoagulation.doac.patients import draw
    from harness.envs.anticoagulation.doac.policies import constant

    run(draw(range(10)), constant("apixaban_5"))
    started = time.perf_counter()
    run(draw(range(100_000, 100_000 + patients)), constant("apixaban_5"))
    return patients * c.QUARTERS / (time.perf_counter() - started)


def one_at_a_time(episodes: int) -> float:
    from harness.envs.anticoagulation.doac.environment import doac

    env = doac()
    decisions = 0
    started = time.perf_counter()
    for seed in range(100_000, 100_000 + episodes):
        env.reset(seed)
        over = False
        while not over:
            over = env.step(env.fallback()).terminated
            decisions += 1
    return decisions / (time.perf_counter() - started)


def optimum(patients: int) -> None:
    from harness.envs.anticoagulation.doac.optimum import optimum as solved
    from harness.envs.anticoagulation.doac.patients import draw

    who = draw(range(100_000, 100_000 + patients))
    solved(who, 0)
    wall, cpu = time.perf_counter(), time.process_time()
    for i in range(patients):
        solved(who, i)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{'optimum, every state of 12 quarters':36} {1e3 * wall / patients:8.1f} ms a patient "
          f"({1e3 * cpu / patients:.1f} ms CPU)")  # fmt: skip


def main(other: str | None) -> None:
    same = arrays(DECISIONS // 12)
    print(f"{f'arrays, {DECISIONS // 12} patients':36} {same:12,.0f} decisions/s")
    print(f"{f'arrays, {MANY:,} patients':36} {arrays(MANY):12,.0f} decisions/s")
    print(f"{'environment, one patient at a time':36} {one_at_a_time(DECISIONS // 12):12,.0f} decisions/s")
    optimum(SOLVED)
    rate = rate_by(other, __file__)
    if rate is None:
        return
    print(f"{'hemosim, Gymnasium loop':36} {rate:12,.0f} decisions/s   {DECISIONS:,} decisions")
    print(f"ratio {same / rate:,.0f} with {DECISIONS:,} decisions each")


if __name__ == "__main__":
    if sys.argv[1:] == ["hemosim"]:
        print(hemosim_loop(DECISIONS))
    else:
        main(sys.argv[1] if len(sys.argv) > 1 else None)
