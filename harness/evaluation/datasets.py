"""Files of logged transitions: collected by an agent with a policy table, written whole, read with every check.

    data.parquet      the columns of `harness.mdp.dataset`, and what they are of in the file's metadata (needs pyarrow)
    data.npz          the same as arrays
    FOLDER            a data set of Minari, see `harness.evaluation.minari_format`, or the .hdf5 in it

A file that something else wrote needs the columns alone; the environment it is of is then to be said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import file_digest
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

import harness
from harness.agents import registry as agents
from harness.core.agent import HasTable
from harness.core.arrays import read_arrays, write_arrays
from harness.core.errors import InvalidDataset, RunError, UsageError, first_problem
from harness.core.seeds import check_training_seeds
from harness.envs import registry as envs
from harness.mdp.dataset import COLUMNS, Dataset, checked, refuse
from harness.mdp.environment import TabularEnvironment
from harness.mdp.simulate import record
from harness.mdp.tabular import FloatArray

FORM = 1
"""Rises when files mean something else."""

NPZ, PARQUET, HDF5 = ".npz", ".parquet", ".hdf5"

ABOUT = "about"


class About(BaseModel):
    """What the transitions of a file are of; unknown where something else wrote the file."""

    model_config = ConfigDict(frozen=True)

    form: int = FORM
    env: str = Field(description="id of the environment")
    env_version: int
    options: dict[str, str] = Field({}, description="options of the environment")
    agent: str = Field(description="id or folder of the agent that acted")
    seed: int = Field(description="names the population of patients")
    episodes: int
    discount: float
    n_states: int
    n_actions: int
    harness: str = Field(description="version of the harness that wrote the file")


def policy_table(agent_id: str, env: TabularEnvironment[Any, Any]) -> FloatArray:
    """The policy of an agent that has one as a table, shape (S, A).

    Raises
    ------
    UsageError
        If there is no such agent, or it has none.
    """
    agent = agents.make(agent_id, env)
    if not isinstance(agent, HasTable):
        raise UsageError(
            f"The agent '{agent_id}' has no policy table; transitions are collected with one that has, e.g. expert, "
            "random, optimal, or the folder of a tabular training."
        )
    return agent.policy(env.mdp)


def collect(
    env_id: str, agent_id: str, episodes: int, *, seed: int, options: Mapping[str, str] | None = None
) -> tuple[About, Dataset]:
    """Let an agent treat simulated patients, and keep every transition.

    Raises
    ------
    UsageError
        If the environment is not tabular, the agent has no policy table, or the seed is no training seed.
    """
    check_training_seeds([seed])
    given = dict(options or {})
    env = envs.make_tabular(env_id, **given)
    data = record(env.mdp, policy_table(agent_id, env), episodes, seed=seed, horizon=env.spec.horizon)
    return (
        About(
            env=env_id,
            env_version=env.spec.version,
            options=given,
            agent=agent_id,
            seed=seed,
            episodes=data.n_episodes,
            discount=data.discount,
            n_states=data.n_states,
            n_actions=data.n_actions,
            harness=harness.__version__,
        ),
        data,
    )


def check_target(path: Path) -> None:
    """See, before anything is computed, that a file can be written there.

    Raises
    ------
    UsageError
        If the suffix says no format, the file exists, or its folder does not.
    """
    if path.suffix not in (NPZ, PARQUET):
        raise UsageError(f"'{path}' says no format that is known; expected a name that ends in {PARQUET} or {NPZ}.")
    if path.exists():
        raise UsageError(f"'{path}' exists and is not replaced; choose another name, or delete it.")
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder '{path.parent}' to write {path.name} to; make it, or choose another.")
    if path.suffix == PARQUET:
        from harness.evaluation.parquet import require_pyarrow

        require_pyarrow()


def write(path: Path, about: About, data: Dataset) -> None:
    """Write a whole file, or nothing.

    Raises
    ------
    UsageError
        As `check_target`.
    RunError
        If it cannot be written.
    """
    check_target(path)
    columns = {name: getattr(data, name) for name in COLUMNS}
    if path.suffix == NPZ:
        write_arrays(path, {**columns, ABOUT: np.array(about.model_dump_json())})
        return
    from harness.evaluation import parquet

    parquet.write(path, columns, about.model_dump_json())


def read(path: Path, env_id: str | None = None) -> tuple[TabularEnvironment[Any, Any], About | None, Dataset]:
    """The environment, what is said of the file, and its transitions, all checked against each other.

    Parameters
    ----------
    path : Path
    env_id : str, optional
        The environment that the file must be of; needed where the file does not say.

    Raises
    ------
    InvalidDataset
        If the file is not of this environment or its version, a column is missing, or a value is wrong; the message
        names file, row, column and value.
    UsageError
        If the file does not say of which environment it is, and nobody else does.
    RunError
        If it cannot be read.
    """
    columns, text = _read_columns(path)
    about = None if text is None else _about(path, text)
    if about is None and env_id is None:
        raise UsageError(f"{path} does not say of which environment it is; name it with --env.")
    if about is not None and env_id is not None and env_id != about.env:
        raise InvalidDataset(f"{path} is of {about.env}; expected data of {env_id}.")
    env = envs.make_tabular(about.env, **about.options) if about is not None else envs.make_tabular(str(env_id))
    mdp = env.mdp
    if about is not None:
        then = (about.env_version, about.n_states, about.n_actions, about.discount)
        now = (env.spec.version, mdp.n_states, mdp.n_actions, mdp.discount)
        if then != now:
            raise InvalidDataset(
                f"{path} is of {about.env} {_version(*then)}, and this is {_version(*now)}; collect the data anew."
            )
    missing = [name for name in COLUMNS if name not in columns and name != "propensity"]
    if missing:
        raise InvalidDataset(f"{path} has no column '{missing[0]}'; expected {', '.join(COLUMNS)}.")
    try:
        data = checked(
            **{name: columns[name] for name in COLUMNS if name in columns},
            n_states=mdp.n_states,
            n_actions=mdp.n_actions,
            discount=mdp.discount,
        )
        _check_fits(data, env)
    except InvalidDataset as error:
        raise InvalidDataset(f"{path}: {error}") from None
    return env, about, data


def of_minari(path: Path) -> bool:
    """Whether a path names a data set of Minari: a folder, or the file of HDF5 in it."""
    return path.is_dir() or path.suffix == HDF5


def sha256_of(path: Path) -> str:
    """SHA-256 of the file that holds the transitions.

    Raises
    ------
    RunError
        If it cannot be read.
    """
    from harness.evaluation.minari_format import file_of

    try:
        with (file_of(path) if of_minari(path) else path).open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror or error}).") from error


def _version(version: int, n_states: int, n_actions: int, discount: float) -> str:
    return f"v{version} with {n_states} states, {n_actions} actions and the discount {discount:g}"


def _read_columns(path: Path) -> tuple[dict[str, Any], str | None]:
    """The columns of a file and the text that says what they are of, if it has one."""
    if not path.exists():
        raise RunError(f"There is no file '{path}'; `harness collect` makes one.")
    if of_minari(path):
        from harness.evaluation import minari_format

        return minari_format.read(path)
    if path.suffix == NPZ:
        columns = read_arrays(path)
        text = columns.pop(ABOUT, None)
        return columns, None if text is None else str(text)
    if path.suffix == PARQUET:
        from harness.evaluation import parquet

        return parquet.read(path)
    raise UsageError(
        f"'{path}' is of no format that is known; expected a name that ends in {PARQUET} or {NPZ}, or the folder of a "
        "data set of Minari."
    )


def _about(path: Path, text: str) -> About:
    try:
        found = json.loads(text)
        if isinstance(found, dict) and found.get("form") != FORM:
            raise RunError(f"{path} has form {found.get('form')}; expected {FORM}. Collect anew.")
        return About.model_validate(found)
    except ValidationError as error:
        raise RunError(f"What {path} says of itself cannot be read ({first_problem(error)}); collect anew.") from None
    except ValueError as error:
        raise RunError(f"What {path} says of itself cannot be read ({error}); collect anew.") from None


def _check_fits(data: Dataset, env: TabularEnvironment[Any, Any]) -> None:
    """See that transitions are possible in an environment, as far as kinds of states and legal actions go."""
    mdp, of = env.mdp, env.spec.id
    ends = mdp.terminal[data.next_state]
    refuse("state", data.state, mdp.terminal[data.state], f"a state that is not terminal in {of}")
    refuse("action", data.action, ~mdp.legal[data.state, data.action], f"an action that is legal there in {of}")
    refuse("terminated", data.terminated, data.terminated & ~ends, f"false, because {of} goes on from its next_state")
    refuse("terminated", data.terminated, ~data.terminated & ends, f"true, because its next_state is terminal in {of}")
