"""A built MDP as a folder: what `harness.mdp.read` reads, and a manifest.

    mdp.npz        P (S, A, S), R (S, A), d0, expert_policy, terminal, admissible, discount
    states.csv     what each state is, in the data's own units
    actions.csv    what each action is called
    mdp.toml       what the task is
    manifest.json  recipe, provenance, numbers, versions, hashes
    construction.npz  how rows become states and actions, see `kept`

It appears whole or not at all. Nothing of a single patient is in it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from harness import __version__
from harness.construction.build import Built
from harness.construction.describe import READING, describe, severity
from harness.construction.folder import FORMAT, KIND, check_target
from harness.construction.kept import FILE, save
from harness.construction.transitions import endings
from harness.core.files import whole
from harness.core.run import MANIFEST, write_json
from harness.data.sharing import provenance
from harness.mdp.arrays import ABOUT, ACTIONS, ARCHIVE, STATES
from harness.mdp.doses import Severity
from harness.mdp.evaluate import evaluate
from harness.mdp.solve import solve


def write(built: Built, out: Path) -> dict[str, Any]:
    """Write a built MDP, and return its manifest.

    Raises
    ------
    UsageError
        If something else than a built MDP is at `out`.
    RunError
        If it cannot be written.
    """
    check_target(out)
    with whole(out) as partial:
        partial.mkdir(parents=True)
        _arrays(built, partial / ARCHIVE)
        states = describe(built.construction.recipe, built.table, built.states, len(built.construction.centres))
        _states(built, states, partial / STATES)
        with (partial / ACTIONS).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("label",), *((label,) for label in built.construction.actions.labels)])
        (partial / ABOUT).write_text(_toml(about(built)), encoding="utf-8")
        hashes = {ARCHIVE: sha256((partial / ARCHIVE).read_bytes()).hexdigest(), FILE: save(built, partial / FILE)}
        found = manifest(built, hashes)
        write_json(partial / MANIFEST, found)
    return found


def about(built: Built) -> dict[str, Any]:
    """What `mdp.toml` says."""
    recipe, schema = built.construction.recipe, built.table.schema
    origin = provenance(built.table)
    returns = built.data.returns if built.data.discount == 1.0 else np.add.reduceat(built.data.reward, built.data.first)
    low, high = float(returns.min()), float(returns.max())
    limits = [f"Made of {origin.in_words()}, by the recipe '{recipe.id}'.", *recipe.limits]
    limits.append("Its optimum is that of an estimated MDP, which looks better than it is on patients.")
    if recipe.ends.kind == "horizon":
        limits.append(
            f"Observation stops after every decision with the chance {1 - built.data.discount:.4f}, one by the mean "
            "number of decisions of a patient in the data."
        )
    return {
        "title": f"{recipe.title}{', stand-in' if origin.kind == 'stand-in' else ''}",
        "summary": f"{recipe.summary} {READING}",
        "version": recipe.version,
        "value_name": recipe.value_name,
        "reward_range": [low, high if high > low else low + 1.0],
        "score": f"the return of the episode, from {low:.4g} (scores 0) to {high:.4g} (scores 1), the least and the "
        "most of the patients in the data",
        "hours_per_step": schema.hours_per_step,
        "fallback": int(built.estimated.visits.sum(axis=0).argmax()),
        "citations": [*recipe.citations],
        "data_licence": "a stand-in made by this program" if origin.kind == "stand-in" else schema.licence,
        "limits": limits,
        "doses": [dose.model_dump(exclude_none=True) for dose in built.construction.actions.doses()],
        **({"severity": told.model_dump()} if (told := _severity(built)) is not None else {}),
    }


def manifest(built: Built, hashes: Mapping[str, str]) -> dict[str, Any]:
    """All that is needed to build it again, and its numbers."""
    mdp, data = built.estimated.mdp, built.data
    K = len(built.construction.centres)
    whole = np.add.reduceat(data.reward, data.first)
    return {
        "kind": KIND,
        "format": FORMAT,
        "stand_in": built.table.source.stand_in,
        "provenance": provenance(built.table).model_dump(),
        "recipe": built.construction.recipe.model_dump(mode="json"),
        "patients": built.table.n_patients,
        "rows": built.table.n_rows,
        "episodes": data.n_episodes,
        "transitions": len(data),
        "states": K,
        "endings": list(endings(built.construction.recipe)),
        "actions": mdp.n_actions,
        "admissible": int(mdp.admissible[:K].sum()),
        "unsupported_states": int((built.estimated.visits[:K].max(axis=1) < built.construction.recipe.visits).sum()),
        "continuation": data.discount,
        "optimal_value": solve(mdp).J,
        "behaviour_value": evaluate(mdp, built.estimated.behaviour).J,
        "mean_return_of_the_data": float(whole.mean()),
        "standard_error_of_that": float(whole.std(ddof=1) / np.sqrt(len(whole))) if len(whole) > 1 else None,
        "sha256": dict(hashes),
        "versions": {"harness": __version__} | {n: version(n) for n in ("numpy", "scipy", "scikit-learn")},
    }


def _arrays(built: Built, path: Path) -> None:
    mdp = built.estimated.mdp
    P = np.zeros((mdp.n_states, mdp.n_actions, mdp.n_states))
    live = mdp.decision_states
    P[live] = mdp.rows.toarray()[mdp.row_of[live]]
    ended = np.flatnonzero(mdp.terminal)
    P[ended, :, ended] = 1.0
    np.savez_compressed(
        path,
        P=P,
        R=np.where(mdp.terminal[:, None], 0.0, mdp.reward()),
        d0=mdp.start,
        expert_policy=built.estimated.behaviour,
        terminal=mdp.terminal,
        admissible=mdp.admissible,
        discount=mdp.discount,
    )


def _severity(built: Built) -> Severity | None:
    return severity(built.construction.recipe, built.table, built.states, built.construction.n_states)


def _states(built: Built, states: Sequence[Mapping[str, str]], path: Path) -> None:
    names = list(dict.fromkeys(name for state in states for name in state))
    with path.open("w", encoding="utf-8", newline="") as file:
        written = csv.writer(file)
        written.writerow(("state", "description", *names))
        for k, state in enumerate(states):
            written.writerow((k, "", *(state.get(name, "") for name in names)))
        for k, ending in enumerate(endings(built.construction.recipe), start=len(states)):
            written.writerow((k, ending, *("" for _ in names)))


def _toml(values: Mapping[str, Any]) -> str:
    """Plain data as TOML."""
    return "".join(f"{key} = {_value(value)}\n" for key, value in values.items())


def _value(value: Any) -> str:
    """Text and numbers are written as in JSON; NaN, lists and tables in one line have their own form."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_value(each)}' for key, each in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return "nan" if value != value else json.dumps(value, ensure_ascii=False)
