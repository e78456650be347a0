"""An environment without evidence behind its dynamics says so wherever its values stand, and ranks nobody."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from harness.envs.registry import ENVIRONMENTS, make
from harness.evaluation import evaluate as evaluation
from harness.evaluation.config import Method, RunConfig
from harness.evaluation.job import Observers
from harness.evaluation.manifest import changes
from harness.reports.summary import report
from harness.reports.table import records, table

MIND = "dic is assumption-based, no evidence holds up its dynamics. Its values are kept out of rankings"
HEALTH_GYM = ("hypotension", "sepsis-hg", "art-hiv")
AGENTS = ("dic-random", "dic-fitted", "dic-none")


async def runs(tmp_path, env, agents):
    base = {"env": env, "method": Method.ROLLOUT, "episodes": 12, "regret": False}
    return [await evaluation.run(RunConfig(agent=agent, **base), tmp_path, Observers()) for agent in agents]


def test_of_the_built_in_environments_dic_alone_is_marked():
    extras = ("hemosim/", *HEALTH_GYM)  # these need packages, or stand-ins made with some
    own = [name for name in ENVIRONMENTS.builtin if not name.startswith(extras)]
    assert {name for name in own if make(name).spec.assumption_based} == {"dic"}


async def test_runs_stand_as_they_were_asked_for_and_elsewhere_by_value(tmp_path):
    unranked = await runs(tmp_path, "dic", AGENTS)
    assert [row["policy"] for row in records(unranked)] == list(AGENTS)
    values = [row["value"] for row in records(unranked)]
    assert values != sorted(values, reverse=True)
    assert MIND in table(unranked).notes[0]
    ranked = await runs(tmp_path, "warfarin", ("warfarin-random", "warfarin-nomogram"))
    assert [row["policy"] for row in records(ranked)] == ["warfarin-nomogram", "warfarin-random"]
    assert not table(ranked).notes
    assert "assumption_based" not in records(ranked)[0]


async def test_a_report_says_it(tmp_path):
    (summary,) = await runs(tmp_path, "dic", ("dic-none",))
    assert summary.assumption_based
    assert any(MIND in str(part) for part in report(summary))
    (other,) = await runs(tmp_path, "warfarin", ("warfarin-fixed",))
    assert not any("assumption-based" in str(part) for part in report(other))


def test_the_command_line_says_it_wherever_values_stand(harness_command):
    words = ["eval", "--env", "dic", *(f"--agent={agent}" for agent in AGENTS[:2]), "--episodes", "5", "--no-regret"]
    done = harness_command(*words, "--quiet")
    assert MIND in " ".join(done.stdout.split())
    folders = re.findall(r"runs/\S+", done.stdout)
    compared = harness_command("compare", *folders)
    assert compared.returncode == 0, compared.stderr
    assert MIND in " ".join(compared.stdout.split())
    assert json.loads(harness_command("compare", *folders, "--json").stdout)["assumption_based"] is True
    rows = list(csv.DictReader(io.StringIO(harness_command(*words, "--format", "csv", "--quiet").stdout)))
    assert [row["assumption_based"] for row in rows] == ["True", "True"]
    shown = harness_command("envs", "show", "dic").stdout
    assert "assumption-based: its values are kept out of rankings" in shown
    assert "it is achievable, and no optimum" in shown


@pytest.mark.parametrize(("now", "changed"), [(False, []), (True, ["the environment"])])
def test_a_manifest_from_before_the_mark_is_of_an_unmarked_environment(now, changed):
    before, after = {"env": {"id": "x"}}, {"env": {"id": "x", "assumption_based": now}}
    assert changes(before, after, ("the environment",)) == changed
