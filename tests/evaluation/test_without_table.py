"""A task without a table, from configuration to report: its regret, its comparison, its traces, its language model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from harness.core.environment import Grade
from harness.core.run import TRACE, read_manifest
from harness.core.trace import End, read_episodes
from harness.envs.polypharmacy.review import FINISH, ReviewAction
from harness.envs.registry import make
from harness.evaluation import evaluate as evaluation
from harness.evaluation.by_episodes import _lost
from harness.evaluation.compare import differences, load_runs
from harness.evaluation.config import Method, RunConfig
from harness.evaluation.intervals import Interval, of_returns
from harness.evaluation.job import Observers
from harness.reports import trace
from harness.reports.play import Narrator
from harness.reports.rank import ranked
from harness.reports.summary import print_report
from harness.reports.table import records

ENV_ID = "polypharmacy/budgeted-screening"


def config(**changes) -> RunConfig:
    return RunConfig(**({"env": ENV_ID, "method": Method.ROLLOUT, "episodes": 12} | changes))


async def run(tmp_path, **changes):
    return await evaluation.run(config(**changes), tmp_path, Observers())


async def test_the_regret_is_the_mean_of_the_episodes_against_the_informed_optimum(tmp_path):
    summary = await run(tmp_path, agent="pharmacist")
    ends = [e.end for e in read_episodes(Path(summary.run_dir) / TRACE)]
    expected = of_returns([end.regret for end in ends])
    assert summary.regret_kind == "informed"
    assert (summary.regret, summary.regret_lower, summary.regret_upper) == pytest.approx(
        (expected.value, expected.lower, expected.upper)
    )
    assert summary.value == pytest.approx(np.mean([end.episode_return for end in ends]))
    env = make(ENV_ID)
    for end in ends:
        env.reset(end.seed)
        assert end.episode_return + end.regret == pytest.approx(env.reference.value(), abs=1e-9)
    assert summary.truncated_episodes == 0
    assert summary.mean_score == pytest.approx(np.mean([end.grade.score for end in ends]))


@pytest.mark.parametrize("beatable", [False, True])
def test_no_interval_says_that_an_optimum_might_be_beaten(beatable):
    lost = [0.0] * 9 + [0.4]
    assert of_returns(lost).lower < 0
    ends = [
        End(
            episode=i, seed=i, episode_return=0, grade=Grade(score=0), regret=x, steps=1, invalid=0, inadmissible=0,
            status="terminated",
        )
        for i, x in enumerate(lost)
    ]  # fmt: skip
    found = _lost(None, ends, Interval.SKEWNESS, beatable=beatable)
    assert found.value == pytest.approx(0.04)
    assert (found.lower < 0) is beatable


async def test_regrets_that_are_all_nothing_have_no_interval_and_every_output_says_why(tmp_path):
    found = await run(tmp_path, env="heparin-hit", agent="hit-oracle", episodes=3)
    assert (found.regret, found.regret_lower, found.regret_upper) == (0.0, None, None)
    assert found.no_interval["regret"] == "all are equal"
    console = Console(width=200)
    with console.capture() as capture:
        print_report(console, found)
    shown = capture.get()
    assert "0.0000 (–)" in shown
    assert "No interval of regret" in shown
    assert f"{found.value_name} -6.0000, no interval: all are equal (n = 3)" in shown
    row = records([found])[0]
    assert (row["lower"], row["certainty"]) == (None, "no interval: all are equal, n = 3")
    assert ranked([found]).rows[0][1] == "-6.0000 (–)"


async def test_without_regret_everything_else_is_the_same(tmp_path):
    full, quick = await run(tmp_path, agent="pharmacist"), await run(tmp_path, agent="pharmacist", regret=False)
    assert (quick.regret, quick.regret_lower, quick.regret_kind) == (None, None, None)
    assert (quick.value, quick.mean_score, quick.decisions) == (full.value, full.mean_score, full.decisions)
    steps = [step for e in read_episodes(Path(quick.run_dir) / TRACE) for step in e.steps]
    assert all(step.regret is None and step.regret_kind is None for step in steps)
    assert read_manifest(Path(quick.run_dir))["config"]["regret"] is False


async def test_the_original_s_scoring_has_no_regret(tmp_path):
    summary = await run(tmp_path, agent="heuristic", env_options={"scoring": "original"})
    assert (summary.regret, summary.regret_kind, summary.value_name) == (None, None, "return")
    assert 0.001 <= summary.mean_score <= 0.999


async def test_a_tabular_rollout_without_regret_is_a_mean_return(tmp_path):
    summary = await run(tmp_path, env="icu-sepsis", agent="random", regret=False, episodes=30)
    assert (summary.estimator, summary.regret_kind) == ("mean return", None)
    assert summary.regret is not None  # J* is known all the same


async def test_runs_are_compared_by_seed(tmp_path):
    base, other = await run(tmp_path, agent="heuristic"), await run(tmp_path, agent="pharmacist")
    (found,) = differences(load_runs([Path(base.run_dir), Path(other.run_dir)]))
    assert found.kind.startswith("paired")
    assert found.n == 12
    assert found.value == pytest.approx(other.value - base.value)
    assert found.wins > found.losses


async def test_refused_steps_are_counted_as_inadmissible(tmp_path, server):
    """A model that asks the same pair for ever: read, refused, paid for, and shown why."""
    server.answer = lambda patient: '{"action":{"action_type":"query_ddi","drug_id_1":"zinc","drug_id_2":"iron"}}'
    summary = await run(tmp_path, base_url=server.base_url, model_id="fake", episodes=2)
    assert (summary.invalid_actions, summary.inadmissible_share) == (0, 1.0)
    assert summary.value == pytest.approx(-20 * 0.15 - 0.25)
    later = [r["messages"][-1]["content"] for r in server.requests if "refused" in r["messages"][-1]["content"]]
    assert later
    assert all("The last step was refused: the patient does not take 'zinc'; taken are" in text for text in later)


async def test_a_reply_that_is_none_finishes_the_review(tmp_path, server):
    server.answer = lambda patient: "I would rather not."
    summary = await run(tmp_path, base_url=server.base_url, model_id="fake", episodes=3)
    assert (summary.invalid_actions, summary.decisions, summary.value) == (3, 3, 0.0)
    steps = [step for e in read_episodes(Path(summary.run_dir) / TRACE) for step in e.steps]
    assert all(ReviewAction.model_validate(step.action) == FINISH for step in steps)


@pytest.mark.parametrize("prompt", ["direct", "reasoned", "few_shot"])
async def test_a_model_is_asked_in_every_style_and_held_to_the_schema(tmp_path, server, prompt):
    def answer(patient):
        first = patient[patient.index("\n- ") + 3 :].splitlines()[0]
        drug = first[: first.index(next(c for c in first if c.isdigit())) - 1]
        stop = {"action_type": "propose_intervention", "target_drug_id": drug, "intervention_type": "stop"}
        done = {"action_type": "finish_review"} if "Changed:" in patient else stop
        return json.dumps({"rationale": "too many drugs", "action": done})

    server.answer = answer
    summary = await run(tmp_path, base_url=server.base_url, model_id="fake", episodes=3, prompt=prompt)
    assert (summary.invalid_actions, summary.inadmissible_share) == (0, 0.0)
    assert summary.decisions == 6
    held = server.requests[0]["response_format"]["json_schema"]
    assert held["strict"] is True
    assert ("rationale" in held["schema"]["properties"]) == (prompt == "reasoned")
    assert summary.shots == (3 if prompt == "few_shot" else 0)


async def test_the_worst_decisions_are_told_with_the_patient_and_what_was_best(tmp_path):
    summary = await run(tmp_path, agent="random", episodes=5)
    run_dir = Path(summary.run_dir)
    text = "\n".join(trace.worst(run_dir, 4))
    assert text.count("  best    ") == 4
    assert "drugs; " in text
    regrets = [float(line.split()[1]) for line in text.splitlines() if line.startswith("  regret")]
    assert regrets == sorted(regrets, reverse=True)
    episodes = read_episodes(run_dir / TRACE)
    assert regrets[0] == pytest.approx(max(s.regret for e in episodes for s in e.steps), abs=1e-4)
    env = make(ENV_ID)
    told = "\n".join(trace.episode(run_dir, 0))
    env.reset(episodes[0].end.seed)
    for step in episodes[0].steps:
        assert f"  did     {ReviewAction.model_validate(step.action)}\n  best    {env.reference.best_action()}" in told
        env.step(ReviewAction.model_validate(step.action))


async def test_of_a_run_without_regret_no_decision_is_the_worst(tmp_path):
    from harness.core.errors import RunError

    summary = await run(tmp_path, agent="random", episodes=2, regret=False)
    with pytest.raises(RunError, match="was measured against an optimum; use --episode"):
        list(trace.worst(Path(summary.run_dir), 3))
    told = "\n".join(trace.episode(Path(summary.run_dir), 1))
    assert "  did     " in told
    assert "best" not in told


async def test_who_plays_with_teach_is_told_what_was_best(tmp_path):
    summary = await run(tmp_path, agent="heuristic", episodes=2)
    narrator, env = Narrator(make(ENV_ID), teach=True), make(ENV_ID)
    for episode in read_episodes(Path(summary.run_dir) / TRACE):
        env.reset(episode.end.seed)
        list(narrator.words(episode.start))
        for step in episode.steps:
            said = "\n".join(narrator.words(step))
            assert f"(informed); best: {env.reference.best_action()}" in said
            env.step(ReviewAction.model_validate(step.action))


async def test_an_interrupted_run_goes_on_to_the_same_result(tmp_path):
    whole = await run(tmp_path, agent="random")
    part = await run(tmp_path, agent="random")
    folder = Path(part.run_dir)
    lines = (folder / TRACE).read_text().splitlines(keepends=True)
    (folder / TRACE).write_text("".join(lines[: len(lines) // 2]) + lines[len(lines) // 2][:40])
    (folder / "summary.json").unlink()
    again = await evaluation.resume(folder, Observers())
    for name in ("value", "regret", "mean_score", "decisions"):
        assert getattr(again, name) == getattr(whole, name)
