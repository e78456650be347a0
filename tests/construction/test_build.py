"""From a table to an MDP and a folder that plays."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra data")

from harness.construction.build import build
from harness.construction.describe import describe, figure, quartiles
from harness.construction.features import carried
from harness.construction.folder import provenance_of
from harness.construction.patients import before_the_last, ordered, take
from harness.construction.recipe import changed, load
from harness.construction.rewards import map_urine
from harness.construction.write import write
from harness.core.errors import UsageError
from harness.envs.registry import make
from harness.mdp.read import read
from tests.construction.made import OWN, own, small, stand_in, table


def ward(**changes):
    """Three patients: the second dies; the drug goes with a high x."""
    columns = {
        "x": [1.0, 9.0, 9.1, 1.2, 9.3, 1.1, 0.9],
        "sex": ["f"] * 3 + ["m"] * 4,
        "drug": [0, 1, 1, 0, 1, 0, 0],
        "died": [0, 0, 0, 1, 1, 0, 0],
    }
    recipe = own(OWN.replace('one_hot = ["sex"]\n', ""))
    return table(recipe, [3, 2, 2], **(columns | changes)), recipe


def test_transitions_stay_within_patients_and_the_last_row_leads_to_the_outcome():
    found, recipe = ward()
    data = build(found, recipe).data
    assert data.state.tolist() == [0, 1, 1, 0, 1, 0, 0]
    assert data.next_state.tolist() == [1, 1, 3, 1, 2, 0, 3]  # 2 died, 3 survived
    assert data.reward.tolist() == [0, 0, 1, 0, 0, 0, 1]
    assert data.terminated.tolist() == [False, False, True, False, True, False, True]
    assert data.step.tolist() == [0, 1, 2, 0, 1, 0, 1]


def test_without_an_outcome_the_last_row_has_no_successor():
    recipe = small("hypotension")
    found = build(stand_in("hypotension", 30), recipe)
    data, table = found.data, found.table
    assert (data.n_episodes, len(data)) == (30, 30 * 47)
    assert data.discount == pytest.approx(1 - 1 / 47)
    assert not data.terminated.any()
    assert data.step.max() == 46
    an_hour_later = before_the_last(table) + 1
    then = {role: table.columns[name][an_hour_later] for role, name in recipe.reward.columns.items()}
    assert np.array_equal(data.reward, map_urine({}, then))


@pytest.mark.parametrize(
    ("recipe", "data"), [("hypotension-pls", "hypotension"), ("sepsis", "sepsis"), ("art-hiv", "hiv")]
)
def test_the_order_of_patients_changes_nothing(recipe, data):
    first = stand_in(data, 40)
    shuffled = take(first, np.random.default_rng(1).permutation(40))
    one, other = build(first, small(recipe)), build(shuffled, small(recipe))
    assert np.array_equal(one.states, other.states)
    assert np.array_equal(one.estimated.mdp.rows.toarray(), other.estimated.mdp.rows.toarray())
    assert one.construction.actions.labels == other.construction.actions.labels


def test_the_same_seed_gives_the_same_states_and_another_gives_others():
    rows = stand_in("hypotension", 40)
    one, same = (build(rows, small("hypotension")).states for _ in range(2))
    other = build(rows, changed(small("hypotension"), states=None, visits=None, seed=1)).states
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_patients_are_taken_whole_and_ordered_by_number():
    found, _ = ward()
    taken = take(found, np.array([2, 0, 2]))
    assert taken.patients.tolist() == [0, 2, 5, 7]
    assert taken.columns["x"].tolist() == [1.1, 0.9, 1.0, 9.0, 9.1, 1.1, 0.9]
    assert ordered(taken).columns["stay"].tolist() == [0, 0, 0, 2, 2, 2, 2]
    assert before_the_last(taken).tolist() == [0, 2, 3, 5]


def test_a_missing_value_is_the_patients_last_one_and_never_another_patients():
    found, recipe = ward(x=[np.nan, 9.0, np.nan, 1.2, np.nan, 1.1, 0.9])
    built = build(found, recipe)
    high = built.states[1]
    assert built.states[2] == high
    assert built.states[4] == built.states[3] != high
    values, patients = np.array([np.nan, 9.0, np.nan, np.nan, 1.2, np.nan, 0.9]), np.array([0, 3, 5, 7])
    assert np.array_equal(carried(values, patients), [np.nan, 9, 9, np.nan, 1.2, np.nan, 0.9], equal_nan=True)


def test_features_are_in_standard_deviations_from_the_mean_times_their_weight():
    found, _ = ward()
    changed_text = OWN.replace('standardise = ["x"]', 'standardise = ["x"]\nweights = { x = 3.0, sex = 2.0 }')
    features = build(found, own(changed_text)).construction.features
    x = found.columns["x"]
    expected = np.column_stack([3 * (x - x.mean()) / x.std(), 2 * (found.columns["sex"] == "f"),
                                2 * (found.columns["sex"] == "m")])  # fmt: skip
    assert features.of(found.columns) == pytest.approx(expected)


def test_quartered_doses_are_levels_and_rare_combinations_one_action():
    found = build(stand_in("sepsis", 60), small("sepsis"))
    chosen = found.construction.actions
    assert (chosen.n, chosen.labels[0]) == (25, "fluids none, vasopressor none")
    assert "mL" in chosen.labels[5]
    fluids = chosen.treatments[0].of(found.table.columns["Input4H"])
    assert ((fluids == 0) == (found.table.columns["Input4H"] == 0)).all()
    parts = np.bincount(fluids)[1:]
    assert parts.max() - parts.min() <= 2
    few = build(stand_in("hiv", 40), small("art-hiv").model_copy(update={"rare": 0.1}))
    assert few.construction.actions.labels[-1] == "another combination"
    assert few.construction.actions.n < 11
    assert few.construction.actions.of(few.table.columns).max() == few.construction.actions.n - 1


def test_states_are_described_in_the_datas_units():
    found = build(stand_in("hypotension", 60), small("hypotension", 4))
    said = describe(found.construction.recipe, found.table, found.states, 4)
    rows = found.states == 2
    pressure = found.table.columns["MAP"][rows]
    assert said[2]["mean arterial pressure (mmHg)"] == quartiles(pressure)
    assert said[2]["mean arterial pressure (mmHg)"].startswith(figure(np.median(pressure)))
    assert "Glasgow Coma Scale" in said[2]
    plain = small("hypotension-pls", 4)
    assert "urine_m" not in " ".join(describe(plain, found.table, found.states, 4)[2])


def test_a_built_folder_plays_in_words_and_says_that_it_is_a_stand_in(tmp_path):
    built = build(stand_in("hypotension", 60), small("hypotension"))
    manifest = write(built, tmp_path / "mine")
    given = read(tmp_path / "mine")
    mdp = built.estimated.mdp
    assert np.allclose(given.mdp.rows.toarray()[given.mdp.row_of[:12]], mdp.rows.toarray()[mdp.row_of[:12]])
    assert np.array_equal(given.mdp.admissible, mdp.admissible)
    assert np.allclose(given.expert_policy, built.estimated.behaviour)
    env = make(f"mdp:{tmp_path / 'mine'}")
    assert pytest.approx(manifest["optimal_value"]) == env.optimum.J
    assert "stand-in" in env.spec.title
    assert "not data of patients" in " ".join(env.spec.limits_of_use)
    seen = env.reset(100_000)
    assert "(mmHg)" in " ".join(seen.features)
    assert env.action_labels[0] == "no fluid bolus, no vasopressor"
    assert provenance_of(tmp_path / "mine").kind == "stand-in"
    assert json.loads((tmp_path / "mine" / "manifest.json").read_text())["stand_in"] is True


def test_a_built_folder_is_replaced_and_another_is_not(tmp_path):
    built = build(stand_in("hypotension", 60), small("hypotension"))
    write(built, tmp_path / "mine")
    assert write(built, tmp_path / "mine")["states"] == 12
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="is no built MDP"):
        write(built, tmp_path / "theirs")
    assert (tmp_path / "theirs" / "thesis.tex").exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"x": [1.0] * 7}, "the same in all rows"),
        ({"x": [np.nan] * 7}, "has no value in any row"),
        ({"died": [0, 1, 1, 1, 1, 0, 0]}, "changes within patient 0"),
    ],
)
def test_a_table_that_cannot_be_divided_is_refused_in_a_sentence(changes, sentence):
    found, recipe = ward(**changes)
    with pytest.raises(UsageError, match=sentence):
        build(found, recipe)


def test_more_states_than_rows_are_refused():
    with pytest.raises(UsageError, match="ask for fewer states"):
        build(stand_in("hypotension", 2), changed(load("hypotension"), states=1000, visits=None, seed=None))
