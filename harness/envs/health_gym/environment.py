"""The tasks of Health Gym: with the option `path` on the MDP that was built there, else on that of a stand-in."""

from __future__ import annotations

from pathlib import Path

from harness.construction.folder import provenance_of, read_manifest
from harness.core.environment import Action
from harness.core.errors import UsageError
from harness.envs.health_gym import stand_in
from harness.envs.own import OwnObservation, playable
from harness.mdp.environment import TabularEnvironment
from harness.mdp.read import read

Task = TabularEnvironment[OwnObservation, Action]


def hypotension(path: str | None = None) -> Task:
    """Fluid boluses and vasopressors in acute hypotension, every hour."""
    return _task("hypotension", "hypotension", path)


def sepsis(path: str | None = None) -> Task:
    """Fluids and vasopressors in sepsis, every four hours."""
    return _task("sepsis-hg", "sepsis", path)


def art_hiv(path: str | None = None) -> Task:
    """The regimen in HIV, every month."""
    return _task("art-hiv", "art-hiv", path)


def _task(env_id: str, recipe: str, path: str | None) -> Task:
    """The environment.

    Raises
    ------
    UsageError
        If no MDP was built at `path`, or of another data set.
    HarnessError
        If none was named, and the stand-in's cannot be made without scikit-learn.
    """
    folder = stand_in.folder(recipe) if path is None else Path(path).expanduser()
    manifest, origin = read_manifest(folder), provenance_of(folder)
    data = recipe if recipe != "art-hiv" else "hiv"
    if manifest is None or origin is None or origin.data_set != data:
        what = "was built" if manifest is None else f"of the data set '{data}' was built"
        raise UsageError(
            f"No MDP {what} at '{folder}'; build one with: harness build-mdp --recipe {recipe} --data FILE --out FOLDER"
        )
    return playable(read(folder), env_id, origin)
