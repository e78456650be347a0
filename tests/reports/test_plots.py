"""Figures are drawn without a window, written twice the same, and say what they need."""

from __future__ import annotations

import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from harness.core.errors import UsageError
from harness.evaluation.safety import ActionMap, DoseMap
from harness.mdp.doses import Dose
from harness.reports import plots
from harness.reports.dose_maps import ACTIONS, action_maps, dose_maps


def bands():
    rng = np.random.default_rng(0)
    return {name: rng.random((3, 4)) for name in ("random", "expert", "optimal")}


FIGURES = {
    "admissible": lambda: plots.admissible_actions([1, 2, 3], [10, 4, 1], 1.4),
    "perturbation": lambda: plots.perturbation([0.0, 0.1, 0.2], bands(), bands()),
    "sampling": lambda: plots.sampling(
        {"one": (np.arange(5) / 4, np.full(5, 0.2))}, {"an arm": 0.5}, {"truth": 0.4}, "If so:"
    ),
    "doses": lambda: maps("a policy"),
    "actions": lambda: actions(["this $drug", "that <drug>"]),
}


def maps(name):
    rng = np.random.default_rng(0)
    Q = rng.random((5, 5))
    Q[0, 1] = np.nan
    share = rng.dirichlet(np.ones(25)).reshape(5, 5)
    doses = [Dose(name=drug, levels=tuple("01234"), of_actions=()) for drug in ("fluids", "vasopressor")]
    return dose_maps(name, {"all": DoseMap(share, Q, 0.5)}, doses, "survival", 0.01)


def actions(labels):
    rng = np.random.default_rng(0)
    n = len(labels)
    known = ActionMap(rng.dirichlet(np.ones(n)), rng.random(n), np.ones(n), 0.5)
    return action_maps("a policy", {"all": known, "ill": known}, labels, "reward", 1.0)


def test_of_many_actions_those_taken_most_often_are_drawn_with_their_labels():
    labels = [f"drug {n}" for n in range(30)]
    axes = actions(labels).axes[0]
    share = np.random.default_rng(0).dirichlet(np.ones(30))
    drawn = [tick.get_text() for tick in axes.get_yticklabels()]
    assert drawn[::-1] == [labels[a] for a in np.argsort(-share)[:ACTIONS]]
    assert {text.get_text() for text in axes.texts} >= {f"{100 * share.max():.0f}"}


def test_a_name_that_a_model_chose_is_drawn_as_text_and_stays_text(tmp_path):
    name = "<script>alert(1)</script> $\\frac{1}{0} & \x1b[31m ]]>"
    svg = next(path for path in plots.save(maps(name), tmp_path / "doses") if path.suffix == ".svg")
    assert "<script" not in svg.read_text()
    assert ElementTree.fromstring(svg.read_bytes()).tag.endswith("svg")


def test_a_dose_that_cannot_be_given_has_no_number():
    above, below = maps("a policy").axes[:2]
    assert (len(above.texts), len(below.texts)) == (25, 24)
    assert below.texts[0].get_text() == f"{100 * (np.random.default_rng(0).random((5, 5))[0, 0] - 0.5):+.1f}"


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_written_as_png_and_svg_and_always_the_same(name, tmp_path):
    first = [path.read_bytes() for path in plots.save(FIGURES[name](), tmp_path / name)]
    again = [path.read_bytes() for path in plots.save(FIGURES[name](), tmp_path / name)]
    assert first == again
    assert sorted(path.name for path in tmp_path.glob("*.*")) == [f"{name}.png", f"{name}.svg"]
    assert first[0].startswith(b"\x89PNG")
    assert ElementTree.fromstring(first[1]).tag.endswith("svg")


@pytest.mark.parametrize("name", FIGURES)
def test_every_axis_says_what_it_shows(name):
    axes = FIGURES[name]().axes
    assert all(a.get_ylabel() for a in axes)
    assert any(a.get_xlabel() for a in axes)


def test_series_differ_in_more_than_colour():
    lines = FIGURES["perturbation"]().axes[0].get_lines()
    assert len({(line.get_marker(), line.get_linestyle()) for line in lines}) == len(lines) == 3


def test_without_matplotlib_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"pip install 'harness\[plots\]'"):
        plots.new_figure(1, 1)
