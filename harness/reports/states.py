"""Which states patients are in, and what the optimum does there, in a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.construction.newcomers import Placed
from harness.core.text import harmless
from harness.data.table import IntArray
from harness.mdp.environment import TabularEnvironment
from harness.reports.block import Block
from harness.reports.safety import NOTICE, mind
from harness.reports.text import percent

Env = TabularEnvironment[Any, Any]


def records(placed: Placed, env: Env, best: IntArray, *, every: bool) -> list[dict[str, Any]]:
    """A row for each patient's last row, or for every row, as plain values."""
    chosen = np.flatnonzero(placed.last | every)
    found = []
    for row in chosen:
        s = int(placed.state[row])
        a = int(best[s])
        usual = None if env.expert_policy is None else float(env.expert_policy[s, a])
        found.append(
            {
                "patient": placed.patient[row].item(),
                "time": placed.time[row].item(),
                "state": s,
                "action": a,
                "optimal": env.action_labels[a],
                "usual": usual,
                "admissible": bool(env.mdp.admissible[s, a]),
                "value": float(env.optimum.V[s]),
                "unlike": bool(placed.far[row]),
                "patients_of_the_state": env.describe(s),
            }
        )
    return found


def blocks(rows: Sequence[dict[str, Any]], n: int, env: Env) -> list[Block]:
    """These of n rows."""
    cells = [
        (
            harmless(f"{row['patient']}"),
            f"{row['time']:g}",
            f"{row['state']}{' !' if row['unlike'] else ''}",
            row["optimal"],
            percent(row["usual"]),
            f"{row['value']:.4g}",
        )
        for row in rows
    ]
    more = [f"{n - len(rows):,} more rows: --out FILE writes all, --json prints them."] if n > len(rows) else []
    notes = (
        *more,
        "optimal: of the estimated MDP; of equally good actions one that the data support. usual: how often the "
        f"clinicians in the data did so in the state. value: {env.spec.value_name}, the optimum being followed.",
        "!: farther from the state's centre than 99 % of the rows that it was made of: the state may not fit.",
        *mind(env),
        NOTICE,
    )
    words = {row["state"]: row["patients_of_the_state"] for row in sorted(rows, key=lambda row: int(row["state"]))}
    return [
        Block(
            f"{env.spec.title} v{env.spec.version}",
            ("patient", "time", "state", "usual", "value", "optimal action"),
            [(who, when, state, usual, value, optimal) for who, when, state, optimal, usual, value in cells],
        ),
        Block("", ("state", "its patients"), [(f"{state}", said) for state, said in words.items()], notes),
    ]
