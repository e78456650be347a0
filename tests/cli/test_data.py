"""`harness data`: stand-ins made, checked and described; what cannot be had is said where to get."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("pyarrow", reason="needs the extra data")

TOML = """
id = "ours"
title = "Ours"
patient = "stay"
time = "hour"
hours_per_step = 1

[[columns]]
name = "stay"
kind = "id"

[[columns]]
name = "hour"
kind = "time"

[[columns]]
name = "map"
kind = "float"
unit = "mmHg"
plausible = [45, 110]
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))


def test_a_stand_in_is_made_checked_and_described(harness_here, tmp_path):
    made = harness_here("data", "synthesize", "sepsis", "--patients", "20", "--seed", "4", "--out", "made.csv")
    assert made.returncode == 0, made.stderr
    assert "made.csv: a stand-in for 'sepsis', 20 patients × 20 steps, seed 4" in made.stdout
    assert "Not data of patients" in made.stdout
    checked = harness_here("data", "check", "sepsis", "made.csv")
    assert checked.returncode == 0, checked.stderr
    assert "a stand-in for the data set 'sepsis'" in checked.stdout
    assert "20 patients × 20 steps, 400 rows" in checked.stdout
    described = harness_here("data", "describe", "sepsis", "made.csv")
    assert "stand-in" in described.stdout
    assert "MeanBP" in described.stdout
    assert "[81]" in described.stdout  # the published mean
    assert "decile codes 0 to 9 of the cohort, not percent, degrees or seconds" in described.stdout.replace("\n", " ")
    plain = json.loads(harness_here("data", "describe", "sepsis", "made.csv", "--json").stdout)
    assert plain["provenance"]["kind"] == "stand-in"
    assert plain["columns"]["MeanBP"]["published"] == {"mean": 81.0, "sd": 9.3}
    assert sum(plain["columns"]["GCS"]["shares"].values()) == pytest.approx(1)


def test_data_sets_are_listed_with_who_may_have_them(harness_here, tmp_path):
    told = harness_here("data", "list").stdout
    assert "8,916 × 60 months" in told
    assert told.count("credentialed") == 2
    assert "not there" in told
    place = tmp_path / "share" / "harness" / "data" / "sepsis" / "C001_FakeSepsis.csv"
    plain = json.loads(harness_here("data", "list", "--json").stdout)
    assert plain["sepsis"]["path"] == str(place)
    assert not plain["sepsis"]["there"]


def test_a_credentialed_file_is_fetched_by_the_user_and_then_checked_where_it_was_put(harness_here, tmp_path):
    refused = harness_here("data", "fetch", "hypotension")
    assert refused.returncode == 2
    assert "PhysioNet" in refused.stderr
    place = tmp_path / "share" / "harness" / "data" / "hypotension" / "C001_FakeHypotension.csv"
    assert str(place) in refused.stderr
    harness_here("data", "synthesize", "hypotension", "--patients", "3", "--out", str(place))
    assert "All checks passed" in harness_here("data", "fetch", "hypotension").stdout
    assert "All checks passed" in harness_here("data", "check", "hypotension").stdout
    place.write_text(place.read_text().replace(",MAP,", ",map,"))
    spoilt = harness_here("data", "fetch", "hypotension")
    assert "has no column 'MAP'" in spoilt.stderr
    assert spoilt.returncode == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["check", "hypotensio", "a.csv"], "There is no data set 'hypotensio'. Did you mean 'hypotension'?"),
        (["check", "hiv", "a.csv"], "'a.csv' is not there"),
        (["check", "hiv"], "get it with: harness data fetch hiv"),
        (["check", "ours.toml"], "is your own; name its file"),
        (["check", "none.toml", "a.csv"], "none.toml cannot be read as TOML"),
        (["synthesize", "hiv", "--out", "made.parquet"], "does not end with .csv"),
    ],
)
def test_a_mistake_is_one_sentence(harness_here, tmp_path, words, sentence):
    (tmp_path / "ours.toml").write_text(TOML)
    done = harness_here("data", *words)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_ones_own_data_are_checked_by_their_description(harness_here, tmp_path):
    (tmp_path / "ours.toml").write_text(TOML)
    (tmp_path / "ours.csv").write_text("stay,hour,map\n1,0,70\n1,1,71\n")
    assert (
        "your own data set 'ours'. 1 patient, 2 rows" in harness_here("data", "check", "ours.toml", "ours.csv").stdout
    )
    (tmp_path / "ours.csv").write_text("stay,hour,map\n1,0,9.3\n1,1,9.4\n")
    assert "it looks like kPa" in harness_here("data", "check", "ours.toml", "ours.csv").stderr


def test_help_shows_how_to_describe_ones_own_data(harness_here):
    told = harness_here("data", "check", "--help").stdout
    assert "[[columns]]" in told
    assert "plausible = [45, 110]" in told
