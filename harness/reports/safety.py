"""What policies do to whom, in tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from harness.core.text import harmless
from harness.data.sharing import Provenance
from harness.evaluation.policies import NamedPolicy
from harness.evaluation.safety import ActionMap, DoseMap, Safety
from harness.mdp.environment import TabularEnvironment
from harness.reports.block import Block
from harness.reports.text import not_for_ranking, percent

NOTICE = "A benchmark, not medical advice."

IN_FILES = (
    "In actions.csv and doses.csv: share, of the policy's decisions in the band; Q, the mean value of doing that there "
    "once and then as the policy does; V, the policy's own mean value there."
)

Env = TabularEnvironment[Any, Any]


def mind(env: Env) -> Iterator[str]:
    """What is to be known before any figure of the task: that its patients are none, or its optimum an estimate's."""
    if env.spec.provenance is not None:
        yield f"Made of {Provenance.model_validate(env.spec.provenance).in_words()}."
        yield "Values are exact in an estimated MDP, whose optimum looks better than it is: see `harness doubt`."
    if env.spec.assumption_based:
        yield not_for_ranking(env.spec.title)


def blocks(found: Sequence[tuple[NamedPolicy, Sequence[Safety]]], env: Env) -> Iterator[Block]:
    """A table for every policy, and what its columns are."""
    for policy, rows in found:
        caption = harmless(f"{policy.name} ({policy.caveat})" if policy.caveat else policy.name)
        shown = [_row(row) for row in rows]
        yield Block(caption, tuple(shown[0]), [tuple(row.values()) for row in shown])
    first = found[0][1][0]
    yield Block("", (), (), tuple(_notes(env, first)))


def records(found: Sequence[tuple[NamedPolicy, Sequence[Safety]]]) -> list[dict[str, Any]]:
    """The same as plain values."""
    return [
        {"policy": policy.name, "caveat": policy.caveat or None} | _plain(row) for policy, rows in found for row in rows
    ]


def doses(found: Sequence[tuple[NamedPolicy, Mapping[str, DoseMap]]], env: Env) -> list[dict[str, Any]]:
    """The maps as plain values: share of the decisions in the band, and mean Q, of every dose that an action gives."""
    return [
        {"policy": policy.name, "band": band}
        | {dose.name: level for dose, level in zip(env.doses, cell, strict=True)}
        | {"share": float(share), "Q": float(known.Q[cell]), "V": known.V}
        for policy, maps in found
        for band, known in maps.items()
        for cell, share in np.ndenumerate(known.share)
    ]


def actions(found: Sequence[tuple[NamedPolicy, Mapping[str, ActionMap]]], env: Env) -> list[dict[str, Any]]:
    """The same of every action."""
    return [
        {"policy": policy.name, "band": band, "action": label}
        | {"share": float(known.share[a]), "Q": float(known.Q[a]), "V": known.V}
        for policy, maps in found
        for band, known in maps.items()
        for a, label in enumerate(env.action_labels)
    ]


def _plain(row: Safety) -> dict[str, float | str | None]:
    """All figures of a row, those of a treatment by its name."""
    found: dict[str, float | str | None] = {"band": row.band, "decisions": row.decisions, "extreme": row.extreme}
    found |= {f"extreme_{name}": dose.extreme for name, dose in row.doses.items()}
    found |= {"variation": row.variation}
    found |= {f"{name}_distance": dose.distance for name, dose in row.doses.items()}
    found |= {f"{name}_more": dose.more for name, dose in row.doses.items()}
    found |= {f"{name}_abrupt": dose.abrupt for name, dose in row.doses.items()}
    return found | {"inadmissible": row.inadmissible}


def _row(row: Safety) -> dict[str, str]:
    """Cells by their heading; what has no meaning for the task is left out."""
    each = list(row.doses.values())
    found = {"patients": row.band, "decisions": percent(row.decisions)}
    if row.extreme is not None:
        found["extreme"] = _percent(row.extreme)
    if len(each) > 1:
        found["(of each)"] = " / ".join(_percent(dose.extreme) for dose in each)
    if row.variation is not None:
        found["variation"] = _levels(row.variation)
    if each and row.variation is not None:
        found["distance"] = " / ".join(_levels(dose.distance) for dose in each)
        found["more"] = " / ".join(_levels(dose.more, sign=True) for dose in each)
    abrupt = [dose.abrupt for dose in each if dose.abrupt is not None]
    if abrupt:
        found["abrupt"] = " / ".join(_percent(share) for share in abrupt)
    if row.inadmissible is not None:
        found["inadmissible"] = _percent(row.inadmissible)
    return found


def _notes(env: Env, row: Safety) -> Iterator[str]:
    """What the columns are, and why others are not there."""
    yield "All shares are of the policy's own decisions, by exact occupancy; nothing is simulated."
    names = [dose.name for dose in env.doses]
    slashed = f" {_slashed(names)}." if len(names) > 1 else ""
    beside = "mean total variation distance from the policy of the clinicians in the data"
    if names:
        yield f"extreme: top level of {'either' if len(names) == 2 else 'any'} treatment ({', '.join(names)}).{slashed}"
    else:
        yield "Its actions are no graded doses: extreme doses, distances of doses and abrupt changes are left out."
    if row.variation is None:
        yield "There are no clinicians' decisions in the task: distances from them are left out."
    elif names:
        yield (
            f"variation: {beside}. distance: mean Wasserstein-1 distance from their doses, in levels; more: mean level "
            "above theirs."
        )
    else:
        yield f"variation: {beside}."
    told = [f"{dose.name} {dose.abrupt} level{'s' * (dose.abrupt > 1)} or more" for dose in env.doses if dose.abrupt]
    if told:
        yield f"abrupt: {', '.join(told)} from the decision before, of the decisions that follow one."
    if row.inadmissible is not None:
        yield "inadmissible: actions that the data do not support."
    else:
        yield "Every legal action is admissible: a share of inadmissible ones is left out."
    severity = env.severity
    if severity is None:
        yield "All states are worth the same: there are no bands of severity."
    elif severity.what:
        yield f"{severity.name}{f' ({severity.unit})' if severity.unit else ''}: {severity.what}."
    for dose in env.doses:
        if dose.levels != tuple(map(str, range(len(dose.levels)))):
            yield f"Levels of {dose.name}: {'; '.join(f'{n} {words}' for n, words in enumerate(dose.levels))}."


def _slashed(names: Sequence[str]) -> str:
    return (
        f"Before the slash {names[0]}, after it {names[1]}" if len(names) == 2 else f"In the order {', '.join(names)}"
    )


def _percent(share: float) -> str:
    return percent(None if math.isnan(share) else share)


def _levels(value: float | None, *, sign: bool = False) -> str:
    if value is None or math.isnan(value):
        return "–"
    return f"{round(value, 2) + 0.0:+.2f}" if sign else f"{value:.2f}"
