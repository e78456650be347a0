"""Flips: what differs, what it was worth, and that the worths add up to the difference."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from harness.core.errors import UsageError
from harness.envs.registry import make
from harness.evaluation import evaluate as evaluation
from harness.evaluation.compare import Contribution, differences, load_runs
from harness.evaluation.config import Method, RunConfig
from harness.evaluation.flips import (
    DIFFERENCE,
    UPPER_BOUNDS,
    Divergence,
    Divergences,
    Flips,
    Transition,
    between,
    usual_method,
)
from harness.evaluation.recorded import read_decisions
from harness.mdp.evaluate import evaluate
from harness.mdp.policy import deterministic
from harness.reports.flips import blocks

LAKE, STATES = "mdp:gymnasium:FrozenLake8x8-v1", 64


def known_policy(letter):
    """The fake server's answers to the prompt whose patients begin with `letter`, as anyone can compute them."""
    return np.array([lake_action(f"{letter} State {s}.") for s in range(STATES)])


def lake_action(patient):
    return 1 + sha256(patient.encode()).digest()[0] % 2  # down or right, so that the goal is met now and then


@pytest.fixture
def styles(server, tmp_path):
    """Two prompts that differ in a letter, and a server that answers by the whole text."""
    server.answer = lambda patient: json.dumps({"action": lake_action(patient)})
    return [own_prompt(tmp_path / letter, f"{letter} State {{{{ state }}}}.") for letter in "ab"]


def own_prompt(folder, observation):
    folder.mkdir()
    (folder / "prompt.toml").write_text('version = 1\nsummary = "x"\n')
    (folder / "system.md.j2").write_text("{{ reply }}")
    (folder / "observation.md.j2").write_text(observation)
    return str(folder)


@pytest.fixture(scope="module")
def lake():
    return make(LAKE)


async def finished(tmp_path, **changes):
    base = {"env": "icu-sepsis", "method": Method.EXACT, "episodes": 0, "concurrency": 4}
    summary = await evaluation.run(RunConfig(**(base | changes)), tmp_path)
    return Path(summary.run_dir)


async def asked(server, tmp_path, prompt, **changes):
    return await finished(tmp_path, env=LAKE, base_url=server.base_url, model_id="fake", prompt=prompt, **changes)


async def test_flips_of_two_known_policies_add_up_to_their_exact_difference(lake, server, styles, tmp_path):
    runs = load_runs([await asked(server, tmp_path, style) for style in styles])
    found = between(*runs)
    a, b = known_policy("a"), known_policy("b")
    live = ~lake.mdp.terminal
    J = [evaluate(lake.mdp, deterministic(lake.mdp, actions)).J for actions in (a, b)]
    assert {flip.state for flip in found.flips} == set(np.flatnonzero((a != b) & live).tolist())
    for flip in found.flips:
        assert (flip.base, flip.other) == (lake.action_labels[a[flip.state]], lake.action_labels[b[flip.state]])
    assert J[1] != J[0]
    assert sum(flip.worth for flip in found.flips) == pytest.approx(J[1] - J[0], abs=1e-10)
    assert found.gained + found.lost == pytest.approx(J[1] - J[0], abs=1e-10)
    assert found.rest == pytest.approx(0.0, abs=1e-12)
    assert (found.adds_up_to, found.both, found.share_both) == (DIFFERENCE, int(live.sum()), pytest.approx(1.0))
    occupancy = evaluate(lake.mdp, deterministic(lake.mdp, b)).occupancy
    assert found.share_flipped == pytest.approx(occupancy[(a != b) & live].sum() / occupancy.sum())
    assert sum(t.count for t in found.transitions) == len(found.flips)
    assert sum(t.worth for t in found.transitions) == pytest.approx(J[1] - J[0], abs=1e-10)
    worths = [abs(flip.worth) for flip in found.flips]
    assert worths == sorted(worths, reverse=True)


async def test_certified_flips_add_up_to_the_difference_of_upper_bounds(server, styles, tmp_path):
    certify = {"method": Method.CERTIFY, "epsilon": 0.05}
    runs = load_runs([await asked(server, tmp_path, style, **certify) for style in styles])
    found = between(*runs)
    assert found.adds_up_to == UPPER_BOUNDS
    assert found.total == pytest.approx(runs[1].summary.upper - runs[0].summary.upper, abs=1e-9)
    assert found.gained + found.lost + found.rest == pytest.approx(found.total, abs=1e-12)
    assert found.both < max(found.base_asked, found.other_asked) < 53
    assert 0 < found.share_flipped <= found.share_both < 1


async def test_a_reply_without_an_action_is_shown_as_such(server, styles, tmp_path):
    fine = await asked(server, tmp_path, styles[0])
    server.answer = lambda text: "I would rather not say."
    silent = await asked(server, tmp_path, styles[1])
    found = between(*load_runs([fine, silent]))
    assert {flip.other for flip in found.flips} == {"action 0 (no legal action)"}


async def test_policies_with_chance_flip_by_their_likeliest_action(tmp_path):
    runs = load_runs([await finished(tmp_path, agent=agent) for agent in ("expert", "optimal")])
    found = between(*runs)
    (d,) = differences(runs)
    assert found.rest > 0.001
    assert found.total == pytest.approx(d.value, abs=1e-10)
    assert all("% of draws" not in t.base for t in found.transitions)
    assert "% of draws" in found.flips[0].base


async def test_rollouts_part_where_they_first_decide_otherwise(sepsis, tmp_path):
    runs = load_runs(
        [await finished(tmp_path, agent=a, method=Method.ROLLOUT, episodes=30) for a in ("optimal", "worst")]
    )
    found = between(*runs)
    (d,) = differences(runs)
    assert found.mean == pytest.approx(d.value, abs=1e-12)
    assert (found.gained + found.lost) / 30 == pytest.approx(found.mean)
    assert found.episodes == 30
    first = {end.seed: end for end in runs[1].ends}
    at_once = [x for x in found.divergences if x.step == 0]
    assert len(at_once) > 10
    for x in at_once:
        assert x.state == sepsis.reset(x.seed).state
        assert x.worth == pytest.approx(-first[x.seed].regret, abs=1e-9)
        assert x.at_once == pytest.approx(-sepsis.regret[x.state, sepsis.worst.actions[x.state]], abs=1e-9)


async def test_a_rollout_and_an_exact_run_have_no_flips(tmp_path):
    paths = [await finished(tmp_path, agent="random"), None]
    paths[1] = await finished(tmp_path, agent="random", method=Method.ROLLOUT, episodes=3)
    with pytest.raises(UsageError, match="is a rollout and the other one is not"):
        between(*load_runs(paths))


async def test_the_same_policy_twice_has_no_flips(tmp_path):
    found = between(*load_runs([await finished(tmp_path, agent="optimal") for _ in range(2)]))
    assert (found.flips, found.share_flipped) == ((), 0.0)
    assert found.total == pytest.approx(0.0, abs=1e-12)


def test_the_usual_method_asks_everything_where_that_is_cheap(sepsis, lake, monkeypatch):
    monkeypatch.setattr("harness.evaluation.flips.FEW_STATES", 700)
    assert usual_method(lake, embedded=False) is Method.EXACT
    assert usual_method(sepsis, embedded=False) is Method.CERTIFY
    assert usual_method(sepsis, embedded=True) is Method.EXACT
    assert usual_method(object(), embedded=True) is Method.ROLLOUT


# --------------------------------------------------------------------------- the commands


def ab(server, *words):
    return ["ab", "--base-url", server.base_url, "--model-id", "fake", *words, "--quiet"]


def two(styles):
    return ["--env", LAKE, "--prompt", styles[0], "--prompt", styles[1]]


def test_ab_prints_what_flipped_and_compare_says_the_same(harness_command, server, styles, tmp_path):
    done = harness_command(*ab(server, *two(styles)))
    assert done.returncode == 0, done.stderr
    for part in ("states flipped from fake a@1 to fake b@1", "the difference, exactly", "The most frequent"):
        assert part in done.stdout
    runs = [str(path) for path in sorted((tmp_path / "runs").iterdir())]
    again = harness_command("compare", *runs, "--flips")
    assert again.stdout.split("flipped from")[1].split("A benchmark")[0] in done.stdout
    calls = len(server.requests)
    exported = json.loads(harness_command(*ab(server, *two(styles), "--json")).stdout)
    assert len(server.requests) == calls  # every reply came from the cache
    (pair,) = exported["flips"]
    (difference,) = exported["differences"]
    assert sum(flip["worth"] for flip in pair["flips"]) == pytest.approx(difference["value"], abs=1e-10)
    assert [run["prompt"] for run in exported["runs"]] == ["a@1", "b@1"]


def test_ab_by_rollout_and_by_certify(harness_command, server, styles, tmp_path):
    rollout = harness_command(*ab(server, *two(styles), "--method", "rollout", "--episodes", "10"))
    assert "of 10 episodes diverge from fake a@1 to fake b@1" in rollout.stdout, rollout.stderr
    certify = harness_command(*ab(server, *two(styles), "--method", "certify", "--epsilon", "0.05"))
    assert "the difference of the upper bounds" in certify.stdout, certify.stderr
    loaded = load_runs(sorted((tmp_path / "runs").iterdir()))
    base, other = (run for run in loaded if run.summary.method is Method.CERTIFY)
    asked = [{line.state for line in read_decisions(run.path)} for run in (base, other)]
    assert asked[0]
    assert asked[0] <= asked[1]  # a state that the base was asked in is one that a flip shows in


def test_ab_stops_at_a_limit_and_says_how_to_go_on(harness_command, server, styles, tmp_path):
    done = harness_command(*ab(server, *two(styles), "--max-calls", "20"))
    assert done.returncode == 3
    (run,) = (tmp_path / "runs").iterdir()
    assert done.stderr.splitlines()[-1].startswith("harness: The limit of 20 calls is reached. Go on with:")
    assert run.name in done.stderr
    assert len(server.requests) == 20


def test_what_fails_is_told_and_what_was_done_is_kept(harness_command, server, styles, tmp_path):
    answer = server.answer
    server.answer = lambda text: (400, {"error": {"message": "no"}}) if text.startswith("b") else answer(text)
    done = harness_command(*ab(server, *two(styles)))
    assert (done.returncode, done.stdout) == (1, "")
    (sentence,) = done.stderr.strip().splitlines()
    assert "Go on with: harness eval --resume runs/" in sentence


def test_foreign_text_cannot_drive_the_terminal():
    evil = "\x1b[2J"
    flip = Contribution(0, evil, evil, evil, 1.0, 0.1)
    change = Transition(evil, evil, 1, 0.1)
    found = Flips(evil, evil, 1, 1, 1, 1.0, 1.0, 0.1, 0.0, 0.0, 0.1, DIFFERENCE, (flip,), (change,))
    apart = Divergence(100_000, 0, None, evil, evil, evil, None, 0.1)
    both = [
        *blocks(found, "survival", 5),
        *blocks(Divergences(evil, evil, 1, 0.1, 0.0, 0.1, (apart,), (change,)), "x", 5),
    ]
    texts = [t for b in both for t in (b.caption, *b.headings, *b.notes, *(cell for row in b.rows for cell in row))]
    assert len(both) == 4
    assert not any("\x1b" in text for text in texts)
    assert any("\\x1b[2J" in text for text in texts)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--prompt", "direct"], "1 prompt was given; expected two or more"),
        (["--prompt", "direct", "--prompt", "direct"], "The prompt 'direct' was given twice"),
        (["--prompt", "direct", "--prompt", "dirct"], "Did you mean 'direct'?"),
        (["--prompt", "direct", "--prompt", "reasoned", "--epsilon", "1"], "--epsilon belongs to --method certify"),
        (["--prompt", "direct", "--prompt", "reasoned", "--episodes", "1"], "--episodes belongs to --method rollout"),
        (["--prompt", "direct", "--prompt", "reasoned", "--model", "qwen"], "both name a model"),
    ],
)
def test_a_mistake_is_one_sentence(harness_command, server, tmp_path, words, sentence):
    done = harness_command(*ab(server, *words))
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "runs").exists()
