"""Patient-days per CPU second of DIC: our arrays beside the hemosim package's Gymnasium environment; and the reference.

    python benchmarks/dic.py [PYTHON_WITH_HEMOSIM]

One core, nothing given, the same count of patient-days in one run. Ours twice: with drawing the patients from their
seeds, which takes most of the time, and without. hemosim decides every four hours and ours every six. hemosim (0.2.2
was measured, without its optional cascade, which makes it hundreds of times slower) need not be installed beside the
harness: the argument is an interpreter that has it.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import sys
import time

import numpy as np
from hemosim_loop import rate_by, seconds

DAYS = 7
PATIENTS = 4_000
MANY = 20_000
PLAYED = 50
REPEATS = 3


def hemosim_loop(patient_days: int) -> float:
    action, steps = np.zeros(4, dtype=np.int64), patient_days * 6
    env_id = "hemosim/DICManagement-v0"
    return patient_days / seconds(env_id, action, steps, time.process_time, disable_env_checker=True)


def arrays(patients: int) -> tuple[float, float]:
    """Patient-days a second with drawing the patients, and without; the best of a few."""
    from harness.envs.anticoagulation.dic.course import run
    from harness.envs.anticoagulation.dic.patients import draw
    from harness.envs.anticoagulation.dic.policies import untreated

    run(draw(range(10)), untreated)
    found = []
    for _ in range(REPEATS):
        started = time.process_time()
        drawn = draw(range(100_000, 100_000 + patients))
        begun = time.process_time()
        run(drawn, untreated)
        ended = time.process_time()
        found.append((patients * DAYS / (ended - started), patients * DAYS / (ended - begun)))
    return max(with_drawing for with_drawing, _ in found), max(without for _, without in found)


def one_at_a_time(episodes: int, *, regret: bool) -> float:
    from harness.envs.anticoagulation.dic.environment import dic

    env = dic()
    started = time.process_time()
    for seed in range(100_000, 100_000 + episodes):
        env.reset(seed)
        over = False
        while not over:
            if regret:
                env.reference.value()
                env.reference.action_value(env.fallback())
            over = env.step(env.fallback()).terminated
    return (time.process_time() - started) / episodes


def main(other: str | None) -> None:
    (drawing, without), many = arrays(PATIENTS), arrays(MANY)
    for patients, rates in ((PATIENTS, (drawing, without)), (MANY, many)):
        print(
            f"{f'arrays, {patients:,} patients':40} {rates[0]:12,.0f} patient-days/s, {rates[1]:12,.0f} without drawing"
        )
    for name, regret in (("environment, an episode", False), ("  with regrets", True)):
        print(f"{name:40} {1e3 * one_at_a_time(PLAYED, regret=regret):12,.1f} ms")
    rate = rate_by(other, __file__)
    if rate is None:
        return
    print(f"{'hemosim, Gymnasium loop':40} {rate:12,.0f} patient-days/s   {PATIENTS * DAYS:,} patient-days")
    same = f"with {PATIENTS * DAYS:,} patient-days each"
    print(f"ratio {drawing / rate:,.0f} {same}, {without / rate:,.0f} without drawing the patients")


if __name__ == "__main__":
    if sys.argv[1:] == ["hemosim"]:
        print(hemosim_loop(PATIENTS * DAYS))
    else:
        main(sys.argv[1] if len(sys.argv) > 1 else None)
