"""MDPs from files: what is written is read back, and every fault is named by its place."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.errors import InvalidMDP, InvalidPolicy, UsageError
from harness.envs.icu_sepsis.data import parameters
from harness.mdp.build import from_arrays
from harness.mdp.read import find_terminal, read
from harness.mdp.solve import solve
from tests.mdp.folders import WARD, save_tables, write

MODES = ("entering", "state and action", "transition")


def line(name, number, text):
    """A file of the ward with one line replaced (None: left out)."""
    lines = WARD[name].splitlines()
    lines[number - 1 : number] = [] if text is None else [text]
    return "\n".join(lines) + "\n"


def dense(mdp):
    """P and expected reward of a TabularMDP, zero in terminal states."""
    P = mdp.rows.toarray()[mdp.row_of]
    P[mdp.terminal] = 0.0
    return P, mdp.reward()


# --------------------------------------------------------------------------- what is right


def test_a_folder_made_by_hand(tmp_path):
    ward = read(write(tmp_path / "ward"))
    assert repr(ward.mdp) == "TabularMDP(5 states, 2 actions, 6 distinct rows, discount 1)"
    assert ward.mdp.terminal.tolist() == [False, False, False, True, True]
    assert not ward.found_terminal
    assert [a.label for a in ward.actions] == ["wait", "fluids"]
    assert ward.states[1].description == "Falling pressure"
    assert ward.states[1].features == {"map_mmhg": 58}  # an empty cell is not known
    assert ward.states[2].features == {"map_mmhg": 46, "lactate_mmol_per_l": 6.9}
    assert ward.states[4].features == {}
    assert ward.mdp.reward()[0].tolist() == pytest.approx([0.10, 0.45])


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), S=st.integers(2, 5), A=st.integers(1, 4))
def test_what_is_written_is_read_back(tmp_path_factory, mode, seed, S, A):
    rng = np.random.default_rng(seed)
    P = rng.random((S, A, S)) * (rng.random((S, A, S)) < 0.7)
    P[:, :, -1] += 0.1
    P /= P.sum(axis=2, keepdims=True)
    P[-1] = np.eye(S)[-1]
    shape = {"entering": (S,), "state and action": (S, A), "transition": (S, A, S)}[mode]
    R = rng.normal(size=shape)
    R[-1] = 0.0
    start = np.append(rng.random(S - 1), 0.0)
    start /= start.sum()
    folder = save_tables(tmp_path_factory.mktemp("mdp"), P, R, start)
    found = read(folder).mdp
    terminal = np.arange(S) == S - 1
    built = from_arrays(P, np.broadcast_to(R, P.shape) if mode == "entering" else R, start, terminal=terminal)
    assert np.array_equal(found.terminal, terminal)
    assert np.array_equal(found.start, built.start)
    for ours, original in zip(dense(found), dense(built), strict=True):
        assert np.array_equal(ours, original)


@pytest.fixture(scope="module")
def small_sepsis():
    """The first forty patients of ICU-Sepsis, death, survival and the absorbing state; who leaves them dies."""
    given = parameters()
    kept = np.r_[:40, 713, 714, 715]
    P = given.tx_mat[np.ix_(kept, range(25), kept)].copy()
    P[:, :, 40] += 1.0 - P.sum(axis=2)
    P = np.maximum(P, 0.0)
    start = np.append(np.full(40, 1 / 40), [0.0, 0.0, 0.0])
    return P, given.r_mat[0, 0][kept], start, given.admissible[kept]


def test_the_published_layout(small_sepsis, tmp_path):
    P, R, start, admissible = small_sepsis
    folder = save_tables(tmp_path / "sepsis", P, R, start)
    expert = admissible / admissible.sum(axis=1, keepdims=True)
    np.savetxt(folder / "expertPolicy.csv", expert, delimiter=",", fmt="%.17g")
    (folder / "extras").mkdir()
    lists = [" ".join(map(str, np.flatnonzero(row))) for row in admissible]
    counts = " ".join(map(str, admissible.sum(axis=1)))
    (folder / "extras" / "admissibleActions.txt").write_text("\n".join([counts, *lists]) + "\n")
    np.savetxt(folder / "extras" / "sofaScores.csv", np.arange(43.0)[None], delimiter=",")
    (folder / "extras" / "stateClusterCenters.csv").write_text("age,GCS\n" + "0.5,-1\n" * 43)
    found = read(folder)
    terminal = np.arange(43) >= 40
    built = from_arrays(P, np.broadcast_to(R, P.shape), start, terminal=terminal, admissible=admissible)
    assert np.array_equal(found.mdp.terminal, terminal)
    assert np.array_equal(found.mdp.admissible, admissible)
    assert np.array_equal(found.expert_policy, expert)
    assert found.states[7].features == {"sofa": 7.0, "age": 0.5, "GCS": -1.0}
    assert found.states[41].features == {}
    assert solve(found.mdp).J == solve(built).J


def test_the_real_icu_sepsis_has_the_same_values_from_an_archive(sepsis, tmp_path):
    p = parameters()
    path = tmp_path / "sepsis.npz"
    np.savez(path, tx_mat=p.tx_mat, r_mat=p.r_mat, d_0=p.d_0, expert_policy=p.expert_policy, admissible=p.admissible)
    found = read(path)
    optimum = solve(found.mdp)
    assert np.array_equal(found.mdp.terminal, sepsis.mdp.terminal)
    assert np.array_equal(found.mdp.admissible, sepsis.mdp.admissible)
    assert pytest.approx(sepsis.optimum.J, abs=1e-12) == optimum.J
    assert np.abs(optimum.V - sepsis.optimum.V).max() < 1e-12


def test_terminal_states_are_found_where_nothing_is_left_to_happen():
    P = np.zeros((5, 1, 5))
    P[0, 0] = [0.5, 0.5, 0, 0, 0]
    P[1, 0, 2] = P[2, 0, 2] = 1  # 1 leads to 2, which absorbs
    P[3, 0, 2] = 1  # leads there too, and is paid for it
    P[4, 0, 4] = 1  # absorbs, and is paid for it
    R = np.zeros((5, 1))
    R[3:] = 1.0
    start = np.array([1.0, 0, 0, 0, 0])
    assert find_terminal(P, R, start).tolist() == [False, True, True, False, False]
    assert find_terminal(P, R, np.array([0, 1.0, 0, 0, 0])).tolist() == [False, False, True, False, False]
    transition = np.zeros((5, 1, 5))
    transition[3, 0, 2] = transition[4, 0, 4] = 1.0
    assert find_terminal(P, transition, start).tolist() == [False, True, True, False, False]


@pytest.mark.parametrize(("files", "asked", "used"), [(None, None, 1.0), (0.9, None, 0.9), (0.9, 0.8, 0.8)])
def test_the_discount_is_the_one_asked_for_else_that_of_the_files_else_one(tmp_path, files, asked, used):
    toml = WARD["mdp.toml"] + (f"discount = {files}\n" if files else "")
    assert read(write(tmp_path / "ward", mdp=toml), asked).mdp.discount == used


def test_files_are_read_again_only_when_they_changed(tmp_path):
    folder = write(tmp_path / "ward")
    first = read(folder)
    assert read(folder) is first
    path = folder / "states.csv"
    before = path.stat().st_mtime_ns
    path.write_text(path.read_text().replace("58", "59"))
    os.utime(path, ns=(before + 1, before + 1))
    second = read(folder)
    assert second.states[1].features["map_mmhg"] == 59
    assert second.sha256 != first.sha256
    assert read(write(tmp_path / "copy")).sha256 == first.sha256


def test_a_spreadsheet_s_byte_order_mark_and_blank_last_line_are_no_fault(tmp_path):
    marked = {name: "\ufeff" + WARD[f"{name}.csv"] + "\n" for name in ("rewardFunction", "states", "actions")}
    assert len(read(write(tmp_path / "ward", **marked)).actions) == 2


# --------------------------------------------------------------------------- what is wrong


T, S = "transitionFunction.csv", "states.csv"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rewardFunction": None}, "has no rewardFunction.csv; expected a folder with transitionFunction.csv"),
        ({"transitionFunction": ""}, "transitionFunction.csv is empty"),
        ({"transitionFunction": line(T, 3, "0.1,x,0.25,0.15,0")}, "line 3, column 2: 'x' is not a number"),
        ({"transitionFunction": line(T, 3, "0.1,,0.25,0.15,0")}, "line 3, column 2: the cell is empty"),
        ({"transitionFunction": line(T, 3, "0.1,nan,0.25,0.15,0")}, "row 3, column 2: nan is not a finite number"),
        ({"transitionFunction": line(T, 3, "0.1,0.5,0.4")}, "line 3 has 3 columns; expected 5"),
        ({"transitionFunction": line(T, 3, "0.1,0.5,0.25,0.15,0.1")}, r"row 3 \(state 1, action 0\) sums to 1.1"),
        (
            {"transitionFunction": line(T, 3, "1.1,-0.1,0,0,0")},
            r"row 3, column 2 \(state 1, action 0, to state 1\): -0",
        ),
        ({"transitionFunction": line(T, 3, "0,0,0,0,0")}, "sums to 0; expected 1 .if the state ends the episode"),
        ({"transitionFunction": line(T, 3, None)}, "has 9 rows of 5 columns; expected .* a multiple of 5 rows"),
        ({"transitionFunction": "a,b,c,d,e\n" + WARD[T]}, "column 1: 'a' is not a number; this file has no header"),
        ({"transitionFunction": b"\xff\xfe"}, "it is not UTF-8 text"),
        ({"rewardFunction": "1,2,3\n"}, "1 row of 3; expected 1 row of 5 .* 5 rows of 2 .* or 10 rows of 5"),
        ({"initialStateDistribution": "0.5,0.5\n"}, "1 row of 2; expected 1 row of 5"),
        ({"initialStateDistribution": "0.5,0.4,0,0,0\n"}, "initialStateDistribution.csv sums to 0.9; expected"),
        ({"initialStateDistribution": "1.5,-0.5,0,0,0\n"}, "gives state 1 -0.5; expected probabilities"),
        ({"initialStateDistribution": "0.5,0,0,0.5,0\n"}, "puts 0.5 on state 3, which is terminal"),
        ({"expertPolicy": "1,0\n"}, "expertPolicy.csv has 1 row of 2; expected 5 rows of 2"),
        ({"expertPolicy": "1,0\n0.5,0.4\n1,0\n0,0\n0,0\n"}, "policy of state 1 sums to 0.9"),
        ({"expertPolicy": "1,0\n-1,2\n1,0\n0,0\n0,0\n"}, "policy of state 1 holds a negative"),
        ({"admissibleActions": "2 2 2\n"}, "line 1 announces the actions of 3 states; expected 5"),
        ({"admissibleActions": "1 1 1 0 0\n0\n0\n"}, "has 3 lines; expected 6"),
        (
            {"admissibleActions": "1 1 1 0 0\n0\n0 1\n0\n\n\n"},
            "line 3 .state 1. lists 2 actions and line 1 announces 1",
        ),
        ({"admissibleActions": "1 1 1 0 0\n0\n2\n0\n\n\n"}, "line 3 .state 1.: there is no action 2; expected 0 to 1"),
        ({"admissibleActions": "1 1 1 0 0\n0\nx\n0\n\n\n"}, "line 3: 'x' is not a list of whole numbers"),
        ({"sofaScores": "1,2,3\n"}, r"features 'sofa' have shape \(1, 3\); expected 5 rows"),
        ({"states": ""}, "states.csv is empty; expected a header row"),
        ({"states": line(S, 2, None)}, "has 2 rows and none for state 2"),
        ({"states": line(S, 2, "7,x,1,2")}, "row 1 below the header: there is no state '7'; expected 0 to 4"),
        ({"states": line(S, 2, "0,x,1,2")}, "row 2 below the header: state 0 has a row already"),
        ({"states": line(S, 3, "0,x,fast,2")}, "'map_mmhg', row 2 below the header: 'fast' is not a finite number"),
        ({"states": line(S, 3, "0,x,72")}, "line 3 has 3 cells; expected 4"),
        ({"states": line(S, 3, "0,\x1b[31m,72,1")}, "line 3, 'description': .* holds control characters"),
        (
            {"states": line(S, 1, "state,description,\x1b[31m,map_mmhg")},
            "line 1, column 3: .* holds control characters",
        ),
        ({"states": line(S, 1, "state,description,map_mmhg,map_mmhg")}, "column 4 has the name 'map_mmhg' of another"),
        ({"states": line(S, 1, "state,description,map_mmhg,")}, "column 4 has no name"),
        ({"states": line(S, 3, '0,"x,72,1')}, "states.csv, line .* is not comma-separated text"),
        ({"actions": "label\nwait\n"}, "has 1 rows; expected 2, one for each action"),
        ({"actions": "label\nwait\nwait\n"}, "action 1: the label 'wait' is given twice"),
        ({"actions": "label,x\n,1\n"}, "There is no column 'x'"),
        ({"actions": "description\nwait\nfluids\n"}, "has no column 'label'"),
        ({"actions": "action,label\n0,wait\n0,fluids\n"}, "action 0 has a row already"),
        ({"mdp": "terminal = [9]"}, "terminal: there is no state 9; expected 0 to 4"),
        ({"mdp": "terminal = []"}, "From state 0 no policy reaches a terminal state"),
        ({"mdp": "discont = 1"}, "There is no key 'discont'. Did you mean 'discount'"),
        ({"mdp": "discount = 1.5"}, "mdp.toml: discount is 1.5: .*less than or equal to 1"),
        ({"mdp": "reward_range = [1, 0]"}, r"reward_range is \[1.0, 0.0\]; expected the lower return first"),
        ({"mdp": "terminal = [3, 4]\nfallback = 2"}, "fallback: there is no action 2; expected 0 to 1"),
        ({"mdp": "title ="}, "is not valid TOML"),
        ({"mdp": 'title = "  "'}, "mdp.toml: title is '  ': .* at least 1 "),
        *(
            ({"mdp": f'{key} = "\\u001b[2K"'}, f"mdp.toml: {key} is .*x1b.*: it holds control characters; remove them")
            for key in ("title", "summary", "value_name", "score", "data_licence")
        ),
        ({"mdp": r'limits = ["one", "\u0007"]'}, r"limits.1 is '.x07': it holds control characters"),
        ({"mdp": r'citations = ["\u202e"]'}, "citations.0 is .*: it holds control characters"),
        ({"mdp": r'doses = [{ name = "x", levels = ["no", "\u009b"], of_actions = [0, 1] }]'}, "doses.0.levels.1 is "),
    ],
)
def test_each_fault_is_named_by_its_place(tmp_path, changes, sentence):
    with pytest.raises(UsageError, match=sentence) as caught:
        read(write(tmp_path / "ward", **changes))
    assert str(tmp_path / "ward") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_text_of_several_lines_is_shown_in_one(tmp_path):
    mdp = WARD["mdp.toml"] + 'summary = """Septic shock,\n   every 4 hours."""\n'
    assert read(write(tmp_path / "ward", mdp=mdp)).about.summary == "Septic shock, every 4 hours."


def test_a_rewarded_state_that_keeps_itself_is_not_guessed_to_be_terminal(tmp_path):
    with pytest.raises(InvalidMDP, match=r"From state 4 no policy .* taken: 3. List them in 'terminal' in mdp.toml"):
        read(write(tmp_path / "ward", mdp=None))
    assert read(write(tmp_path / "discounted", mdp=None, states=None), 0.9).mdp.terminal.tolist() == [False] * 3 + [
        True,
        False,
    ]


@pytest.mark.parametrize("path", ["nowhere", "ward/states.csv"])
def test_a_path_that_is_no_mdp_says_what_was_expected(tmp_path, path):
    write(tmp_path / "ward")
    with pytest.raises(UsageError, match="expected a folder with transitionFunction.csv"):
        read(tmp_path / path)


def arrays(**changes):
    P = np.zeros((2, 1, 2))
    P[:, 0, 1] = 1.0
    return {"P": P, "R": np.array([[1.0], [0.0]]), "d0": np.array([1.0, 0.0])} | changes


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (arrays(P=np.zeros((2, 2))), r"P has shape \(2, 2\); expected \(states, actions, states\)"),
        (arrays(R=np.zeros(3)), r"R has shape \(3,\); expected \(2,\), \(2, 1\) or \(2, 1, 2\)"),
        (arrays(d0=np.ones(3) / 3), r"d0 has shape \(3,\); expected \(2,\)"),
        (arrays(P=np.full((2, 1, 2), np.nan)), "state 0, action 0 hold a negative or missing"),
        (arrays(terminal=np.array([5])), "there is no state 5; expected 0 to 1"),
        (arrays(terminal=np.array([True])), r"terminal has shape \(1,\)"),
        (arrays(discount=np.array(2.0)), "discount is 2.0"),
        (arrays(d0=np.array(["x", "y"])), "'d0' holds no numbers"),
        (arrays(Q=np.zeros(2)), "There is no array 'Q'"),
        (arrays(tx_mat=np.zeros(2)), "holds an array under two names"),
        ({"P": np.zeros((2, 1, 2))}, "holds no array 'R'"),
    ],
)
def test_each_fault_of_an_archive_is_named(tmp_path, given, sentence):
    path = tmp_path / "own.npz"
    np.savez(path, **given)
    with pytest.raises(UsageError, match=sentence):
        read(path)


def test_an_archive_may_list_what_ends_an_episode(tmp_path):
    for name, terminal in (("mask", np.array([False, True])), ("indices", np.array([1]))):
        path = tmp_path / f"{name}.npz"
        np.savez(path, **arrays(terminal=terminal, discount=0.5))
        found = read(path)
        assert (found.mdp.discount, found.mdp.terminal.tolist()) == (0.5, [False, True])


def test_an_archive_beside_tables_is_refused_because_they_may_say_different_things(tmp_path):
    ward = write(tmp_path / "ward")
    read(ward)
    np.savez(ward / "mdp.npz", **arrays())
    with pytest.raises(UsageError, match=r"holds both mdp.npz and transitionFunction.csv, which may say different"):
        read(ward)


def test_pickled_objects_are_never_loaded(tmp_path):
    path = tmp_path / "own.npz"
    np.savez(path, **arrays(d0=np.array([1.0, None], dtype=object)))
    with pytest.raises(UsageError, match="pickled objects, which are never loaded"):
        read(path)
    path.write_text("no archive")
    with pytest.raises(UsageError, match="is no .npz archive"):
        read(path)


def test_the_expert_s_fault_is_one_of_its_policy(tmp_path):
    with pytest.raises(InvalidPolicy, match="expertPolicy.csv: the expert policy is none"):
        read(write(tmp_path / "ward", expertPolicy="1,0\n0.5,0.4\n1,0\n0,0\n0,0\n"))
