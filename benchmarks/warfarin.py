"""Patient-days per second of warfarin: our arrays beside the hemosim package's Gymnasium environment; and the oracle.

    python benchmarks/warfarin.py [PYTHON_WITH_HEMOSIM]

One core, 5 mg a day, the same count of patient-days in one run; ours with drawing the patients and weekly visits.
hemosim (0.2.2 was measured) need not be installed beside the harness: the argument is an interpreter that has it.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import sys
import time

import numpy as np
from hemosim_loop import rate_by, seconds

DAYS = 18_000
MANY = 20_000
PLANNED = 100


def hemosim_loop(days: int) -> float:
    action = np.array([5.0 / 15.0], dtype=np.float32)
    return days / seconds("hemosim/WarfarinDosing-v0", action, days, time.perf_counter)


def arrays(patients: int) -> float:
    from harness.envs.anticoagulation.warfarin import constants as c
    from harness.envs.anticoagulation.warfarin.clinic import run
    from harness.envs.anticoagulation.warfarin.patients import draw
    from harness.envs.anticoagulation.warfarin.policies import unchanged

    run(draw(range(10), c.TITRATION_DAYS), unchanged)
    started = time.perf_counter()
    run(draw(range(100_000, 100_000 + patients), c.TITRATION_DAYS), unchanged)
    return patients * c.TITRATION_DAYS / (time.perf_counter() - started)


def one_at_a_time(episodes: int) -> float:
    from harness.envs.anticoagulation.warfarin.environment import warfarin

    env = warfarin()
    days = 0
    started = time.perf_counter()
    for seed in range(100_000, 100_000 + episodes):
        observation, over = env.reset(seed), False
        while not over:
            transition = env.step(env.fallback())
            observation, over = transition.observation, transition.terminated
        days += observation.day
    return days / (time.perf_counter() - started)


def oracle(patients: int) -> float:
    from harness.envs.anticoagulation.warfarin import constants as c
    from harness.envs.anticoagulation.warfarin.model import untreated
    from harness.envs.anticoagulation.warfarin.oracle import plan
    from harness.envs.anticoagulation.warfarin.patients import draw

    who = [draw([seed], c.TITRATION_DAYS) for seed in range(100_000, 100_000 + patients)]
    plan(who[0], untreated(1), 0, 0.0)
    wall, cpu = time.perf_counter(), time.process_time()
    for patient in who:
        plan(patient, untreated(1), 0, 0.0)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{'oracle, a whole plan':34} {1e3 * wall / patients:10.1f} ms a patient ({1e3 * cpu / patients:.1f} ms CPU)")
    return wall / patients


def main(other: str | None) -> None:
    same = arrays(DAYS // 90)
    print(f"{f'arrays, {DAYS // 90} patients':34} {same:14,.0f} patient-days/s")
    print(f"{f'arrays, {MANY:,} patients':34} {arrays(MANY):14,.0f} patient-days/s")
    print(f"{'environment, one patient at a time':34} {one_at_a_time(DAYS // 90):14,.0f} patient-days/s")
    oracle(PLANNED)
    rate = rate_by(other, __file__)
    if rate is None:
        return
    print(f"{'hemosim, Gymnasium loop':34} {rate:14,.0f} patient-days/s   {DAYS:,} patient-days")
    print(f"ratio {same / rate:,.0f} with {DAYS:,} patient-days each")


if __name__ == "__main__":
    if sys.argv[1:] == ["hemosim"]:
        print(hemosim_loop(DAYS))
    else:
        main(sys.argv[1] if len(sys.argv) > 1 else None)
