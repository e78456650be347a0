"""ICU-Sepsis rebuilt from its own simulated trajectories: python benchmarks/rebuild.py [episodes] [visits]."""

from __future__ import annotations

import sys
import time

from harness.construction.rebuild import rebuild
from harness.envs.registry import make


def main() -> None:
    episodes, visits = (int(word) for word in (*sys.argv[1:], *("100000", "21")[len(sys.argv) - 1 :]))
    sepsis = make("icu-sepsis")
    begun = time.perf_counter()
    found = rebuild(sepsis.mdp, sepsis.expert_policy, episodes, seed=0, visits=visits)
    print(
        f"{episodes:,} episodes of the expert, {found.transitions:,} transitions, {time.perf_counter() - begun:.1f} s"
    )
    print(
        f"{found.rows:,} pairs of state and action with {visits} visits or more; ICU-Sepsis has "
        f"{int(sepsis.mdp.admissible[:713].sum()):,} admissible ones"
    )
    print(
        f"total variation of their transitions {found.total_variation:.4f}; {found.sampling_variation:.4f} by sampling"
    )
    print(
        f"expert: {found.behaviour:.4f} rebuilt, {found.true_behaviour:.4f} true, standard error "
        f"{found.behaviour_error:.4f}, n = {episodes:,}"
    )
    print(
        f"optimum: {found.optimum:.4f} rebuilt, {found.true_optimum:.4f} true; its policy is in truth worth "
        f"{found.optimum_in_truth:.4f}"
    )
    print(
        f"the same, knowing which actions are admissible: {found.known_optimum:.4f}, in truth worth "
        f"{found.known_optimum_in_truth:.4f}"
    )


if __name__ == "__main__":
    main()
