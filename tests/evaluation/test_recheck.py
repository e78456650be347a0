"""Drift checks: a server that is the same, one that drifted in known states, and what a sample may say of it."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from harness.core.errors import BudgetSpent, ModelServerError, RunError, UsageError
from harness.core.run import read_manifest
from harness.core.trace import read_episodes
from harness.envs.registry import make
from harness.evaluation.config import Method
from harness.evaluation.drift import FEW_FLIPS
from harness.evaluation.manifest import require_unchanged
from harness.evaluation.recheck import open_run, recheck, save
from harness.llm.budget import Limits
from harness.mdp.evaluate import action_values, evaluate
from harness.mdp.policy import deterministic
from harness.reports.recheck import head
from tests.conftest import completion
from tests.evaluation.test_flips import LAKE, STATES, finished, lake_action, own_prompt
from tests.mdp.folders import write

DRIFTED = (1, 9, 18, 26, 34, 50)
"""States in which the server comes to answer `UP`; each is met now and then by its old policy."""

UP = 3


def text(state):
    return f"State {state}."


@pytest.fixture(scope="module")
def lake():
    return make(LAKE)


@pytest.fixture
def prompt(server, tmp_path):
    """A prompt that names the state, and a server that answers by a known policy."""
    server.answer = old
    return own_prompt(tmp_path / "p", "State {{ state }}.")


def old(patient):
    return json.dumps({"action": lake_action(patient)})


def drifted(patient):
    return json.dumps({"action": UP}) if patient in map(text, DRIFTED) else old(patient)


def policy(states=()):
    return np.array([UP if s in states else lake_action(text(s)) for s in range(STATES)])


def value(lake, states=()):
    return evaluate(lake.mdp, deterministic(lake.mdp, policy(states))).J


async def asked(server, tmp_path, prompt, **changes):
    served = {"env": LAKE, "base_url": server.base_url, "model_id": "fake"}
    return await finished(tmp_path, **(served | {"prompt": prompt} | changes))


async def again(run, n=None, **options):
    return await recheck(open_run(run), **({"n": n, "seed": 0, "watch": lambda progress: None} | options))


def contents(run):
    return {p.name: sha256(p.read_bytes()).hexdigest() for p in run.iterdir() if p.is_file()}


# --------------------------------------------------------------------------- states


async def test_a_server_that_is_the_same_does_not_flip_and_changes_nothing(server, prompt, lake, tmp_path):
    run = await asked(server, tmp_path, prompt)
    before, calls = contents(run), len(server.requests)
    plans = []
    found = await again(run, 20, tell=plans.append)
    assert (found.flipped, found.change.known, found.share.value) == (0, 0.0, 0.0)
    assert found.change.replaced == found.change.before == (pytest.approx(value(lake), abs=1e-10),) * 2
    assert found.change.whole.value == 0.0
    assert found.change.whole.lower < 0.0 < found.change.whole.upper
    assert 0 < found.share.upper < 0.2
    assert len(server.requests) - calls == found.llm_calls == found.asked == plans[0].calls  # past the cache
    assert (found.drawn, found.recorded, found.stopped) == (20, 53, None)
    assert (found.changed, found.cached) == ([], [])
    assert contents(run) == before
    written = save(found)
    assert json.loads(written.read_text())["decisions"][0]["reply"] == old(text(found.decisions[0]["state"]))
    assert save(found) != written
    assert contents(run).items() > before.items()


async def test_all_states_asked_again_give_the_flips_and_their_exact_change(server, prompt, lake, tmp_path):
    run = await asked(server, tmp_path, prompt)
    server.answer = drifted
    found = await again(run)
    change = value(lake, DRIFTED) - value(lake)
    assert abs(change) > 1e-3
    assert {flip.state for flip in found.flips.flips} == set(DRIFTED)
    assert found.change.known == pytest.approx(change, abs=1e-10)
    assert sum(flip.worth for flip in found.flips.flips) == pytest.approx(change, abs=1e-10)
    assert found.change.replaced == found.change.now == (pytest.approx(value(lake, DRIFTED), abs=1e-10),) * 2
    assert (found.drawn, found.asked, found.flipped, found.change.whole) == (None, 53, 6, None)
    assert (found.share.value, found.share.interval) == (6 / 53, "none")
    for flip in found.flips.flips:
        assert (flip.base, flip.other) == (lake.action_labels[policy()[flip.state]], lake.action_labels[UP])


async def test_a_sample_knows_what_it_asked_and_estimates_the_rest(server, prompt, lake, tmp_path):
    run = await asked(server, tmp_path, prompt)
    server.answer = drifted
    found = await again(run, 40)
    seen = {d["state"] for d in found.decisions}
    flipped = seen & set(DRIFTED)
    assert 0 < len(flipped) < len(seen) <= 40
    assert {flip.state for flip in found.flips.flips} == flipped
    assert found.change.known == pytest.approx(value(lake, flipped) - value(lake), abs=1e-10)
    assert found.change.replaced == (pytest.approx(value(lake, flipped), abs=1e-10),) * 2
    assert found.change.now[0] < value(lake, DRIFTED) < found.change.now[1]
    assert found.share.lower < found.share.value < found.share.upper
    assert found.share.n == 40
    whole = found.change.whole
    assert whole.lower <= value(lake, DRIFTED) - value(lake) <= whole.upper
    same = await again(run, 40)
    assert [d["state"] for d in same.decisions] == [d["state"] for d in found.decisions]
    other = await again(run, 40, seed=1)
    assert {d["state"] for d in other.decisions} != seen


async def test_the_whole_is_not_estimated_from_a_sample_in_which_much_flipped(server, prompt, tmp_path):
    run = await asked(server, tmp_path, prompt)
    server.answer = lambda patient: json.dumps({"action": UP})
    found = await again(run, 20)
    assert found.share.value > FEW_FLIPS
    assert found.change.whole is None
    assert found.change.known < 0
    assert any("not told by this sample; --all tells it exactly" in line for line in head(found))


async def test_a_certified_run_keeps_its_bounds(server, prompt, lake, tmp_path):
    run = await asked(server, tmp_path, prompt, method=Method.CERTIFY, epsilon=0.05)
    server.answer = drifted
    found = await again(run)
    flipped = {flip.state for flip in found.flips.flips}
    assert flipped == {d["state"] for d in found.decisions} & set(DRIFTED)
    assert found.asked == found.recorded < 53
    (low, high), (before_low, before_high) = found.change.replaced, found.change.before
    assert low <= value(lake, DRIFTED) <= high
    assert before_low <= value(lake) <= before_high
    assert found.change.known == pytest.approx(high - before_high, abs=1e-9)
    assert any("the upper bound moves by" in line for line in head(found))


async def test_probabilities_read_off_labels_are_compared_by_the_likeliest(server, prompt, lake, tmp_path):
    from tests.evaluation.test_drawn import with_logprobs

    def answer(patient):
        likeliest = "ABCD"[UP if server.drifted and patient == text(9) else lake_action(patient)]
        return with_logprobs({letter: 0.7 if letter == likeliest else 0.1 for letter in "ABCD"})

    server.answer, server.drifted = answer, False
    run = await asked(server, tmp_path, prompt, from_logprobs=True)
    server.drifted = True
    found = await again(run)
    assert [flip.state for flip in found.flips.flips] == [9]
    tables = [0.1 + 0.6 * deterministic(lake.mdp, policy(states)) for states in ((), (9,))]
    J = [evaluate(lake.mdp, np.where(lake.mdp.terminal[:, None], 0.25, table)).J for table in tables]
    assert found.change.known == pytest.approx(J[1] - J[0], abs=1e-10)


async def test_a_policy_that_comes_to_never_end_has_no_value_but_its_flips_are_kept(server, tmp_path):
    loops = "1,0,0,0,0\n" + "0,0,0,0.5,0.5\n" * 5 + "0,0,0,1,0\n" * 2 + "0,0,0,0,1\n" * 2
    ward = write(tmp_path / "ward", transitionFunction=loops)
    prompt = own_prompt(tmp_path / "p", "State {{ state }}.")
    server.answer = lambda patient: json.dumps({"action": "fluids"})
    run = await asked(server, tmp_path, prompt, env=f"mdp:{ward}")
    assert (await again(run)).change.known == 0.0
    server.answer = lambda patient: json.dumps({"action": "wait"})
    found = await again(run)
    assert (found.change, found.flips, found.flipped) == (None, None, 3)
    assert any("never ends" in line for line in head(found))


# --------------------------------------------------------------------------- steps


@pytest.mark.parametrize("memory", ["none", "window:2"])
async def test_steps_of_a_rollout_are_asked_again_where_they_were(server, prompt, lake, tmp_path, memory):
    run = await asked(server, tmp_path, prompt, method=Method.ROLLOUT, episodes=8, memory=memory)
    same = await again(run, 40)
    assert (same.flipped, same.share.value, same.change) == (0, 0.0, None)
    steps = sum(len(e.steps) for e in read_episodes(run / "trace.jsonl"))
    assert (same.asked, same.recorded) == (40, steps)
    server.answer = drifted
    found = await again(run)
    states = [
        e.steps[i - 1].observation["state"] if i else e.start.observation["state"]
        for e in read_episodes(run / "trace.jsonl")
        for i in range(len(e.steps))
    ]
    assert found.flipped == sum(s in DRIFTED for s in states) > 10
    assert found.share.value == pytest.approx(found.flipped / steps)
    assert found.share.interval.startswith("clustered Wilson")
    assert (found.share.n, found.share.lower < found.share.value < found.share.upper) == (8, True)
    Q = action_values(lake.mdp, lake.optimum.V)
    for flip in found.step_flips:
        assert flip.state in DRIFTED
        assert flip.gain == pytest.approx(Q[flip.state, UP] - Q[flip.state, policy()[flip.state]], abs=1e-9)


async def test_steps_are_asked_again_where_there_are_no_states(server, tmp_path):
    """A medication review: the first two drugs are asked about and then it ends; later one of them is stopped."""

    def answer(patient):
        a, b = re.findall(r"^- ([a-z]+) ", patient, flags=re.MULTILINE)[:2]
        query = {"action_type": "query_ddi", "drug_id_1": a, "drug_id_2": b}
        stop = {"action_type": "propose_intervention", "target_drug_id": a, "intervention_type": "stop"}
        asked_before = "Asked:" in patient
        return json.dumps(
            {"action": (stop if server.drifted else {"action_type": "finish_review"}) if asked_before else query}
        )

    server.answer, server.drifted = answer, False
    env = make("polypharmacy/easy-screening")
    run = await asked(
        server, tmp_path, "direct", env=env.spec.id, method=Method.ROLLOUT, episodes=6, concurrency=1, reply="json"
    )
    assert (await again(run)).flipped == 0
    server.drifted = True
    found = await again(run)
    assert (found.asked, found.flipped, {flip.step for flip in found.step_flips}) == (12, 6, {1})
    for flip in found.step_flips:
        env.reset(flip.seed)
        query, end = (
            env.action_type.model_validate(step.action)
            for episode in read_episodes(run / "trace.jsonl")
            if episode.end.seed == flip.seed
            for step in episode.steps
        )
        env.step(query)
        stop = env.action_type.model_validate(json.loads(flip.other))
        worth = env.reference.action_value(stop) - env.reference.action_value(end)
        assert (flip.state, flip.gain) == (None, pytest.approx(worth))
        assert flip.description


async def test_a_trace_that_is_no_longer_played_like_that_is_refused(server, prompt, tmp_path):
    run = await asked(server, tmp_path, prompt, method=Method.ROLLOUT, episodes=2)
    trace = (run / "trace.jsonl").read_text()
    state = read_episodes(run / "trace.jsonl")[0].steps[0].observation["state"]
    wrong = trace.replace(f'"observation":{{"state":{state}', f'"observation":{{"state":{state + 30}')
    assert wrong != trace
    (run / "trace.jsonl").write_text(wrong)
    with pytest.raises(RunError, match="no longer plays seed"):
        await again(run)


# --------------------------------------------------------------------------- who answered


async def test_what_the_server_says_of_itself_is_compared(server, prompt, tmp_path):
    run = await asked(server, tmp_path, prompt)
    server.answer = lambda patient: (200, completion(old(patient)) | {"model": "fake-2", "system_fingerprint": "fp_7"})
    found = await again(run, 5)
    assert found.changed == ["reported model: fake-1 → fake-2", "fingerprint: – → fp_7"]
    assert (found.then.models, found.now.models) == (["fake-1"], ["fake-2"])
    assert found.flipped == 0


async def test_an_alias_that_leads_elsewhere_now_is_told(server, prompt, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    models = tmp_path / "harness.models.toml"
    entry = '[mine]\ntitle = "Mine"\nbase_url = "{}"\nmodel_id = "fake"\n'
    models.write_text(entry.format(server.base_url))
    run = await asked(server, tmp_path, prompt, base_url=None, model_id=None, model="mine")
    assert (await again(run, 3)).changed == []
    elsewhere = server.base_url.replace("127.0.0.1", "localhost")
    models.write_text(entry.format(elsewhere) + "max_tokens = 99\nprice_prompt = 1.0\n")  # a price changes no reply
    found = await again(run, 3)
    assert found.changed == [f"server: {server.base_url} → {elsewhere}", "entry: max_tokens"]


async def test_replies_that_came_from_the_cache_are_told_with_their_run_and_time(server, prompt, tmp_path):
    first = await asked(server, tmp_path, prompt)
    second = await asked(server, tmp_path, prompt)
    found = await again(second, 3)
    (source,) = found.cached
    assert (source.run, source.replies) == (read_manifest(first)["run_id"], 53)
    assert source.first <= source.last <= found.created
    assert any("53 of the run's replies came from the cache" in line for line in head(found))


async def test_another_prompt_is_refused_before_anything_is_asked(server, prompt, tmp_path):
    run = await asked(server, tmp_path, prompt)
    calls = len(server.requests)
    (Path(prompt) / "observation.md.j2").write_text("The state is {{ state }}.")
    with pytest.raises(RunError, match="the prompt changed, so that other replies would not show another model"):
        await again(run, 3)
    assert len(server.requests) == calls


def test_a_resumed_run_still_needs_the_same_model():
    before = {"harness": "1", "model": {"a": 1}}
    require_unchanged(Path("x"), before, dict(before))
    with pytest.raises(RunError, match="the harness's version and the model changed"):
        require_unchanged(Path("x"), before, {"harness": "2", "model": {"a": 2}})


# --------------------------------------------------------------------------- stopped, and refused


async def test_a_limit_stops_the_check_with_what_is_known(server, prompt, tmp_path):
    run = await asked(server, tmp_path, prompt, concurrency=1)
    server.answer = drifted
    calls = len(server.requests)
    found = await again(run, 40, limits=Limits(calls=7))
    assert (len(server.requests) - calls, found.asked, found.exit_status) == (7, 7, BudgetSpent.exit_status)
    assert found.stopped == "The limit of 7 calls is reached."
    assert 7 <= found.drawn == found.share.n < 40
    census = await again(run, limits=Limits(calls=7))
    assert (census.asked, census.share, census.change.whole) == (7, None, None)  # the first seven are no sample
    assert census.change.now[0] < census.change.now[1]


async def test_a_server_that_dies_leaves_what_it_answered(server, prompt, tmp_path):
    run = await asked(server, tmp_path, prompt, concurrency=1)
    calls = len(server.requests)
    gone = (401, {"error": {"message": "no such key"}})
    server.answer = lambda patient: gone if len(server.requests) > calls + 4 else old(patient)
    found = await again(run, 20)
    assert (found.asked, found.exit_status) == (4, 1)
    assert "refused the key" in found.stopped
    server.answer = lambda patient: gone
    with pytest.raises(ModelServerError, match="refused the key"):
        await again(run, 20)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"agent": "random"}, "was decided by the agent 'random', and a drift check asks a model again"),
        ({"temperature": 0.7, "samples": 2}, "were drawn at temperature 0.7 and differ by chance every time"),
    ],
)
async def test_a_run_without_a_model_that_has_a_policy_is_refused(server, prompt, tmp_path, changes, sentence):
    who = {"base_url": None, "model_id": None} if "agent" in changes else {}
    run = await asked(server, tmp_path, prompt, **who, **changes)
    with pytest.raises(UsageError, match=sentence):
        open_run(run)


async def test_an_unfinished_run_and_one_of_another_version_are_refused(server, prompt, tmp_path):
    run = await asked(server, tmp_path, prompt)
    manifest = read_manifest(run)
    (run / "manifest.json").write_text(json.dumps(manifest | {"config": {"unheard": 1}}))
    with pytest.raises(RunError, match="not of this version of the harness") as raised:
        open_run(run)
    assert len(str(raised.value).splitlines()) == 1
    (run / "manifest.json").write_text(json.dumps({k: v for k, v in manifest.items() if k != "model"}))
    with pytest.raises(RunError, match="does not say which model answered"):
        open_run(run)
    summary = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps(summary | {"value": "high"}))
    with pytest.raises(RunError, match="The summary of .* is not of this version"):
        open_run(run)
    (run / "summary.json").unlink()
    with pytest.raises(RunError, match="has not finished"):
        open_run(run)
