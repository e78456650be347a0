"""A human in the terminal: a script at the keyboard of a real process, graded as any other agent."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from harness.agents.human import HumanAgent
from harness.core.agent import Situation
from harness.core.errors import StoppedRun
from harness.core.run import SUMMARY, TRACE, read_manifest, read_summary
from harness.core.trace import read_episodes
from harness.envs.registry import make
from harness.evaluation import evaluate as evaluation
from harness.evaluation.compare import differences, load_runs
from harness.evaluation.config import Method, RunConfig
from harness.prompts.loader import load
from harness.reports import trace
from tests.mdp.folders import write


@pytest.fixture
def play(harness_command):
    """`harness play` with lines typed beforehand."""
    return lambda typed, *words, **changes: harness_command("play", *words, typed=typed, **changes)


def only(tmp_path):
    (run,) = (tmp_path / "runs").iterdir()
    return run


async def test_a_game_is_a_run_like_any_other(play, tmp_path, sepsis):
    done = play("2\n1\n" * 200, "--episodes", "3")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    run = only(tmp_path)
    summary = read_summary(run)
    episodes = read_episodes(run / TRACE)
    assert [e.end.seed for e in episodes] == [100_000, 100_001, 100_002]
    assert (summary["agent"], summary["method"], summary["episodes"]) == ("human", "rollout", 3)
    regrets = [e.end.regret for e in episodes]
    assert summary["value"] == pytest.approx(sepsis.optimum.J - np.mean(regrets))
    for episode in episodes:
        assert all(s.action == {"iv_fluid_level": 2, "vasopressor_level": 1} for s in episode.steps)
        assert f"score {episode.end.grade.score:.3f}" in done.stdout
    assert done.stdout.count("reward ") == summary["decisions"]
    assert "regret 0" not in done.stdout.split("icu-sepsis v2")[0]  # told only with --teach
    assert done.stdout.count("You treat adults with sepsis") == 1
    assert "SOFA" in "\n".join(trace.episode(run, 0))
    expert = RunConfig(env="icu-sepsis", agent="expert", method=Method.ROLLOUT, episodes=3)
    other = await evaluation.run(expert, tmp_path / "other")
    (difference,) = differences(load_runs([run, Path(other.run_dir)]))
    assert difference.n == 3
    assert difference.value == pytest.approx(other.value - summary["value"])


def test_teaching_tells_the_regret_and_the_best_action(play, tmp_path, sepsis):
    done = play("0\n4\n" * 50, "--teach", "--seed", "100003")
    run = only(tmp_path)
    (episode,) = read_episodes(run / TRACE)
    state = episode.start.observation["state"]
    for step in episode.steps:
        best = sepsis.action_labels[sepsis.optimum.actions[state]]
        assert f"regret {step.regret:.4f} (exact); best: {best}" in done.stdout
        state = step.observation["state"]
    assert read_summary(run)["taught"] is True
    assert read_manifest(run)["config"]["teach"] is True
    assert "After each decision its regret was told" in done.stdout


def test_a_wrong_entry_is_one_sentence_and_asked_again(play, tmp_path):
    done = play("?\n9\nx\n\n2.5\n2\n?\n1\n" + "2\n1\n" * 200)
    assert done.returncode == 0, done.stderr
    assert "iv_fluid_level: intravenous fluids over the next 4 hours" in done.stdout
    assert "'9' is not understood: Input should be less than or equal to 4; expected 0 to 4." in done.stdout
    assert "'x' is not understood" in done.stdout
    assert "'' is not understood" in done.stdout
    assert "'2.5' is not understood" in done.stdout
    assert "vasopressor_level: highest vasopressor rate" in done.stdout
    (episode,) = read_episodes(only(tmp_path) / TRACE)
    assert episode.steps[0].action == {"iv_fluid_level": 2, "vasopressor_level": 1}
    assert episode.end.invalid == 0


@pytest.mark.parametrize(
    ("typed", "status", "sentence"), [("1\n", 1, "The input ended."), ("1\n1\nq\n", 0, "Stopped.")]
)
def test_a_game_that_is_left_goes_on_later(play, tmp_path, typed, status, sentence):
    left = play(typed, "--episodes", "2", "--seed", "100001")
    assert left.returncode == status
    run = only(tmp_path)
    assert sentence in left.stderr
    assert f"harness play --resume runs/{run.name}" in left.stderr
    assert len(left.stderr.strip().splitlines()) == 1
    assert not (run / SUMMARY).exists()
    done = play("1\n" * 900, "--resume", str(run))
    assert done.returncode == 0, done.stderr
    assert read_summary(run)["episodes"] == 2


def test_control_c_leaves_a_game_at_once(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "harness", "play"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    seen = ""
    while not seen.endswith("(0 to 4): "):
        seen += process.stdout.read(1)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=20)
    assert process.returncode == 130
    assert error.strip().splitlines() == [
        "harness: Interrupted. Go on, from the beginning of this episode, with: "
        f"harness play --resume runs/{only(tmp_path).name}"
    ]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--seed", "5"], "Seed 5 cannot be used to evaluate"),
        (["--episodes", "0"], "takes 1 or more"),
        (["--env", "icu"], "Did you mean 'icu-sepsis'"),
        (["--resume", "nowhere"], "'nowhere' is not a run folder"),
        (["--resume", "nowhere", "--teach"], "--teach does not go with --resume"),
    ],
)
def test_a_mistake_is_one_sentence(play, words, sentence):
    done = play("", *words)
    assert done.returncode in (1, 2)
    assert sentence in done.stderr
    assert (done.stdout, len(done.stderr.strip().splitlines())) == ("", 1)


def test_what_another_agent_began_is_not_played_on(play, harness_command, tmp_path):
    harness_command("eval", "--agent", "random", "--episodes", "0", "-q")
    done = play("", "--resume", str(only(tmp_path)))
    assert "is not one that you played; go on with: harness eval --resume" in done.stderr


def test_a_human_is_never_called_exact(harness_command):
    done = harness_command("eval", "--agent", "human")
    assert "makes a claim about a policy without memory, and the agent 'human' has memory" in done.stderr


async def test_what_a_patient_cannot_have_is_asked_again(tmp_path):
    env = make(f"mdp:{write(tmp_path / 'ward')}")
    lines = iter(["dance", "wait", "fluids"])
    said = []
    agent = HumanAgent(env, load(env.spec.id, "direct"), lambda question: next(lines), said.append)
    refused = Situation(lambda action: "not \x1b[31mhere" if action.action == "wait" else None, seed=1)
    decision = await agent.act(env.observe(0), refused)
    assert decision.action.action == "fluids"
    assert any("'dance' is not understood" in text and "expected wait, fluids" in text for text in said)
    assert "That cannot be done: not \\x1b[31mhere." in said


async def test_the_end_of_the_input_is_a_sentence(sepsis):
    def nobody(question):
        raise EOFError

    agent = HumanAgent(sepsis, load("icu-sepsis", "direct"), nobody, lambda text: None)
    with pytest.raises(StoppedRun, match="The input ended"):
        await agent.act(sepsis.observe(0), Situation(lambda action: None))
