"""Steps per second of heparin: our arrays beside the hemosim package's Gymnasium environment; and the oracle.

    python benchmarks/heparin.py [PYTHON_WITH_HEMOSIM]

One core, its CPU time, a decision every six hours, the same count of patient-days in one run. Ours with drawing the
patients, an aPTT at every decision and Raschke's nomogram; hemosim with 100 U/h, at which its patients live on (they
die of 18 U/kg/h).
hemosim (0.2.2 was measured) need not be installed beside the harness: the argument is an interpreter that has it.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import sys
import time

import numpy as np
from hemosim_loop import rate_by, seconds

DAYS = 4_000
STEPS_A_DAY = 4
MANY = 20_000
PLANNED = 100


def hemosim_loop(days: int) -> float:
    action = np.array([100 / 2_500, 0.0], dtype=np.float32)  # of 2,500 U/h; no bolus
    steps = days * STEPS_A_DAY
    return steps / seconds("hemosim/HeparinInfusion-v0", action, steps, time.process_time)


def arrays(patients: int) -> float:
    from harness.envs.anticoagulation.heparin import constants as c
    from harness.envs.anticoagulation.heparin.infusion import run
    from harness.envs.anticoagulation.heparin.patients import draw
    from harness.envs.anticoagulation.heparin.policies import raschke
    from harness.envs.anticoagulation.heparin.setting import FULL

    run(draw(range(10), FULL), FULL, raschke)
    started = time.process_time()
    run(draw(range(100_000, 100_000 + patients), FULL), FULL, raschke)
    return patients * c.HOURS / c.STEP / (time.process_time() - started)


def one_at_a_time(env_id: str, episodes: int) -> float:
    from harness.envs.registry import make

    env = make(env_id)
    steps = 0
    started = time.process_time()
    for seed in range(100_000, 100_000 + episodes):
        env.reset(seed)
        over = False
        while not over:
            over = env.step(env.fallback()).terminated
            steps += 1
    return steps / (time.process_time() - started)


def oracle(env_id: str, patients: int) -> None:
    from harness.envs.registry import make

    env = make(env_id)
    env.reference.value()
    wall, cpu = time.perf_counter(), time.process_time()
    for seed in range(100_000, 100_000 + patients):
        env.reset(seed)
        env.reference.value()
    wall, cpu = (
        1e3 * (now - then) / patients for now, then in ((time.perf_counter(), wall), (time.process_time(), cpu))
    )
    print(f"{f'{env_id}: table and plan in hindsight':42} {wall:10.1f} ms a patient ({cpu:.1f} ms CPU)")


def main(other: str | None) -> None:
    patients = DAYS // 2
    same = arrays(patients)
    print(f"{f'arrays, {patients:,} patients':42} {same:14,.0f} steps/s")
    print(f"{f'arrays, {MANY:,} patients':42} {arrays(MANY):14,.0f} steps/s")
    for env_id, episodes in (("heparin", 200), ("heparin-labs", 50)):
        print(f"{f'{env_id}, one patient at a time':42} {one_at_a_time(env_id, episodes):14,.0f} steps/s")
        oracle(env_id, PLANNED)
    rate = rate_by(other, __file__)
    if rate is None:
        return
    print(f"{'hemosim, Gymnasium loop':42} {rate:14,.0f} steps/s   {DAYS:,} patient-days")
    print(f"ratio {same / rate:,.0f} with {DAYS:,} patient-days, {DAYS * STEPS_A_DAY:,} steps of six hours each")


if __name__ == "__main__":
    if sys.argv[1:] == ["hemosim"]:
        print(hemosim_loop(DAYS))
    else:
        main(sys.argv[1] if len(sys.argv) > 1 else None)
