"""Learned policies of tabular tasks on disk: the one form in which every tabular learner, on or offline, keeps them.

policy.npz    the policy of every training seed, action-values where there are any, and what they are of

The folder's `manifest.json` is the run's; its `algorithm` says what makes an agent of the folder. The file holds
arrays and one text, nothing that is run, and is replaced as a whole. The agent of `FOLDER` is the first seed's policy;
that of another is called by `FOLDER/seed-3`, which names no file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from harness.agents.reference import TableAgent
from harness.core.arrays import read_arrays, write_arrays
from harness.core.environment import Environment, EnvSpec
from harness.core.errors import InvalidPolicy, RunError, UsageError
from harness.envs.registry import beyond_defaults
from harness.mdp.environment import TabularEnvironment
from harness.mdp.policy import check_policy
from harness.mdp.tabular import FloatArray

POLICY = "policy.npz"

FORM = 1
"""Rises when files mean something else."""

SEED = re.compile(r"seed-([0-9]{1,9})")

REQUIRED = ("algorithm", "env", "env_version")
"""What must be said of a policy."""


@dataclass(frozen=True, eq=False)
class Stored:
    """What a folder holds.

    Attributes
    ----------
    about : dict
        Plain data: `algorithm`, `env`, `env_version`, and what else the learner says: `options` of the environment,
        which are its defaults if they are missing.
    seeds : tuple of int
        Training seed of each policy.
    policy : float array, shape (K, S, A)
    q : float array, shape (K, S, A), or None
    sha256 : str
        Of the file.
    """

    about: dict[str, Any]
    seeds: tuple[int, ...]
    policy: FloatArray
    q: FloatArray | None
    sha256: str


class LearnedTable(TableAgent):
    """A policy table that comes from a training; `identity` says which, for manifests."""

    def __init__(
        self, name: str, env: TabularEnvironment[Any, Any], table: FloatArray, identity: dict[str, Any]
    ) -> None:
        super().__init__(name, env, table)
        self.identity = identity


def about(spec: EnvSpec, algorithm: str, **more: Any) -> dict[str, Any]:
    """What is said of a policy: by what it was learned, in which environment, and `more` plain data."""
    return {"algorithm": algorithm, "env": spec.id, "env_version": spec.version, **more}


def save(folder: Path, *, about: dict[str, Any], policy: ArrayLike, q: ArrayLike | None = None) -> None:
    """Replace the policies that a folder holds.

    Parameters
    ----------
    folder : Path
    about : dict
        `about` them, as plain data. `seeds`, a list of K ints, names the training seeds; 0 to K - 1 if it is missing.
    policy : float array, shape (S, A) or (K, S, A)
    q : float array, the shape of `policy`, optional

    Raises
    ------
    InvalidPolicy
        If shapes do not fit each other, or something required is missing from `about`.
    RunError
        If the file cannot be written; what was there before is kept.
    """
    table = np.asarray(policy, dtype=np.float64)
    if missing := [name for name in REQUIRED if name not in about]:
        raise InvalidPolicy(f"Nothing says the {missing[0]} of the policy; `about` needs {', '.join(REQUIRED)}.")
    if table.ndim not in (2, 3):
        raise InvalidPolicy(f"The policy has shape {table.shape}; expected (S, A) or (seeds, S, A).")
    arrays = {"policy": table.reshape(-1, *table.shape[-2:])}
    if q is not None:
        values = np.asarray(q, dtype=np.float64)
        if values.shape != table.shape:
            raise InvalidPolicy(f"Q has shape {values.shape}; expected that of the policy, {table.shape}.")
        arrays["q"] = values.reshape(arrays["policy"].shape)
    seeds = list(about.get("seeds", range(len(arrays["policy"]))))
    if len(seeds) != len(arrays["policy"]):
        raise InvalidPolicy(
            f"{len(seeds)} seeds are named for {len(arrays['policy'])} policies; expected one for each."
        )
    text = json.dumps({**about, "form": FORM, "seeds": seeds})
    write_arrays(folder / POLICY, {**arrays, "about": np.array(text)})


def load(folder: Path, env: Environment[Any, Any]) -> Stored:
    """The policies that a folder holds, for an environment.

    Raises
    ------
    UsageError
        If the environment is not tabular.
    RunError
        If there are none, or they are of another environment, version, shape or other options, or damaged.
    """
    known = _tabular(env, folder)
    path = folder / POLICY
    if not path.exists():
        raise RunError(f"'{folder}' holds no learned policy (it has no {POLICY}); `harness train` makes one.")
    arrays = read_arrays(path)
    try:
        what = dict(json.loads(str(arrays["about"])))
        policy, q = arrays["policy"], arrays.get("q")
        seeds = tuple(int(seed) for seed in what["seeds"])
        if not isinstance(what.get("options", {}), dict):
            raise ValueError(f"its options are {what['options']!r}")
        if policy.ndim != 3 or len(seeds) != len(policy) or (q is not None and q.shape != policy.shape):
            raise ValueError(f"its arrays have shape {policy.shape}")
    except (KeyError, ValueError, TypeError) as error:
        raise RunError(f"{path} cannot be read ({error}); it is no learned policy, or damaged.") from error
    _require_same(path, what, known)
    expected = (known.mdp.n_states, known.mdp.n_actions)
    if policy.shape[1:] != expected:
        raise RunError(
            f"The policy in {path} is of {policy.shape[1]} states and {policy.shape[2]} actions, and {env.spec.id} has "
            f"{expected[0]} and {expected[1]}; train an agent for it."
        )
    try:
        for table in policy:
            check_policy(known.mdp, table)
    except InvalidPolicy as error:
        raise RunError(f"{path} holds no policy of {env.spec.id}: {error}") from error
    return Stored(what, seeds, policy, q, sha256(path.read_bytes()).hexdigest())


def home(folder: Path) -> tuple[Path, int | None]:
    """The folder of a training, and the seed that is meant: `runs/x/seed-3` is seed 3 of `runs/x`."""
    named = SEED.fullmatch(folder.name)
    return (folder.parent, int(named[1])) if named and not folder.exists() else (folder, None)


def agent(folder: Path, env: Environment[Any, Any]) -> LearnedTable:
    """The agent in a folder: the policy of its first seed, or of the seed that `FOLDER/seed-3` names.

    Its id says which seed it is where the folder holds several: its value is that seed's alone.

    Raises
    ------
    UsageError, RunError
        As `load`; and if there is no such seed.
    """
    place, seed = home(folder)
    found = load(place, env)
    seed = found.seeds[0] if seed is None else seed
    if seed not in found.seeds:
        raise RunError(f"{place} holds no policy of seed {seed}; it has those of {', '.join(map(str, found.seeds))}.")
    algorithm = str(found.about["algorithm"])
    identity = {"algorithm": algorithm, "training_seed": seed, "policy_sha256": found.sha256}
    n = len(found.seeds)
    name = algorithm if n == 1 else f"{algorithm} (seed {seed}, one of {n})"
    return LearnedTable(name, _tabular(env, place), found.policy[found.seeds.index(seed)], identity)


def _tabular(env: Environment[Any, Any], folder: Path) -> TabularEnvironment[Any, Any]:
    if isinstance(env, TabularEnvironment):
        return env
    raise UsageError(f"The policy in {folder} is a table of states; {env.spec.id} is not tabular.")


def _require_same(path: Path, what: dict[str, Any], env: TabularEnvironment[Any, Any]) -> None:
    if what.get("form") != FORM:
        raise RunError(f"{path} has form {what.get('form')}; expected {FORM}. Train anew, or use the harness it is of.")
    spec, options = env.spec, what.get("options") or {}
    then, now = f"{what.get('env')} v{what.get('env_version')}", f"{spec.id} v{spec.version}"
    if then == now and options:
        options = beyond_defaults(spec.id, options)
    then, now = then + _told(options), now + _told(env.options)
    if then != now:
        raise RunError(f"The policy in {path} was learned in {then}, and this is {now}; train an agent for it.")


def _told(options: Mapping[str, str]) -> str:
    said = ", ".join(f"{name}={value}" for name, value in sorted(options.items()))
    return f" with {said}" if said else ""
