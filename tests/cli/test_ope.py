"""`harness ope`, `safety` and `report`, from what is typed to what is printed and written."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from harness.core.errors import RunError
from harness.evaluation.datasets import collect, write
from harness.evaluation.off_policy.every import ESTIMATORS, WEIGHTED
from harness.evaluation.policies import named_policy
from harness.mdp.evaluate import evaluate
from harness.reports.text import outward
from harness.reports.written import comma_separated, escaped, markdown


@pytest.fixture
def logged(tmp_path):
    path = tmp_path / "expert.npz"
    write(path, *collect("icu-sepsis", "expert", 200, seed=3))
    return path


def test_estimates_stand_beside_the_exact_value_with_their_effective_sample_size(harness_here, logged, sepsis):
    done = harness_here("ope", "--data", str(logged), "--agent", "expert", "--agent", "random", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [p["agent"] for p in found["policies"]] == ["expert", "random"]
    assert (found["env"], found["episodes"]) == ("icu-sepsis", 200)
    for policy in found["policies"]:
        names = [(e["estimator"], e["behaviour"]) for e in policy["estimates"]]
        assert names == [(n, b) for b in ("recorded", "estimated") for n in WEIGHTED] + [("FQE", None), ("MB", None)]
        assert all(e["n"] == 200 and 0 <= e["ess"] <= 200.001 for e in policy["estimates"])
    own = found["policies"][0]
    assert own["exact"] == pytest.approx(evaluate(sepsis.mdp, sepsis.expert_policy).J)
    assert own["estimates"][0]["ess"] == pytest.approx(200)
    shown = harness_here("ope", "--data", str(logged), "--agent", "expert", "--behaviour", "expert").stdout
    assert all(name in shown for name in ESTIMATORS)
    assert "0.7818" in shown
    assert "ESS" in shown
    assert "holds: whether the interval holds it" in shown


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--data", "nowhere.npz", "--agent", "expert"), "There is no file 'nowhere.npz'"),
        (("--data", "{}", "--agent", "exprt"), "Did you mean 'expert'?"),
        (("--data", "{}", "--agent", "human"), "has no policy table"),
        (("--data", "{}", "--agent", "expert", "--behaviour", "worst"), "the data are another policy's"),
    ],
)
def test_what_cannot_be_estimated_is_one_sentence(harness_here, logged, words, sentence):
    done = harness_here("ope", *(word.format(logged) for word in words))
    assert done.returncode in (1, 2)
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_data_without_propensities_have_the_behaviour_estimated(harness_here, logged, tmp_path):
    with np.load(logged) as file:
        columns = {name: file[name] for name in file.files}
    columns["propensity"][5] = np.nan
    np.savez(tmp_path / "unknown.npz", **columns)
    done = harness_here("ope", "--data", "unknown.npz", "--agent", "expert", "--json")
    behaviours = {e["behaviour"] for e in json.loads(done.stdout)["policies"][0]["estimates"]}
    assert behaviours == {"estimated", None}
    refused = harness_here("ope", "--data", "unknown.npz", "--agent", "expert", "--behaviour", "recorded")
    assert "how probable the action of row 5 was" in refused.stderr


def test_safety_has_a_row_for_every_band(harness_here):
    found = json.loads(harness_here("safety", "--agent", "expert", "--agent", "optimal", "--json").stdout)
    assert len(found) == 8
    assert found[0] | {"policy": "expert", "band": "all", "variation": 0.0} == found[0]
    assert found[0]["inadmissible"] == pytest.approx(0.121, abs=0.001)
    shown = harness_here("safety", "--agent", "random").stdout
    assert "48.0 %" in shown  # of 25 pairs of successive levels 12 are two or more apart
    assert "are no graded doses" in harness_here("safety", "--env", "sepsis-os", "--agent", "random").stdout


def test_safety_takes_policies_as_report_does(harness_here):
    bare = harness_here("safety", "expert", "optimal", "--json")
    assert bare.returncode == 0, bare.stderr
    assert bare.stdout == harness_here("safety", "--agent", "expert", "--agent", "optimal", "--json").stdout
    nobody = harness_here("safety")
    assert nobody.returncode == 2
    assert "Nobody was named" in nobody.stderr


def test_a_report_is_tables_and_maps(harness_here, tmp_path):
    pytest.importorskip("matplotlib")
    done = harness_here("report", "optimal", "expert", "--out", "folder")
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (tmp_path / "folder").iterdir()}
    maps = {f"doses-{name}.{suffix}" for name in ("optimal", "expert") for suffix in ("png", "svg")}
    assert names == maps | {"report.md", "safety.csv", "actions.csv", "doses.csv"}
    assert "| optimal | 0.8751 | 0.0000 |" in (tmp_path / "folder" / "report.md").read_text()
    assert "V, the policy's own mean value there" in (tmp_path / "folder" / "report.md").read_text()
    doses = list(csv.DictReader((tmp_path / "folder" / "doses.csv").open()))
    everyone = [float(d["share"]) for d in doses if (d["policy"], d["band"]) == ("expert", "all")]
    assert (len(everyone), sum(everyone)) == (25, pytest.approx(1))


def test_the_policy_of_a_run_is_what_was_decided(harness_here, sepsis, tmp_path):
    words = ["eval", "--agent", "expert", "--quiet", "--json"]
    whole = json.loads(harness_here(*words, "--method", "exact").stdout)["run_dir"]
    found = named_policy(str(tmp_path / whole), sepsis)
    assert (found.name, found.caveat) == ("expert", "")
    live = sepsis.mdp.decision_states
    assert np.allclose(found.table[live], sepsis.expert_policy[live])
    part = json.loads(harness_here(*words, "--method", "certify", "--epsilon", "0.05").stdout)["run_dir"]
    assert "of its decisions are not known" in named_policy(str(tmp_path / part), sepsis).caveat
    with pytest.raises(RunError, match="with no options of icu-sepsis; give the same"):
        named_policy(str(tmp_path / whole), sepsis, {"inadmissible": "terminate"})
    rollout = json.loads(harness_here(*words, "--method", "rollout", "--episodes", "3").stdout)["run_dir"]
    with pytest.raises(RunError):
        named_policy(str(tmp_path / rollout), sepsis)


def test_a_certified_run_has_both_bounds_and_never_one_as_its_value(harness_here, logged, sepsis, tmp_path):
    words = ["eval", "--agent", "expert", "--quiet", "--json", "--method", "certify", "--epsilon", "0.05"]
    summary = json.loads(harness_here(*words).stdout)
    run, both = summary["run_dir"], [summary["lower"], summary["upper"]]
    assert both[1] - both[0] > 0.03
    shown = " – ".join(outward(*both))
    best, worst = named_policy(str(tmp_path / run), sepsis).completions()
    assert [evaluate(sepsis.mdp, p.table).J for p in (worst, best)] == pytest.approx(both, abs=1e-9)

    found = json.loads(harness_here("ope", "--data", str(logged), "--agent", run, "--json").stdout)["policies"]
    exact = {"expert, at worst": both[0], "expert, at best": both[1]}
    assert {p["agent"]: p["exact"] for p in found} == pytest.approx(exact, abs=1e-9)
    assert all("are taken to be" in p["caveat"] for p in found)
    refused = harness_here("ope", "--data", str(logged), "--agent", "expert", "--behaviour", run)
    assert "not known; expected a run by --method exact" in refused.stderr

    rows = json.loads(harness_here("safety", "--agent", run, "--json").stdout)
    shares = {row["policy"]: row["inadmissible"] for row in rows if row["band"] == "all"}
    assert shares["expert, at worst"] > shares["expert, at best"]

    whole = json.loads(harness_here("eval", "--agent", "random", "--quiet", "--json", "--method", "exact").stdout)
    text = harness_here("compare", run, whole["run_dir"]).stdout
    assert f"survival beyond expert ({shown})" in text
    (row,) = (line.split() for line in text.splitlines() if " certain " in line)
    assert row[0::2] == ["random", "–", "certain"]  # no number but the two bounds
    assert "states that were not asked being decided optimally" in text

    pytest.importorskip("matplotlib")
    done = harness_here("report", run, "expert", "--out", "folder")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "folder" / "report.md").read_text()
    assert "exact values, or certain bounds" in page
    assert f"| expert ({Path(run).name}) | {shown} |" in page  # the agent of that name is beside it
    assert f"| {both[1]:.4f} |" not in page


def test_foreign_text_stays_text_in_files():
    from harness.reports.block import Block

    name = "=cmd|'/c calc'!A1 <img src=x onerror=alert(1)> [x](javascript:y)\n| a |"
    table = markdown([Block(name, ("policy",), [(name,)])])
    assert "<img" not in table
    assert "[x](" not in table
    assert "\\[x\\](javascript" in table  # no link: its brackets are escaped
    assert len(table.strip().splitlines()) == 5  # the caption, an empty line, headings, their rule, one row
    assert escaped("a_b*c") == r"a\_b\*c"
    (row,) = csv.reader([comma_separated([{"policy": name, "share": 0.5, "none": None}]).splitlines()[1]])
    assert row[0].startswith("'=")
    assert row[1:] == ["0.5", ""]
