"""Files of logged transitions: what was written comes back, and what is wrong gets one sentence."""

from __future__ import annotations

import json
from importlib.util import find_spec

import numpy as np
import pytest

from harness.core.errors import InvalidDataset, RunError, UsageError
from harness.envs.registry import make_tabular
from harness.evaluation import datasets
from harness.mdp.dataset import COLUMNS
from harness.mdp.simulate import record

FORMATS = [
    "npz",
    pytest.param("parquet", marks=pytest.mark.skipif(find_spec("pyarrow") is None, reason="needs pyarrow")),
]


@pytest.fixture(scope="module")
def collected():
    return datasets.collect("icu-sepsis", "expert", 40, seed=7)


def columns(data):
    return {name: getattr(data, name) for name in COLUMNS}


def rewritten(path, collected, **changed):
    """A file with other columns, or with another word about itself."""
    about, data = collected
    said = about.model_dump() | {name: value for name, value in changed.items() if name in about.model_dump()}
    arrays = columns(data) | {name: value for name, value in changed.items() if name in COLUMNS}
    np.savez(path, about=np.array(json.dumps(said)), **{name: a for name, a in arrays.items() if a is not None})
    return path


def changed_at(collected, column, row, value):
    array = getattr(collected[1], column).copy()
    array[row] = value
    return {column: array}


@pytest.mark.parametrize("kind", FORMATS)
def test_what_was_written_comes_back(tmp_path, collected, kind, sepsis):
    about, data = collected
    path = tmp_path / f"data.{kind}"
    datasets.write(path, about, data)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    env, said, found = datasets.read(path)
    assert env.spec.id == "icu-sepsis"
    assert said == about
    assert all(np.array_equal(getattr(found, name), getattr(data, name), equal_nan=True) for name in COLUMNS)
    assert (about.episodes, about.seed, about.agent, about.env_version) == (40, 7, "expert", sepsis.spec.version)


def test_collected_episodes_are_those_of_the_seed(collected, sepsis):
    again = record(sepsis.mdp, sepsis.expert_policy, 40, seed=7, horizon=sepsis.spec.horizon)
    assert np.array_equal(again.state, collected[1].state)
    assert np.array_equal(again.action, collected[1].action)


def test_options_of_the_environment_come_back(tmp_path):
    about, data = datasets.collect("icu-sepsis", "expert", 5, seed=0, options={"inadmissible": "raise"})
    datasets.write(tmp_path / "data.npz", about, data)
    env, _, _ = datasets.read(tmp_path / "data.npz")
    assert not env.mdp.legal.all()


@pytest.mark.parametrize(
    ("column", "row", "value", "said"),
    [
        ("action", 3, 25, "Row 3, column 'action' is 25; expected 0 to 24"),
        ("state", 2, 900, "Row 2, column 'state' is 900; expected 0 to 715"),
        ("next_state", 2, -1, "Row 2, column 'next_state' is -1; expected 0 to 715"),
        ("reward", 5, np.nan, "Row 5, column 'reward' is nan; expected a finite number"),
        ("step", 1, 4, "Row 1, column 'step' is 4; expected steps 0, 1, 2, … of each episode in time order"),
    ],
)
def test_a_wrong_value_is_named_with_file_and_row(tmp_path, collected, column, row, value, said):
    path = rewritten(tmp_path / "data.npz", collected, **changed_at(collected, column, row, value))
    with pytest.raises(InvalidDataset, match=said) as told:
        datasets.read(path)
    assert str(path) in str(told.value)


def test_a_missing_column_is_named(tmp_path, collected):
    with pytest.raises(InvalidDataset, match="no column 'reward'; expected episode, step, state"):
        datasets.read(rewritten(tmp_path / "data.npz", collected, reward=None))


def test_propensities_may_be_missing(tmp_path, collected):
    _, _, found = datasets.read(rewritten(tmp_path / "data.npz", collected, propensity=None))
    assert np.isnan(found.propensity).all()


def test_data_of_another_environment_or_version_are_refused(tmp_path, collected):
    path = rewritten(tmp_path / "data.npz", collected)
    with pytest.raises(InvalidDataset, match="is of icu-sepsis; expected data of sepsis-os"):
        datasets.read(path, "sepsis-os")
    with pytest.raises(InvalidDataset, match="v1 with 716 states.*this is v2"):
        datasets.read(rewritten(tmp_path / "old.npz", collected, env_version=1))
    with pytest.raises(InvalidDataset, match="700 states"):
        datasets.read(rewritten(tmp_path / "small.npz", collected, n_states=700))
    with pytest.raises(RunError, match="form 9"):
        datasets.read(rewritten(tmp_path / "form.npz", collected, form=9))


def test_an_end_that_the_environment_does_not_know_is_refused(tmp_path, collected):
    _, data = collected
    last = int(np.flatnonzero(data.terminated)[0])
    path = rewritten(tmp_path / "data.npz", collected, **changed_at(collected, "terminated", last, False))
    with pytest.raises(InvalidDataset, match=f"Row {last}, column 'terminated' is False; expected true"):
        datasets.read(path)


def test_illegal_actions_are_refused(tmp_path):
    about, data = datasets.collect("icu-sepsis", "expert", 5, seed=0, options={"inadmissible": "raise"})
    env = make_tabular("icu-sepsis", inadmissible="raise")
    illegal = int(np.flatnonzero(~env.mdp.legal[data.state[4]])[0])
    path = rewritten(tmp_path / "data.npz", (about, data), **changed_at((about, data), "action", 4, illegal))
    with pytest.raises(InvalidDataset, match=f"Row 4, column 'action' is {illegal}; expected an action that is legal"):
        datasets.read(path)


def test_columns_alone_need_the_environments_name(tmp_path, collected):
    path = tmp_path / "mine.npz"
    np.savez(path, **columns(collected[1]))
    with pytest.raises(UsageError, match="name it with --env"):
        datasets.read(path)
    _, about, found = datasets.read(path, "icu-sepsis")
    assert about is None
    assert len(found) == len(collected[1])


def test_what_is_no_file_of_data_is_named(tmp_path, collected):
    with pytest.raises(RunError, match="no file"):
        datasets.read(tmp_path / "none.npz")
    (tmp_path / "torn.npz").write_bytes(rewritten(tmp_path / "whole.npz", collected).read_bytes()[:900])
    with pytest.raises(RunError, match="cannot be read"):
        datasets.read(tmp_path / "torn.npz")
    (tmp_path / "data.csv").write_text("state,action\n")
    with pytest.raises(UsageError, match=r"ends in \.parquet or \.npz"):
        datasets.read(tmp_path / "data.csv")


def test_pickled_objects_are_refused(tmp_path, collected):
    path = rewritten(tmp_path / "data.npz", collected, state=np.array([{"a": 1}], dtype=object))
    with pytest.raises(RunError, match="cannot be read"):
        datasets.read(path)


def test_where_nothing_can_be_written_is_said_before(tmp_path, collected):
    about, data = collected
    (tmp_path / "data.npz").write_bytes(b"kept")
    for name, said in (("data.npz", "exists"), ("data.csv", "no format"), ("none/data.npz", "no folder")):
        with pytest.raises(UsageError, match=said):
            datasets.write(tmp_path / name, about, data)
    assert (tmp_path / "data.npz").read_bytes() == b"kept"


def test_who_has_no_table_cannot_collect():
    with pytest.raises(UsageError, match="'human' has no policy table"):
        datasets.collect("icu-sepsis", "human", 5, seed=0)
    with pytest.raises(UsageError, match="is not tabular"):
        datasets.collect("warfarin", "warfarin-fixed", 5, seed=0)
    with pytest.raises(UsageError, match="hides part of its state"):
        datasets.collect("sepsis-os-hidden", "random", 5, seed=0)
    with pytest.raises(UsageError, match="Seed 100000 cannot be used to train"):
        datasets.collect("icu-sepsis", "expert", 5, seed=100_000)


@pytest.mark.skipif(find_spec("pyarrow") is None, reason="needs pyarrow")
def test_wrong_parquet_is_named(tmp_path, collected):
    import pyarrow
    from pyarrow import parquet

    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 and nothing more")
    with pytest.raises(RunError, match="no Parquet file"):
        datasets.read(broken)
    path = tmp_path / "null.parquet"
    given = columns(collected[1])
    actions = given["action"].tolist()
    actions[2] = None
    parquet.write_table(pyarrow.table(given | {"action": actions}), path)
    with pytest.raises(InvalidDataset, match="Row 2, column 'action' is nan; expected a whole number"):
        datasets.read(path, "icu-sepsis")


@pytest.mark.skipif(find_spec("pyarrow") is not None, reason="pyarrow is here")
def test_parquet_without_pyarrow_says_how_to_get_it(tmp_path, collected):
    with pytest.raises(UsageError, match=r"pip install 'harness\[data\]'"):
        datasets.write(tmp_path / "data.parquet", *collected)
