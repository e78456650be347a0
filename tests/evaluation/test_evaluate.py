"""Whole runs: a known policy behind a real server is measured exactly, whatever goes wrong on the way."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from harness.agents import registry as agents
from harness.core.agent import Decision
from harness.core.errors import HarnessError, ModelServerError, RunError, UsageError
from harness.core.run import DECISIONS, SUMMARY, TRACE, read_manifest
from harness.core.trace import read_episodes
from harness.envs.registry import make
from harness.evaluation import evaluate as evaluation
from harness.evaluation.config import Method, RunConfig
from harness.evaluation.job import Observers
from harness.evaluation.recorded import read_decisions
from harness.evaluation.state_decision import costliest_draw, line_of_row
from harness.llm import client as client_module
from harness.llm.registry import ReplyFormat
from harness.llm.structured import ReplyContract
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import deterministic
from harness.prompts.loader import BUILTIN, load
from harness.reports.summary import print_report
from tests.conftest import as_json, completion, hashed_action

DIED = 713


def config(server=None, **changes):
    base = {"env": "icu-sepsis", "method": Method.EXACT, "episodes": 2, "concurrency": 16}
    if server is not None:
        base |= {"base_url": server.base_url, "model_id": "fake"}
    return RunConfig(**(base | changes))


@pytest.fixture(scope="session")
def patients(sepsis):
    """The text about every patient, rendered here and not by the agent."""
    prompt = load("icu-sepsis", "direct")
    static = {
        "env": sepsis.spec.model_dump(),
        "reply": ReplyContract(sepsis.action_type, ReplyFormat.JSON).instruction(),
    }
    return [prompt.observation_message(static, sepsis.observe(state).model_dump()).content for state in range(DIED)]


def value_of(sepsis, actions):
    return evaluate(sepsis.mdp, deterministic(sepsis.mdp, np.append(actions, [0, 0, 0])))


async def test_a_known_policy_behind_a_server_has_its_exact_value(sepsis, server, patients, tmp_path):
    summary = await evaluation.run(config(server), tmp_path)
    expected = value_of(sepsis, [hashed_action(text) for text in patients])
    assert summary.exact
    assert summary.value == summary.lower == summary.upper
    assert summary.value == pytest.approx(expected.J, abs=1e-9)
    assert summary.length_lower == pytest.approx(expected.length, abs=1e-6)
    assert summary.regret == pytest.approx(sepsis.optimum.J - expected.J, abs=1e-9)
    assert (summary.decisions, summary.llm_calls, summary.invalid_actions) == (713, len(set(patients)), 0)
    assert summary.llm_calls + summary.cached_calls == 713
    assert summary.prompt_tokens == 100 * summary.llm_calls
    assert max(server.asked().values()) == 1
    assert sum(d.cost for d in summary.worst_decisions) <= summary.regret + 1e-9


async def test_anyone_can_recompute_the_value_from_the_files(sepsis, server, tmp_path):
    summary = await evaluation.run(config(server), tmp_path)
    lines = [json.loads(line) for line in (Path(summary.run_dir) / DECISIONS).read_text().splitlines()]
    assert {"state", "action", "action_index", "prompt_sha256", "reply", "outcome"} <= set(lines[0])
    actions = np.zeros(DIED, dtype=int)
    for line in lines:
        assert line["action"] == json.loads(line["reply"])
        actions[line["state"]] = 5 * line["action"]["iv_fluid_level"] + line["action"]["vasopressor_level"]
        assert line["action_index"] == actions[line["state"]]
    assert pytest.approx(summary.value, abs=1e-9) == value_of(sepsis, actions).J
    written = json.loads((Path(summary.run_dir) / SUMMARY).read_text())
    assert written == summary.model_dump(mode="json")


async def test_certified_bounds_enclose_the_exact_value(sepsis, server, patients, tmp_path):
    summary = await evaluation.run(config(server, method=Method.CERTIFY, epsilon=0.02), tmp_path)
    exact = value_of(sepsis, [hashed_action(text) for text in patients])
    assert not summary.exact
    assert summary.lower <= exact.J <= summary.upper
    assert summary.upper - summary.lower <= 0.02
    assert summary.length_lower <= exact.length <= summary.length_upper
    assert summary.regret_lower <= sepsis.optimum.J - exact.J <= summary.regret_upper
    assert summary.decisions < 420


async def test_a_second_run_asks_nothing(server, tmp_path):
    first = await evaluation.run(config(server, method=Method.CERTIFY, epsilon=0.1), tmp_path)
    asked = len(server.requests)
    second = await evaluation.run(config(server, method=Method.CERTIFY, epsilon=0.1), tmp_path)
    assert len(server.requests) == asked
    assert (second.llm_calls, second.cached_calls) == (0, first.llm_calls + first.cached_calls)
    assert second.value == first.value
    assert first.cached_since is None
    oldest = min(r.answered for line in read_decisions(Path(first.run_dir)) for r in line.requests)
    assert second.cached_since == oldest  # nobody asked the server today
    console = Console(file=io.StringIO(), width=200)
    print_report(console, second)
    assert f"more from cache, the oldest of {oldest[:10]})" in console.file.getvalue()


async def test_rollouts_estimate_the_exact_value(sepsis, server, patients, tmp_path):
    summary = await evaluation.run(config(server, method=Method.ROLLOUT, episodes=300), tmp_path)
    exact = value_of(sepsis, [hashed_action(text) for text in patients]).J
    half = summary.upper - summary.value
    assert abs(summary.value - exact) < 2 * half  # twice a 95 % interval: wrong once in 10,000 seeds
    assert half < (summary.raw_upper - summary.raw_lower) / 4
    assert summary.raw_lower <= exact <= summary.raw_upper
    assert (summary.episodes, summary.exact) == (300, False)
    episodes = read_episodes(Path(summary.run_dir) / TRACE)
    assert [e.end.seed for e in episodes] == list(range(100_000, 100_300))
    assert summary.decisions == sum(len(e.steps) for e in episodes)


async def test_a_run_with_until_stops_where_it_would_have_stopped(sepsis, tmp_path):
    until = {"agent": "expert", "method": Method.ROLLOUT, "episodes": 2_000, "until": 0.03}
    whole = await evaluation.run(config(**until), tmp_path)
    assert 50 <= whole.episodes < 2_000
    assert (whole.upper - whole.lower) / 2 <= 0.03
    assert whole.interval == "anytime 95%"
    exact = evaluate(sepsis.mdp, sepsis.expert_policy).J
    assert whole.lower < exact < whole.upper
    path = Path(whole.run_dir)
    (path / SUMMARY).unlink()
    lines = (path / TRACE).read_bytes().splitlines(keepends=True)
    (path / TRACE).write_bytes(b"".join(lines[: len(lines) // 3]) + lines[len(lines) // 3][:20])
    again = await evaluation.resume(path)
    assert (again.value, again.lower, again.episodes) == (whole.value, whole.lower, whole.episodes)


async def test_an_agent_that_tells_its_chances_is_estimated_by_them(sepsis, tmp_path):
    summary = await evaluation.run(config(agent="random", method=Method.ROLLOUT, episodes=120), tmp_path)
    ends = [e.end for e in read_episodes(Path(summary.run_dir) / TRACE)]
    assert summary.estimator == "advantage sum, the agent's probabilities known"
    assert summary.value == pytest.approx(sepsis.optimum.J - np.mean([end.expected_regret for end in ends]))
    assert any(end.expected_regret != pytest.approx(end.regret) for end in ends)
    assert summary.inadmissible_share_lower < summary.inadmissible_share < summary.inadmissible_share_upper


async def test_the_optimal_agent_has_no_regret_and_no_variance(sepsis, tmp_path):
    summary = await evaluation.run(config(agent="optimal", method=Method.ROLLOUT, episodes=20), tmp_path)
    assert summary.value == pytest.approx(sepsis.optimum.J, abs=1e-12)
    assert summary.upper == pytest.approx(sepsis.optimum.J, abs=1e-12)
    # twenty episodes without a loss do not say that there is none
    assert summary.interval.startswith("bound from few losses")
    assert 0.05 < summary.upper - summary.lower < 0.15


async def test_replies_that_cannot_be_used_are_repaired_once_or_replaced(sepsis, server, patients, tmp_path):
    """By patient: fine, repaired at the second attempt, or never usable."""
    kinds = ["fine", "fenced", "repaired", "empty", "truncated", "out of range", "refused"]
    kind_of = {text: kinds[hashed_action(text + "kind") % len(kinds)] for text in patients}

    def answer(question):
        if question not in kind_of:  # the second attempt
            original = server.requests[-1]["messages"][1]["content"]
            return as_json(hashed_action(original)) if kind_of[original] == "repaired" else "I still cannot."
        good = as_json(hashed_action(question))
        return {
            "fine": good,
            "fenced": f"Sure!\n```json\n{good}\n```",
            "repaired": "Let me think about it.",
            "empty": "",
            "truncated": (200, completion(good[:20], "length")),
            "out of range": '{"iv_fluid_level": 9, "vasopressor_level": 0}',
            "refused": "I cannot give medical advice.",
        }[kind_of[question]]

    server.answer = answer
    summary = await evaluation.run(config(server), tmp_path)
    usable = {"fine", "fenced", "repaired"}
    actions = [hashed_action(text) if kind_of[text] in usable else 0 for text in patients]
    assert summary.value == pytest.approx(value_of(sepsis, actions).J, abs=1e-9)
    assert summary.invalid_actions == sum(kind_of[text] not in usable for text in patients)
    assert summary.repaired_actions == sum(kind_of[text] == "repaired" for text in patients)
    outcomes = {d.state: d for d in read_decisions(Path(summary.run_dir))}
    wrong = next(s for s, text in enumerate(patients) if kind_of[text] == "out of range")
    assert outcomes[wrong].outcome == "invalid"
    assert outcomes[wrong].action_index == 0
    assert "no values" in outcomes[wrong].error or "less than or equal to 4" in outcomes[wrong].error


async def test_a_refused_action_is_repaired_from_what_the_agent_is_told(server, tmp_path):
    def answer(question):
        if "allowed are: " not in question:
            return as_json(24)
        return re.search(r"allowed are: ({.*?})", question).group(1)

    server.answer = answer
    strict = config(server, env_options={"inadmissible": "raise"}, method=Method.CERTIFY, epsilon=0.1)
    summary = await evaluation.run(strict, tmp_path)
    assert summary.invalid_actions == 0
    assert summary.inadmissible_share == 0
    assert summary.repaired_actions > summary.decisions / 2


async def test_a_failing_server_stops_the_run_which_then_goes_on(server, patients, tmp_path, monkeypatch):
    monkeypatch.setattr(client_module, "LONGEST_WAIT_S", 0.01)
    monkeypatch.setattr(client_module, "RETRY_FOR_S", 0.5)
    clean = await evaluation.run(config(server, cache=False), tmp_path / "clean")
    server.requests.clear()
    folders = []

    def answer(question):
        return as_json(hashed_action(question)) if len(server.requests) < 200 else (401, {"error": {}})

    server.answer = answer
    with pytest.raises(ModelServerError, match="refused the key"):
        await evaluation.run(config(server, cache=False), tmp_path, Observers(began=folders.append))
    kept = len(read_decisions(folders[0]))
    assert 150 < kept <= 200
    server.requests.clear()
    server.answer = lambda question: as_json(hashed_action(question))
    summary = await evaluation.resume(folders[0])
    assert len(server.requests) == 713 - kept
    assert comparable(summary.model_dump()) == comparable(clean.model_dump())


def comparable(summary):
    return {k: v for k, v in summary.items() if k not in ("wall_seconds", "run_dir")}


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"agent": "expart"}, UsageError, "no agent 'expart'. Did you mean 'expert'?"),
        ({"env": "icu"}, UsageError, "no environment 'icu'. Did you mean 'icu-sepsis'?"),
        ({"model": "gpt-9"}, UsageError, "no model 'gpt-9'"),
        ({"agent": "random", "seed_start": 5}, UsageError, "Seed 5 cannot be used to evaluate"),
        ({"agent": "random", "concurrency": 0}, UsageError, "concurrency is 0; expected at least 1"),
        ({"agent": "random", "epsilon": -1}, UsageError, "Epsilon is -1"),
        ({"agent": "random", "method": Method.ROLLOUT, "episodes": 0}, UsageError, "'rollout' takes 1 or more"),
        ({"agent": "random", "until": 0.01}, UsageError, "--until stops a rollout"),
        ({"agent": "random", "method": Method.ROLLOUT, "episodes": 9, "until": -1.0}, UsageError, "half-width above 0"),
        ({"agent": "random", "env_options": {"x": "y"}}, UsageError, "has no option 'x'"),
        ({"agent": "random", "episodes": -1}, UsageError, "-1 episodes were asked for"),
        ({"model": "qwen2.5-72b"}, UsageError, "needs a key"),
        ({"model": "qwen", "prompt": "dirct"}, UsageError, "Did you mean 'direct'?"),
        ({}, UsageError, "Name who decides"),
    ],
)
async def test_what_is_wrong_is_said_before_anything_is_written(tmp_path, changes, error, sentence):
    with pytest.raises(error, match=sentence):
        await evaluation.run(config(**changes), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


async def test_an_agent_with_memory_is_never_called_exact(tmp_path, monkeypatch, sepsis):
    from harness.agents.reference import TableAgent

    monkeypatch.setattr(TableAgent, "memoryless", False)
    with pytest.raises(UsageError, match="makes a claim about a policy without memory"):
        await evaluation.run(config(agent="random"), tmp_path)


async def test_a_run_is_not_resumed_with_another_prompt(server, tmp_path, monkeypatch):
    own = tmp_path / "own"
    shutil.copytree(BUILTIN / "icu-sepsis" / "direct", own)
    server.answer = lambda question: (401, {})
    folders = []
    with pytest.raises(ModelServerError):
        await evaluation.run(config(server, prompt=str(own)), tmp_path / "r", Observers(began=folders.append))
    (own / "system.md.j2").write_text("Another. {{ reply }}")
    with pytest.raises(RunError, match=r"cannot be resumed.*the prompt changed"):
        await evaluation.resume(folders[0])


def test_a_full_disk_is_a_sentence_and_keeps_what_was_written(server, tmp_path):
    """A real limit on the size of files, in a process of its own."""
    script = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))\n"
        "from harness.cli.main import main\n"
        "main()\n"
    )
    words = ["eval", "--base-url", server.base_url, "--model-id", "m", "--no-cache", "--out", str(tmp_path / "r")]
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Cannot write" in done.stderr
    assert "--resume" in done.stderr
    assert "Traceback" not in done.stderr
    (folder,) = (tmp_path / "r").iterdir()
    assert len(read_decisions(folder)) > 10


async def test_the_manifest_says_what_the_run_was_made_of(server, tmp_path):
    summary = await evaluation.run(config(server, method=Method.CERTIFY, epsilon=0.2), tmp_path)
    manifest = read_manifest(Path(summary.run_dir))
    assert manifest["model"]["answers_from"] == {"server": server.base_url, "model": "fake"}
    assert manifest["prompt"]["label"] == "direct@1"
    assert "You treat adults with sepsis" in manifest["prompt"]["system"]
    assert manifest["env"]["version"] == 2
    assert manifest["packages"]["icu-sepsis"]
    assert summary.served_models == ["fake-1"]


PICKLED = "cos\\nsystem\\n(S'touch {path}'\\ntR."


@pytest.mark.parametrize(
    "attack",
    [
        '{{ env.parse_raw("' + PICKLED + "\", proto='pickle', allow_pickle=True) }}",
        "{{ env.model_validate_json('{}') }}",
        "{{ findings[0].model_copy() }}",
    ],
)
async def test_a_prompt_folder_cannot_run_anything(server, tmp_path, attack):
    own, touched = tmp_path / "own", tmp_path / "touched"
    shutil.copytree(BUILTIN / "icu-sepsis" / "direct", own)
    (own / "observation.md.j2").write_text(attack.replace("{path}", str(touched)))
    with pytest.raises(UsageError, match="cannot be rendered"):
        await evaluation.run(config(server, prompt=str(own)), tmp_path / "r")
    assert not touched.exists()


class Odd:
    """A third party's agent."""

    id = "odd"
    memoryless = True

    def __init__(self, env):
        self._env = env

    async def close(self):
        pass


class Silent(Odd):
    async def act(self, observation, situation):
        return Decision(action=None)


class Mixed(Odd):
    async def act(self, observation, situation):
        row = [0.0] * 23 + [0.5, 0.5]
        return Decision(action=self._env.actions[23], probabilities=tuple(row))


class Faulty(Odd):
    async def act(self, observation, situation):
        raise KeyError("lactate")


@pytest.fixture
def third_party(monkeypatch):
    def install(agent, **changes):
        monkeypatch.setattr(agents, "make", lambda name, env: agent(env))
        return config(agent="odd", **({"concurrency": 1} | changes))

    return install


@pytest.mark.parametrize("method", [Method.EXACT, Method.ROLLOUT])
async def test_an_agent_without_an_action_is_counted_as_invalid(third_party, tmp_path, method):
    summary = await evaluation.run(third_party(Silent, method=method), tmp_path)
    assert summary.invalid_actions == summary.decisions
    assert summary.invalid_share == pytest.approx(1.0)


async def test_an_agent_that_gives_probabilities_is_exact_and_plays_both(sepsis, third_party, tmp_path):
    summary = await evaluation.run(third_party(Mixed, episodes=30), tmp_path)
    table = np.zeros((716, 25))
    table[:, 23] = table[:, 24] = 0.5
    assert summary.value == pytest.approx(evaluate(sepsis.mdp, table).J, abs=1e-9)
    steps = [s for e in read_episodes(Path(summary.run_dir) / TRACE) for s in e.steps]
    assert {s.action["vasopressor_level"] for s in steps} == {3, 4}


@pytest.mark.parametrize("method", [Method.EXACT, Method.ROLLOUT])
async def test_a_fault_in_an_agents_code_is_a_sentence(third_party, tmp_path, method):
    with pytest.raises(HarnessError, match="The agent 'odd' failed .KeyError: 'lactate'"):
        await evaluation.run(third_party(Faulty, method=method), tmp_path)


async def test_two_models_behind_one_name_are_not_exact(server, tmp_path):
    def answer(question):
        return 200, completion(as_json(hashed_action(question))) | {"model": f"fake-{len(server.requests) % 2}"}

    server.answer = answer
    summary = await evaluation.run(config(server), tmp_path)
    assert summary.served_models == ["fake-0", "fake-1"]
    assert not summary.exact


async def test_shares_are_of_decisions_whatever_the_method(tmp_path):
    exact = await evaluation.run(config(agent="expert"), tmp_path)
    sampled = await evaluation.run(config(agent="expert", method=Method.ROLLOUT, episodes=1000), tmp_path)
    assert exact.inadmissible_share == pytest.approx(0.1210, abs=5e-5)
    assert exact.inadmissible_share_of_states == pytest.approx(0.1564, abs=5e-5)
    assert sampled.inadmissible_share == pytest.approx(exact.inadmissible_share, abs=0.015)


def test_what_costs_most_among_draws_is_named_not_the_likeliest_which_may_be_the_best(sepsis):
    state = next(s for s in sepsis.mdp.decision_states if (sepsis.regret[s] > 1e-6).sum() > 2)
    best, order = int(sepsis.optimum.actions[state]), np.argsort(sepsis.regret[state])
    little, much = int(order[-3]), int(order[-1])
    row = np.zeros(25)
    row[[best, little, much]] = 0.5, 0.1, 0.4
    line = line_of_row(sepsis, state, row)
    assert sepsis.choice_label(row).startswith(sepsis.action_labels[best])
    assert costliest_draw(sepsis, line) == f"{sepsis.action_labels[much]} (40 % of draws, the costliest)"
    alone = np.zeros(25)
    alone[much] = 1.0
    assert costliest_draw(sepsis, line_of_row(sepsis, state, alone)) == sepsis.action_labels[much]


# --------------------------------------------------------------------------- hidden states, endless episodes


async def test_what_looks_alike_is_asked_once_and_valued_exactly(server, tmp_path):
    """Diabetes is hidden: 606 states, 303 questions."""
    env, prompt = make("sepsis-os-hidden"), load("sepsis-os-hidden", "direct")
    server.answer = lambda patient: env.actions[hashed_action(patient) % 8].model_dump_json()
    summary = await evaluation.run(config(server, env="sepsis-os-hidden", episodes=0), tmp_path)
    actions = np.zeros(env.mdp.n_states, dtype=int)
    for state in env.mdp.decision_states:
        text = prompt.observation_message({"env": env.spec, "reply": ""}, dict(env.observe(state))).content
        actions[state] = hashed_action(text) % 8
    assert summary.exact
    assert summary.value == pytest.approx(evaluate(env.mdp, deterministic(env.mdp, actions)).J, abs=1e-9)
    assert (summary.states, summary.llm_calls, len(server.asked())) == (606, 303, 303)
    assert set(server.asked().values()) == {1}
    assert summary.references["optimal"].value > summary.references["achievable"].value > summary.value


async def test_a_policy_that_may_never_end_has_no_length_in_strict_json(tmp_path):
    chosen = config(env="sepsis-os", agent="optimal", episodes=0)
    summary = await evaluation.run(chosen, tmp_path)
    text = (Path(summary.run_dir) / SUMMARY).read_text()
    read = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert read["length_lower"] is read["length_upper"] is read["references"]["optimal"]["length"] is None
    assert read["references"]["random"]["length"] == pytest.approx(10.57, abs=0.01)
    assert (await evaluation.resume(Path(summary.run_dir))) == summary
    console = Console(file=io.StringIO(), width=120)
    print_report(console, summary)
    assert "inf" not in console.file.getvalue()
    assert "mean stay –: under that policy an episode may never end." in console.file.getvalue()
