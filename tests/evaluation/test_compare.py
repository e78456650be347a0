"""Comparisons: exact, certain, paired; and shares that add up to the difference."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.core.errors import RunError, UsageError
from harness.evaluation import evaluate as evaluation
from harness.evaluation.compare import contributions, differences, load_runs
from harness.evaluation.config import Method, RunConfig
from harness.mdp.evaluate import evaluate
from tests.conftest import as_json, completion


async def finished(tmp_path, agent, method=Method.EXACT, **changes):
    base = {"env": "icu-sepsis", "agent": agent, "method": method, "episodes": 0}
    summary = await evaluation.run(RunConfig(**(base | changes)), tmp_path)
    return Path(summary.run_dir)


async def test_exact_runs_differ_exactly_and_the_shares_add_up(sepsis, tmp_path):
    runs = load_runs([await finished(tmp_path, a) for a in ("expert", "worst")])
    (d,) = differences(runs)
    expected = evaluate(sepsis.mdp, sepsis.expert_policy).J
    assert d.kind == "exact"
    assert d.value == d.lower == d.upper
    assert d.value == pytest.approx(0.6329899317 - expected, abs=1e-9)
    assert sum(c.worth for c in contributions(*runs)) == pytest.approx(d.value, abs=1e-9)
    assert (d.p, d.wins) == (None, None)


async def test_certified_runs_differ_between_certain_bounds(sepsis, tmp_path):
    paths = [await finished(tmp_path, a, Method.CERTIFY, epsilon=0.05) for a in ("expert", "optimal")]
    runs = load_runs(paths)
    (d,) = differences(runs)
    truth = sepsis.optimum.J - evaluate(sepsis.mdp, sepsis.expert_policy).J
    assert d.kind == "certain"
    assert d.lower <= truth <= d.upper
    shares = contributions(*runs)
    assert sum(c.worth for c in shares) == pytest.approx(runs[1].summary.upper - runs[0].summary.upper, abs=1e-9)


async def test_rollouts_are_paired_by_seed(sepsis, tmp_path):
    paths = [await finished(tmp_path, a, Method.ROLLOUT, episodes=150) for a in ("random", "optimal", "expert")]
    better, similar = differences(load_runs(paths))
    truth = sepsis.optimum.J - evaluate(sepsis.mdp, np.full((716, 25), 1 / 25)).J
    assert (better.kind, better.n) == ("paired skewness-corrected t 95%", 150)
    assert better.lower - 0.03 < truth < better.upper + 0.03
    assert better.wins + better.ties + better.losses == 150
    assert better.losses == 0
    assert better.p_holm >= better.p
    assert better.p_holm < 1e-6 < similar.p_holm


async def test_a_rollout_against_an_exact_value_has_the_rollouts_interval(tmp_path):
    exact = await finished(tmp_path, "optimal")
    sampled = await finished(tmp_path, "random", Method.ROLLOUT, episodes=50)
    (d,) = differences(load_runs([exact, sampled]))
    assert d.upper < 0
    assert (d.kind, d.n) == ("skewness-corrected t 95%", 50)


async def test_what_cannot_be_compared_is_named(tmp_path):
    one = await finished(tmp_path, "random")
    strict = await finished(tmp_path, "expert", env_options={"inadmissible": "terminate"})
    with pytest.raises(UsageError, match="1 run was given"):
        load_runs([one])
    with pytest.raises(UsageError, match="of different tasks"):
        load_runs([one, strict])
    (strict / "summary.json").unlink()
    with pytest.raises(RunError, match="has not finished"):
        load_runs([one, strict])
    apart = [
        await finished(tmp_path, "random", Method.ROLLOUT, episodes=3, seed_start=start) for start in (100_000, 200_000)
    ]
    with pytest.raises(UsageError, match="share 0 seeds"):
        differences(load_runs(apart))
    with pytest.raises(UsageError, match="is a rollout"):
        contributions(*load_runs([one, apart[0]]))


async def test_the_command_prints_and_exports(tmp_path, harness_command):
    paths = [str(await finished(tmp_path, a)) for a in ("expert", "optimal")]
    printed = harness_command("compare", *paths).stdout
    assert "+0.0933" in printed
    assert "exact" in printed
    exported = json.loads(harness_command("compare", *paths, "--json", "--top", "3").stdout)
    assert exported["differences"][0]["value"] == pytest.approx(0.0932968, abs=1e-6)
    assert len(exported["contributions"]["optimal"]) == 3


async def test_what_was_sampled_is_never_called_certain(sepsis, server, tmp_path):
    server.answer = lambda text: as_json(int(server.requests[-1]["seed"]) % 25)
    drawn = RunConfig(
        env="icu-sepsis", base_url=server.base_url, model_id="fake", method=Method.EXACT, episodes=0, temperature=1.0,
        samples=2, concurrency=16,
    )  # fmt: skip
    sampled = Path((await evaluation.run(drawn, tmp_path)).run_dir)
    (d,) = differences(load_runs([await finished(tmp_path, "random"), sampled]))
    assert d.kind == "delta method over 2 samples a state 95%"
    assert d.lower < d.value < d.upper


async def test_replies_of_two_models_are_no_proof(server, tmp_path):
    def answer(text):
        status, body = 200, completion(as_json(0))
        return status, body | {"model": f"fake-{len(server.requests) % 2}"}

    server.answer = answer
    config = RunConfig(
        env="icu-sepsis", base_url=server.base_url, model_id="fake", method=Method.CERTIFY, epsilon=0.2, episodes=0
    )
    summary = await evaluation.run(config, tmp_path)
    assert "2 models answered (fake-0, fake-1)" in summary.caveats[0]
    (d,) = differences(load_runs([await finished(tmp_path, "random"), Path(summary.run_dir)]))
    assert d.kind == "for these replies"


async def test_hardly_any_difference_has_no_interval(tmp_path):
    rollout = {"method": Method.ROLLOUT, "episodes": 30}
    paths = [await finished(tmp_path, "optimal", **rollout) for _ in range(2)]
    (d,) = differences(load_runs(paths))
    assert (d.value, d.lower, d.upper, d.p) == (0.0, None, None, None)
    assert (d.wins, d.ties, d.losses) == (0, 30, 0)
    assert "only 0 of 30 episodes differ" in d.kind


async def test_a_run_that_asked_nothing_can_be_compared(tmp_path):
    nothing = await finished(tmp_path, "expert", Method.CERTIFY, epsilon=2.0)
    (d,) = differences(load_runs([await finished(tmp_path, "random"), nothing]))
    assert (d.kind, d.lower < 0 < d.upper) == ("certain", True)


async def test_episodes_that_were_cut_off_are_compared_by_their_returns(tmp_path):
    lake = {"env": "mdp:gymnasium:FrozenLake-v1", "env_options": {"discount": "1"}, "method": Method.ROLLOUT}
    paths = [await finished(tmp_path, agent, **lake, episodes=150) for agent in ("optimal", "random")]
    runs = load_runs(paths)
    optimal = runs[0].summary
    assert optimal.truncated_episodes > 0
    assert (optimal.regret, optimal.estimator) == (None, "mean return")
    (d,) = differences(runs)
    returns = [np.mean([end.episode_return for end in run.ends]) for run in runs]
    assert d.value == pytest.approx(returns[1] - returns[0])


async def test_episodes_that_all_differ_by_the_same_have_neither_interval_nor_p(tmp_path):
    runs = load_runs([await finished(tmp_path, "random", Method.ROLLOUT, episodes=8) for _ in range(2)])
    base, other = (
        replace(run, ends=tuple(end.model_copy(update={"regret": lost}) for end in run.ends))
        for run, lost in zip(runs, (0.25, 0.5), strict=True)
    )
    (d,) = differences([base, other])
    assert (d.value, d.lower, d.upper, d.p) == (-0.25, None, None, None)
    assert d.kind == "paired no interval: all episodes differ by the same"
