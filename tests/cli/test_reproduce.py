"""`harness reproduce` as a user meets it."""

from __future__ import annotations

import json

import pytest


def strict(text: str):
    """JSON as the standard has it, without NaN."""

    def refuse(constant: str):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_table_2_is_printed_beside_the_exact_values(harness_here):
    done = harness_here("reproduce", "icu-sepsis", "--part", "table2")
    assert done.returncode == 0
    assert done.stderr == ""
    for words in ("6 of 6 figures agree", "0.8751", "published only", "not medical advice"):
        assert words in done.stdout


def test_everything_as_json_with_figures(harness_here, tmp_path):
    done = harness_here("reproduce", "icu-sepsis", "--json", "--repeats", "1", "--plots", "figures")
    assert done.returncode == 0, done.stderr
    found = strict(done.stdout)
    assert list(found) == ["table2", "admissible", "perturbation", "strategies", "protocol", "plots"]
    assert len(found["perturbation"]["rows"]) == 30
    assert round(found["strategies"]["mean"]["worst"]["value"], 4) == 0.6330
    assert sorted(found["plots"]) == sorted(f"figures/{path.name}" for path in (tmp_path / "figures").iterdir())
    assert len(found["plots"]) == 6


def test_without_a_part_all_are_printed(harness_here):
    printed = harness_here("reproduce", "icu-sepsis", "--repeats", "1").stdout
    for words in (
        "Table 2",
        "3.14 on average",
        "0.7801 ± 0.0000",
        "terminate: the patient dies",
        "What does not follow",
    ):
        assert words in printed


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--repeats", "0"], "--repeats 0 perturbs nothing; expected at least 1"),
        (["--part", "table2", "--plots", "x"], "--part table2 has nothing to draw; --plots goes with: admissible"),
        (["--part", "admissible", "--plots", "/dev/null/x"], "Cannot write figures into /dev/null/x"),
    ],
)
def test_a_mistake_is_one_sentence(harness_here, words, sentence):
    done = harness_here("reproduce", "icu-sepsis", *words)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("words", [["reproduce"], ["reproduce", "icu-sepsis"]])
def test_help_says_what_it_is_not(harness_here, words):
    done = harness_here(*words, "--help")
    assert done.returncode == 0
    assert "Example" in done.stdout
    assert "not medical advice" in done.stdout
