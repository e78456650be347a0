"""Learned policies on disk: what was saved comes back, and nothing else is taken for it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from harness.agents import registry as agents
from harness.agents import tabular_policy
from harness.agents.tabular_policy import POLICY, about, load, save
from harness.core.errors import InvalidPolicy, RunError, UsageError
from harness.envs import registry as envs
from harness.mdp.policy import uniform


@pytest.fixture
def three(sepsis):
    """Three different policies of ICU-Sepsis and their Q."""
    rng = np.random.default_rng(0)
    policy = rng.dirichlet(np.ones(sepsis.mdp.n_actions), size=(3, sepsis.mdp.n_states))
    return policy, rng.random(policy.shape)


def said(sepsis, **more):
    return about(sepsis.spec, "q-learning", **more)


def of_training(folder, **manifest):
    (folder / "manifest.json").write_text(json.dumps({"kind": "training", "algorithm": "q-learning", **manifest}))
    return folder


def test_what_was_saved_comes_back(tmp_path, sepsis, three):
    policy, q = three
    save(tmp_path, about=said(sepsis, seeds=[4, 5, 6], settings={"ε": 0.1}), policy=policy, q=q)
    found = load(tmp_path, sepsis)
    assert np.array_equal(found.policy, policy)
    assert np.array_equal(found.q, q)
    assert found.seeds == (4, 5, 6)
    assert found.about["settings"] == {"ε": 0.1}
    assert [path.name for path in tmp_path.iterdir()] == [POLICY]


def test_one_policy_is_that_of_one_seed(tmp_path, sepsis, three):
    save(tmp_path, about=said(sepsis), policy=three[0][1])
    found = load(tmp_path, sepsis)
    assert found.policy.shape == (1, sepsis.mdp.n_states, sepsis.mdp.n_actions)
    assert found.q is None
    assert found.seeds == (0,)


def test_a_folder_is_its_first_seeds_policy_and_any_seed_can_be_called(tmp_path, sepsis, three):
    folder = of_training(tmp_path)
    save(folder, about=said(sepsis, seeds=[4, 5, 6]), policy=three[0])
    first, last = agents.make(str(folder), sepsis), agents.make(str(folder / "seed-6"), sepsis)
    assert np.array_equal(first.policy(sepsis.mdp), three[0][0])
    assert np.array_equal(last.policy(sepsis.mdp), three[0][2])
    assert last.identity["training_seed"] == 6
    assert (first.id, last.id) == ("q-learning (seed 4, one of 3)", "q-learning (seed 6, one of 3)")
    assert first.identity["policy_sha256"] == last.identity["policy_sha256"]
    with pytest.raises(RunError, match="holds no policy of seed 7; it has those of 4, 5, 6"):
        agents.make(str(folder / "seed-7"), sepsis)


def test_another_environment_version_or_shape_is_refused(tmp_path, sepsis, three):
    save(tmp_path, about=said(sepsis) | {"env": "sepsis-os"}, policy=three[0])
    with pytest.raises(RunError, match=r"was learned in sepsis-os v\d+, and this is icu-sepsis"):
        load(tmp_path, sepsis)
    save(tmp_path, about=said(sepsis) | {"env_version": 99}, policy=three[0])
    with pytest.raises(RunError, match="was learned in icu-sepsis v99"):
        load(tmp_path, sepsis)
    save(tmp_path, about=said(sepsis), policy=uniform(np.ones((7, 2), dtype=bool)))
    with pytest.raises(RunError, match="is of 7 states and 2 actions, and icu-sepsis has 716 and 25"):
        load(tmp_path, sepsis)
    save(tmp_path, about=said(sepsis), policy=three[0])
    with pytest.raises(UsageError, match="is not tabular"):
        load(tmp_path, envs.make("polypharmacy/easy-screening"))


def test_another_treatment_of_inadmissible_actions_is_another_task(tmp_path, sepsis, three):
    harsh, refusing = (envs.make("icu-sepsis", inadmissible=name) for name in ("terminate", "raise"))
    save(tmp_path, about=said(sepsis), policy=three[0])  # as before there was the entry
    assert load(tmp_path, envs.make("icu-sepsis", inadmissible="mean")).seeds == (0, 1, 2)
    with pytest.raises(
        RunError, match="in icu-sepsis v2, and this is icu-sepsis v2 with inadmissible=terminate; train"
    ):
        load(tmp_path, harsh)
    save(tmp_path, about=said(sepsis, options={"inadmissible": "mean"}), policy=three[0])
    assert load(tmp_path, sepsis).seeds == (0, 1, 2)
    save(tmp_path, about=said(harsh, options={"inadmissible": "terminate"}), policy=three[0])
    assert load(tmp_path, harsh).seeds == (0, 1, 2)
    with pytest.raises(
        RunError, match="in icu-sepsis v2 with inadmissible=terminate, and this is icu-sepsis v2; train"
    ):
        load(tmp_path, sepsis)
    with pytest.raises(RunError, match="inadmissible=terminate, and this is icu-sepsis v2 with inadmissible=raise"):
        load(tmp_path, refusing)
    save(tmp_path, about=said(sepsis, options="terminate"), policy=three[0])
    with pytest.raises(RunError, match="cannot be read .its options are 'terminate'.; it is no learned policy"):
        load(tmp_path, sepsis)


def test_what_is_no_policy_is_refused(tmp_path, sepsis, three):
    save(tmp_path, about=said(sepsis), policy=three[0] * 2)
    with pytest.raises(RunError, match="holds no policy of icu-sepsis: The policy of state 0 sums to 2"):
        load(tmp_path, sepsis)


def test_nothing_and_rubbish_are_refused(tmp_path, sepsis, three):
    with pytest.raises(RunError, match=r"has no policy\.npz"):
        load(tmp_path, sepsis)
    save(tmp_path, about=said(sepsis), policy=three[0])
    whole = (tmp_path / POLICY).read_bytes()
    for damaged in (b"", b"rubbish", whole[: len(whole) // 2], whole[:-40]):
        (tmp_path / POLICY).write_bytes(damaged)
        with pytest.raises(RunError, match="cannot be read"):
            load(tmp_path, sepsis)


def test_objects_are_never_unpickled(tmp_path, sepsis):
    np.savez(tmp_path / POLICY, policy=np.array([{"a": 1}], dtype=object), about=np.array("{}"))
    with pytest.raises(RunError, match="cannot be read"):
        load(tmp_path, sepsis)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, sepsis, three, monkeypatch):
    save(tmp_path, about=said(sepsis), policy=three[0])

    def full(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tabular_policy.np, "savez_compressed", full)
    with pytest.raises(RunError, match="What was written before is kept; free some space"):
        save(tmp_path, about=said(sepsis), policy=three[0] / 2)
    assert np.array_equal(load(tmp_path, sepsis).policy, three[0])


def test_shapes_must_fit_when_saving(tmp_path, sepsis, three):
    policy, q = three
    with pytest.raises(InvalidPolicy, match="Q has shape"):
        save(tmp_path, about=said(sepsis), policy=policy, q=q[0])
    with pytest.raises(InvalidPolicy, match="2 seeds are named for 3 policies"):
        save(tmp_path, about=said(sepsis, seeds=[1, 2]), policy=policy)
    with pytest.raises(InvalidPolicy, match="Nothing says the algorithm"):
        save(tmp_path, about={"env": "icu-sepsis", "env_version": 2}, policy=policy)
