"""Patients that an MDP was not made of: the state that is kept for them is that of the construction itself."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra data")
pytest.importorskip("pyarrow", reason="needs the extra data")

from harness.construction.build import build
from harness.construction.kept import load
from harness.construction.newcomers import best_supported, place
from harness.construction.write import write
from harness.core.errors import UsageError
from harness.data.stand_ins.catalogue import process
from harness.data.stand_ins.write import synthesize
from harness.envs.own import own_mdp
from tests.construction.made import small, stand_in

RECIPES = {"hypotension": "hypotension", "hypotension-pls": "hypotension", "sepsis": "sepsis", "art-hiv": "hiv"}


@pytest.fixture
def built(tmp_path):
    found = build(stand_in("hypotension"), small("hypotension"))
    write(found, tmp_path / "mine")
    return found


def cut(path, names, rows=slice(None)):
    """A CSV file with these columns and rows alone."""
    lines = [line.split(",") for line in path.read_text().splitlines()]
    keep = [lines[0].index(name) for name in names]
    path.write_text("\n".join(",".join(line[i] for i in keep) for line in [lines[0], *lines[1:][rows]]) + "\n")


@pytest.mark.parametrize(("recipe", "data"), RECIPES.items())
def test_a_patient_is_placed_from_the_folder_as_in_memory(recipe, data, tmp_path):
    found = build(stand_in(data), small(recipe))
    write(found, tmp_path / "mine")
    kept = load(tmp_path / "mine")
    other = stand_in(data, 9, 77)
    np.testing.assert_array_equal(kept.construction.place(other), found.construction.place(other))
    np.testing.assert_array_equal(
        kept.construction.actions.of(other.columns), found.construction.actions.of(other.columns)
    )


def test_a_file_with_the_features_alone_is_enough(built, tmp_path):
    path = tmp_path / "new.csv"
    synthesize(process("hypotension"), 3, 8, path)
    whole = place(path, load(tmp_path / "mine"))
    assert whole.last.sum() == 3
    kept = load(tmp_path / "mine")
    schema = kept.construction.features.schema
    cut(path, [schema.patient, schema.time, *kept.construction.recipe.features.columns], slice(0, 7))
    few = place(path, kept)
    np.testing.assert_array_equal(few.state, whole.state[:7])
    assert few.last.tolist() == [False] * 6 + [True]


def test_who_is_like_nobody_is_marked(built, tmp_path):
    path = tmp_path / "new.csv"
    synthesize(process("hypotension"), 40, 8, path)
    kept = load(tmp_path / "mine")
    assert place(path, kept).far.mean() < 0.05
    lines = [line.split(",") for line in path.read_text().splitlines()[:3]]
    lines[2][lines[0].index("lactic_acid")] = "30"
    path.write_text("\n".join(map(",".join, lines)) + "\n")
    assert place(path, kept).far.tolist() == [False, True]


def test_of_equally_good_actions_the_supported_one_is_named(built, tmp_path):
    env = own_mdp(str(tmp_path / "mine"))
    best, live = best_supported(env), env.mdp.decision_states
    assert env.mdp.admissible[live, best[live]].all()
    np.testing.assert_allclose(env.optimum.Q[live, best[live]], env.optimum.V[live], atol=1e-8)


def test_another_unit_is_recognised_where_there_are_many_patients(built, tmp_path):
    path = tmp_path / "new.csv"
    synthesize(process("hypotension"), 40, 8, path)
    lines = [line.split(",") for line in path.read_text().splitlines()]
    column = lines[0].index("MAP")
    for line in lines[1:]:
        line[column] = str(float(line[column]) / 7.5)
    path.write_text("\n".join(map(",".join, lines)) + "\n")
    with pytest.raises(UsageError, match="'MAP': the median .* looks like kPa"):
        place(path, load(tmp_path / "mine"))


def test_what_is_not_kept_or_not_whole_is_refused_in_one_sentence(built, tmp_path):
    with pytest.raises(UsageError, match="is no built MDP"):
        load(tmp_path / "nowhere")
    file = tmp_path / "mine" / "construction.npz"
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(UsageError, match="is not the file that was written"):
        load(tmp_path / "mine")
    file.unlink()
    with pytest.raises(UsageError, match="build it again"):
        load(tmp_path / "mine")
