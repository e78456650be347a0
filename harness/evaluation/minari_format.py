"""Logged transitions as a data set of Minari: one file of HDF5 in its folder of local data sets.

An observation is the number of a state, so both spaces are `Discrete`; the last observation of an episode is the state
that it ended or was cut off in. `infos["propensity"]` has a value for every observation: that at t + 1 belongs to the
action at t, the first is NaN. What the data are of is the description, as JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.errors import InvalidDataset, RunError, UsageError
from harness.core.extras import require
from harness.evaluation.datasets import About
from harness.mdp.dataset import Dataset

ROOT = "MINARI_DATASETS_PATH"
"""The variable that names Minari's folder of local data sets."""

DATA, MAIN, METADATA = "data", "main_data.hdf5", "metadata.json"
"""Minari's names: in a data set's folder the folder `data`, and in that its two files."""

PROPENSITY = "propensity"
"""The one of `infos`."""


def require_minari() -> None:
    """See that minari and h5py are installed."""
    require("Minari's format", "offline", "minari", "h5py")


def check_target(dataset_id: str) -> Path:
    """See, before anything is computed, that a data set can be made; where it would stand.

    Raises
    ------
    UsageError
        If minari is not installed, the id is none (as Minari has them), or there is such a data set.
    """
    require_minari()
    from minari.dataset.minari_dataset import parse_dataset_id
    from minari.storage.datasets_root_dir import get_dataset_path

    try:
        parse_dataset_id(dataset_id)
    except (ValueError, TypeError):  # the latter without a version
        raise UsageError(
            f"'{dataset_id}' is no id of a Minari data set; expected NAME-v0, or FOLDER/NAME-v0 with any version."
        ) from None
    target = Path(get_dataset_path(dataset_id))
    if target.exists():
        raise UsageError(f"There is a Minari data set '{dataset_id}' ({target}); choose another id, or delete it.")
    return target


def write(dataset_id: str, about: About, data: Dataset) -> Path:
    """Make a whole data set, or none.

    Returns
    -------
    Path
        Its folder.

    Raises
    ------
    UsageError
        As `check_target`.
    RunError
        If it cannot be written.
    """
    target = check_target(dataset_id)
    import minari
    from gymnasium.spaces import Discrete
    from minari.namespace import create_namespace, list_local_namespaces

    root = Path(os.environ[ROOT]) if ROOT in os.environ else Path.home() / ".minari" / "datasets"
    try:
        with _elsewhere(root) as partial, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about an author, and an environment registered with Gymnasium
            minari.create_dataset_from_buffers(
                dataset_id,
                list(_episodes(data)),
                observation_space=Discrete(data.n_states),
                action_space=Discrete(data.n_actions),
                algorithm_name=about.agent,
                description=about.model_dump_json(),
                data_format="hdf5",
            )
            made = partial / dataset_id
            os.environ[ROOT] = str(root)
            namespace = dataset_id.rpartition("/")[0]
            if namespace and namespace not in list_local_namespaces():
                create_namespace(namespace)
            target.parent.mkdir(parents=True, exist_ok=True)
            made.replace(target)
    except OSError as error:
        raise RunError(f"Cannot write the data set {target}: {error.strerror or error}.") from error
    return target


def file_of(path: Path) -> Path:
    """The file of transitions of a data set, named by its folder, the `data` in it, or the file itself.

    Raises
    ------
    RunError
        If there is none, or what is said of it is not beside it.
    """
    places = (path,) if path.is_file() else (path / DATA / MAIN, path / MAIN)
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise RunError(f"The folder '{path}' is no data set of Minari: it has no {DATA}/{MAIN}.")
    if not found.with_name(METADATA).is_file():
        raise RunError(f"There is no {METADATA} beside '{found}'; expected the folder of a data set as Minari made it.")
    if found.name != MAIN:
        raise RunError(f"'{found}' is not called {MAIN}; expected the folder of a data set as Minari made it.")
    return found


def read(path: Path) -> tuple[dict[str, Any], str | None]:
    """The columns, by name, and the text that says what they are of, if the harness wrote them.

    Raises
    ------
    UsageError
        If minari is not installed.
    InvalidDataset
        If observations and actions are no numbers from 0, or an episode's arrays do not fit each other.
    RunError
        If there is no data set, or it cannot be read.
    """
    file = file_of(path)
    require_minari()
    from gymnasium.spaces import Discrete
    from minari import MinariDataset

    try:
        found = MinariDataset(file.parent)
        spaces = {"observations": found.observation_space, "actions": found.action_space}
        for name, space in spaces.items():
            if not isinstance(space, Discrete) or space.start != 0:
                raise InvalidDataset(f"The {name} in {path} are {space}; expected numbers from 0, Discrete(n).")
        episodes = [_columns(path, number, episode) for number, episode in enumerate(found.iterate_episodes())]
        text = found.storage.metadata.get("description")
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, AssertionError) as error:
        raise RunError(f"{path} cannot be read ({error}); it is no data set of Minari, or damaged.") from error
    if not episodes:
        raise InvalidDataset(f"{path} holds no episode; expected at least one.")
    return {name: np.concatenate([episode[name] for episode in episodes]) for name in episodes[0]}, _ours(text)


def _columns(path: Path, number: int, episode: Any) -> dict[str, Any]:
    """One episode's part of every column."""
    n = len(episode.actions)
    lengths = {
        "observations": len(episode.observations) - 1,
        "rewards": len(episode.rewards),
        "terminations": len(episode.terminations),
    }
    propensity = (episode.infos or {}).get(PROPENSITY, np.full(n + 1, np.nan))
    for name, length in (lengths | {f"infos/{PROPENSITY}": len(propensity) - 1}).items():
        if length != n:
            raise InvalidDataset(
                f"Episode {number} of {path} has {n} actions, and its {name} are for {length}; expected as many, "
                "with one observation and one of each of `infos` more."
            )
    return {
        "episode": np.full(n, number),
        "step": np.arange(n),
        "state": episode.observations[:-1],
        "action": episode.actions,
        "reward": episode.rewards,
        "next_state": episode.observations[1:],
        "terminated": episode.terminations,
        PROPENSITY: propensity[1:],
    }


def _ours(description: Any) -> str | None:
    """A description, if it is what the harness says of its data; that of others is any text."""
    try:
        found = json.loads(description)
    except (TypeError, ValueError):
        return None
    return description if isinstance(found, dict) and "form" in found else None


def _episodes(data: Dataset) -> Iterator[Any]:
    from minari.data_collector.episode_buffer import EpisodeBuffer

    ends = np.append(data.first[1:], len(data))
    for number, (first, end) in enumerate(zip(data.first, ends, strict=True)):
        part = slice(first, end)
        cut_off = np.zeros(end - first, dtype=np.bool_)
        cut_off[-1] = not data.terminated[end - 1]
        yield EpisodeBuffer(
            id=number,
            observations=np.append(data.state[part], data.next_state[end - 1]),
            actions=data.action[part],
            rewards=data.reward[part],
            terminations=data.terminated[part],
            truncations=cut_off,
            infos={PROPENSITY: np.append(np.nan, data.propensity[part])},
        )


@contextmanager
def _elsewhere(root: Path) -> Iterator[Path]:
    """Let Minari write into a folder beside the data sets, which is removed at the end."""
    before = os.environ.get(ROOT)
    root.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=root))
    os.environ[ROOT] = str(partial)
    try:
        yield partial
    finally:
        if before is None:
            os.environ.pop(ROOT, None)
        else:
            os.environ[ROOT] = before
        shutil.rmtree(partial, ignore_errors=True)
