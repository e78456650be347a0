"""ICU-Sepsis is the published one: its package's own environment says the same."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from harness.core.errors import UsageError
from harness.envs.icu_sepsis.data import DEATH, parameters
from harness.envs.icu_sepsis.features import Z_SCORES, word
from harness.envs.registry import make
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import uniform


@pytest.fixture(scope="module")
def package():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import icu_sepsis.envs.sepsis as module
    return module


@pytest.mark.parametrize(("ours", "theirs"), [("mean", "mean"), ("terminate", "terminate")])
def test_transitions_under_each_strategy_are_the_packages(package, ours, theirs):
    """Drives the package's environment with given random numbers and compares where it may go."""
    env = make("icu-sepsis", inadmissible=ours)
    reference = package.ICUSepsisEnv(inadmissible_action_strategy=theirs)
    rng = np.random.default_rng(0)
    for state, action in zip(rng.integers(0, DEATH, 60), rng.integers(0, 25, 60), strict=True):
        seen = []
        reference._make_state_transition = seen.append
        reference._current_state = int(state)
        reference._take_action(int(state), int(action))
        expected = seen[0] if seen else np.eye(716)[DEATH]
        row = env.mdp.rows[[env.mdp.row_of[state, action]]].toarray()[0]
        assert np.allclose(row, expected, atol=1e-12)


def test_refused_actions_are_those_that_the_package_raises_for(package):
    env = make("icu-sepsis", inadmissible="raise")
    reference = package.ICUSepsisEnv(inadmissible_action_strategy="raise_exception")
    admissible = np.zeros((716, 25), dtype=bool)
    for state, actions in enumerate(reference._admissible_actions):
        admissible[state, actions] = True
    assert np.array_equal(env.mdp.legal[:DEATH], admissible[:DEATH])


def test_admissible_actions_are_those_of_the_facts():
    counts = parameters().admissible[:DEATH].sum(axis=1)
    assert (counts.min(), counts.max()) == (1, 13)
    assert counts.mean() == pytest.approx(3.14, abs=0.005)


def test_the_optimum_does_not_need_inadmissible_actions():
    values = [make("icu-sepsis", inadmissible=strategy).optimum.J for strategy in ("mean", "terminate", "raise")]
    assert np.ptp(values) < 1e-9


def test_terminate_kills_who_does_not_look():
    env = make("icu-sepsis", inadmissible="terminate")
    assert evaluate(env.mdp, uniform(env.mdp.legal)).J < 0.01
    assert pytest.approx(0.7820, abs=5e-5) == evaluate(env.mdp, env.expert_policy).J  # renormalised to the admissible


@pytest.mark.parametrize("strategy", ["terminate", "raise"])
def test_the_fallback_is_admissible_where_it_must_be(strategy):
    env = make("icu-sepsis", inadmissible=strategy)
    assert env.mdp.admissible[np.arange(DEATH), env.fallback_actions[:DEATH]].all()


def test_an_unknown_strategy_is_named():
    with pytest.raises(UsageError, match="'maen' is no treatment of inadmissible actions; expected one of: mean"):
        make("icu-sepsis", inadmissible="maen")


def test_observations_say_what_the_data_say(sepsis):
    given = parameters()
    observation = sepsis.observe(214)
    assert observation.sofa == pytest.approx(given.sofa_scores[214], abs=0.006)
    assert {f.name for f in observation.findings} == set(Z_SCORES.values())
    lactate = next(f for f in observation.findings if f.name == "lactate")
    assert lactate.z == pytest.approx(given.state_cluster_centers[214, 30], abs=0.006)
    sizes = [abs(f.z) for f in observation.findings]
    assert sizes == sorted(sizes, reverse=True)


def test_shares_and_doses_are_possible(sepsis):
    for state in range(DEATH):
        observation = sepsis.observe(state)
        assert 0 <= observation.ventilated <= 1
        assert -0.001 <= observation.readmitted <= 1.001
        assert 0 <= observation.vasopressor_dose < 5


def test_words_change_where_the_prompt_says_they_do():
    assert [word(z) for z in (-1.5, -1.49, -0.5, -0.49, 0.49, 0.5, 1.49, 1.5)] == [
        "very low", "low", "low", "near the mean", "near the mean", "high", "high", "very high",
    ]  # fmt: skip


def test_it_is_a_gymnasium_environment():
    import gymnasium

    import harness.envs.gymnasium  # noqa: F401 - registers

    env = gymnasium.make("harness/icu-sepsis-v2")
    check_env(env.unwrapped, skip_render_check=True)
    first, _ = env.reset(seed=100_000)
    again, _ = env.reset(seed=100_000)
    assert first == again == make("icu-sepsis").reset(100_000).state
    _, reward, terminated, _, info = env.step(0)
    assert reward in (0.0, 1.0)
    assert isinstance(terminated, bool)
    assert info["regret"] >= 0
