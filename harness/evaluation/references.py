"""Exact values of the policies that every agent is measured against."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

from harness.core.environment import ReferenceKind
from harness.core.errors import InvalidMDP, InvalidPolicy
from harness.evaluation.summary import ReferenceValue
from harness.mdp.environment import TabularEnvironment
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import deterministic, uniform


def reference_values(env: TabularEnvironment[Any, Any], *, everything: bool = False) -> dict[str, ReferenceValue]:
    """Optimal, expert (where the data hold one) and random; with `everything` also worst and fallback.

    Where something is hidden from the agent, 'optimal' knows it and 'achievable' does not.
    """
    mdp = env.mdp
    tables = {
        "optimal": deterministic(mdp, env.optimum.actions),
        "expert": env.expert_policy,
        "random": uniform(mdp.legal),
    }
    if env.achievable is not None:
        tables["achievable"] = deterministic(mdp, env.achievable.actions)
    if everything:
        with suppress(InvalidMDP):  # where one can go on for ever there may be none
            tables["worst"] = deterministic(mdp, env.worst.actions)
        tables["fallback"] = deterministic(mdp, env.fallback_actions)
    kinds = {"optimal": env.reference_kind, "achievable": ReferenceKind.ACHIEVABLE}
    found = {}
    for name, table in tables.items():
        if table is None:
            continue
        with suppress(InvalidPolicy):  # a policy that never ends has no undiscounted value
            evaluation = evaluate(mdp, table)
            found[name] = ReferenceValue(
                value=evaluation.J,
                length=evaluation.length if math.isfinite(evaluation.length) else None,
                kind=kinds.get(name),
            )
    return found
