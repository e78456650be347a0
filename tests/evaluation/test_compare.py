"""Comparisons: exact, certain, paired; and shares that add up to the difference."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from harness.core.errors import RunError, UsageError
from harness.evaluation import evaluate as evaluation
from harness.evaluation.compare import contributions, differences, load_runs
from harness.evaluation.config import Method, RunConfig
from harness.mdp.evaluate import evaluate


async def finished(tmp_path, agent, method=Method.EXACT, **changes):
    base = {"env": "icu-sepsis", "agent": agent, "method": method, "episodes": 0}
    summary = await evaluation.run(RunConfig(**(base | changes)), tmp_path, lambda progress: None)
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
