"""A trained ensemble: screening, and pairs worth a question, over drugs of one's own too."""

from __future__ import annotations

from itertools import compress

import numpy as np
import pytest

from harness.agents.bandits.checkpoint import snapshots
from harness.agents.bandits.combinations import Simulation, from_sets, simulate
from harness.agents.bandits.ensemble import load_ensemble, rank_pairs, screen, search_folder
from harness.agents.bandits.optim_neural_ts import Settings
from harness.agents.bandits.train import train
from harness.core.errors import RunError, UsageError

DATA = simulate(Simulation(seed=4, drugs=30, combinations=500, patterns=3, mean_size=3))
DRUGS = tuple(f"drug-{i}" for i in range(12))
BAD = ({"drug-1", "drug-4"}, {"drug-2", "drug-7"})


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    search = train(folder, DATA, Settings(steps=600, warm_up=200, hidden=32, lam=0.3), 0)
    return search, folder


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Trained on two dangerous pairs among twelve drugs."""
    folder = tmp_path_factory.mktemp("own")
    drawn = np.random.default_rng(1).random((600, len(DRUGS))) < 5 / len(DRUGS)
    sets = [frozenset(compress(DRUGS, row)) for row in drawn if row.any()]
    data = from_sets("own", DRUGS, {held: 1.0 + sum(pair <= held for pair in BAD) for held in sets})
    train(folder, data, Settings(steps=600, warm_up=300, hidden=32), 0)
    return load_ensemble(folder)


def test_screening_flags_what_the_search_flagged(trained):
    search, folder = trained
    sets = [[DATA.drugs[d] for d in np.flatnonzero(row)] for row in DATA.members.toarray()]
    scores = screen(load_ensemble(folder), sets)
    assert [s.flagged for s in scores] == search.flagged.tolist()
    assert search.flagged.any()
    assert not search.flagged.all()
    assert all(s.lower == pytest.approx(s.mean - 3 * s.sigma, abs=1e-5) for s in scores)
    assert all(s.flagged == (s.lower > 1.1) for s in scores)


def test_dangerous_pairs_come_first(own):
    regimen = ["drug-0", "drug-1", "drug-2", "drug-4", "drug-7", "drug-9"]
    ranked = rank_pairs(own, regimen)
    assert len(ranked) == 15
    assert [{a, b} for a, b, _ in ranked[:2]] in ([*BAD], [*reversed(BAD)])
    contrasts = [c for _, _, c in ranked]
    assert contrasts == sorted(contrasts, reverse=True)


def test_the_order_of_a_regimen_changes_nothing(own):
    regimen = list(DRUGS[:6])
    there, back = (rank_pairs(own, r) for r in (regimen, regimen[::-1]))
    as_sets = [{frozenset((a, b)): c for a, b, c in found} for found in (there, back)]
    assert as_sets[0].keys() == as_sets[1].keys()
    assert list(as_sets[0].values()) == pytest.approx([as_sets[1][k] for k in as_sets[0]], abs=1e-4)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda e: screen(e, [["drug-1", "drug-x"]]), "There is no drug 'drug-x'"),
        (lambda e: screen(e, [[]]), "has no drugs"),
        (lambda e: rank_pairs(e, ["drug-1"]), "at least two different drugs"),
        (lambda e: rank_pairs(e, ["drug-1", "drug-1"]), "at least two different drugs"),
    ],
)
def test_what_it_does_not_know_is_a_sentence(own, call, sentence):
    with pytest.raises(UsageError, match=sentence):
        call(own)


def test_an_unknown_drug_of_many_is_told_without_listing_all(trained):
    with pytest.raises(UsageError, match="it knows 30, from d0 to d29"):
        screen(load_ensemble(trained[1]), [["aspirin"]])


def test_the_folder_of_a_run_with_one_seed_will_do(trained, tmp_path):
    _, folder = trained
    (tmp_path / "seed-0").symlink_to(folder)
    assert search_folder(tmp_path) == tmp_path / "seed-0"
    (tmp_path / "seed-1").symlink_to(folder)
    with pytest.raises(RunError, match="has 2 seeds; name the folder of one"):
        search_folder(tmp_path)
    with pytest.raises(RunError, match="holds no trained search"):
        search_folder(tmp_path / "nothing")


def test_a_snapshot_of_another_size_is_refused(trained, tmp_path):
    _, folder = trained
    step, arrays = next(snapshots(folder))
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "about.json").write_bytes((folder / "about.json").read_bytes())
    with pytest.raises(RunError, match="has no snapshots yet"):
        load_ensemble(tmp_path)
    np.savez(tmp_path / "snapshots" / f"{step:06}.npz", parameters=arrays["parameters"][:-3], U=arrays["U"][:-3])
    with pytest.raises(RunError, match="does not fit its settings"):
        load_ensemble(tmp_path)
