"""The simulator of Oberst and Sontag: against its published rules, a published optimum, and itself with the bug."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from harness.agents.registry import make as make_agent
from harness.core.environment import ReferenceKind
from harness.core.episode import play
from harness.core.errors import UsageError
from harness.envs.registry import make
from harness.envs.sepsis_os import model, policies
from harness.envs.sepsis_os.environment import ACTIONS, HORIZON, SEEN, SepsisOSAction
from harness.envs.sepsis_os.rules import Glucose
from harness.llm.registry import ReplyFormat
from harness.llm.structured import ReplyContract
from harness.mdp.evaluate import evaluate
from harness.mdp.linear import system
from harness.mdp.policy import deterministic, uniform
from harness.mdp.solve import backward_induction, solve
from harness.prompts.loader import load

LIVE = np.flatnonzero(~model.TERMINAL)


@pytest.fixture(scope="module")
def transitions():
    return {behaviour: model.transitions(behaviour) for behaviour in Glucose}


@pytest.fixture(scope="module", params=["corrected", "original"])
def hidden(request):
    return make("sepsis-os-hidden", glucose=request.param)


# --------------------------------------------------------------------------- transitions


@pytest.mark.parametrize("behaviour", Glucose)
def test_rows_are_distributions(transitions, behaviour):
    assert transitions[behaviour].min() >= 0
    assert np.abs(transitions[behaviour].sum(axis=2) - 1).max() < 1e-12


def simulate(rng, n, state, action, original):
    """The published order of events with one uniform number a draw, for n copies of one patient."""
    diabetic, hr, bp, o2, glucose, abx_on, vaso_on, vent_on = (np.full(n, level) for level in state)
    abx, vent, vaso = action

    def chance(p):
        return rng.random(n) < p

    def drift(level, top, p):
        u = rng.random(n)
        return np.clip(level - (u < p) + ((u >= p) & (u < 2 * p)), 0, top)

    had_abx, had_vent, had_vaso = state[5], state[7], state[6]
    if abx:
        hr = np.where((hr == 2) & chance(0.5), 1, hr)
        bp = np.where((bp == 2) & chance(0.5), 1, bp)
    elif had_abx:
        hr = np.where((hr == 1) & chance(0.1), 2, hr)
        bp = np.where((bp == 1) & chance(0.1), 2, bp)
    if vent:
        o2 = np.where((o2 == 0) & chance(0.7), 1, o2)
    elif had_vent:
        o2 = np.where((o2 == 1) & chance(0.1), 0, o2)
    if vaso and not state[0]:
        bp = np.where(chance(0.7), np.minimum(bp + 1, 2), bp)
    elif vaso:
        u = rng.random(n)
        from_low = np.where(u < 0.5, 1, np.where(u < 0.9, 2, 0))
        from_normal = np.where(u < 0.9, 2, 1)
        bp = np.where(bp == 0, from_low, np.where(bp == 1, from_normal, bp))
        glucose = np.where(chance(0.5), np.minimum(glucose + 1, 4), glucose)
    elif had_vaso:
        bp = np.where(chance(0.05 if state[0] else 0.1), np.maximum(bp - 1, 0), bp)
    if not abx and not had_abx:
        hr = drift(hr, 2, 0.1)
        if not vaso and not had_vaso:
            bp = drift(bp, 2, 0.1)
    if not vent and not had_vent:
        o2 = drift(o2, 1, 0.1)
    if not vaso:
        if original and not state[0]:
            u = rng.random(n)
            glucose = np.where(
                u < 0.1, np.maximum(glucose - 1, 0), np.where(u < 0.2, np.minimum(glucose + 1, 1), glucose)
            )
        else:
            glucose = drift(glucose, 4, 0.3 if state[0] else 0.1)
    after = [diabetic, hr, bp, o2, glucose, abx_on * 0 + abx, vaso_on * 0 + vaso, vent_on * 0 + vent]
    return np.ravel_multi_index(after, model.SHAPE)


@pytest.mark.parametrize("behaviour", Glucose)
def test_transitions_agree_with_a_simulation_of_the_rules(transitions, behaviour):
    """Pearson's statistic of each (state, action) on the cells of 5 expected or more, the rest in one."""
    rng = np.random.default_rng(20190609)
    n, excess, degrees = 3_000, 0.0, 0
    for state, action in zip(rng.choice(LIVE, 150), rng.integers(0, 8, 150), strict=True):
        levels = np.unravel_index(state, model.SHAPE)
        given = tuple(ACTIONS[action].model_dump().values())
        after = simulate(rng, n, tuple(int(level) for level in levels), given, behaviour is Glucose.ORIGINAL)
        seen = np.bincount(after, minlength=model.N_STATES)
        expected = n * transitions[behaviour][state, action]
        assert seen[expected == 0].sum() == 0
        large = expected >= 5
        cells = np.append(expected[large], expected[~large].sum())
        counts = np.append(seen[large], seen[~large].sum())
        cells, counts = (cells[:-1], counts[:-1]) if cells[-1] < 5 else (cells, counts)
        freedom = len(cells) - 1
        statistic = ((counts - cells) ** 2 / cells).sum()
        assert statistic <= freedom + 6 * np.sqrt(2 * freedom) + 12
        excess, degrees = excess + statistic - freedom, degrees + freedom
    assert abs(excess) <= 5 * np.sqrt(2 * degrees)


def test_entries_and_optimum_are_those_that_tang_et_al_published(transitions):
    """Tang et al. (2022) made the matrix of sim-v2 in another way: github.com/MLD3/OfflineRL_FactoredActions, 0ddc4a2.

    sepsisSim/data-prep/0-compute-MDP-parameters.ipynb prints the corners of the matrix (its actions are in the same
    order), 1-ground-truth-policy.ipynb the optimum from a uniform start in either group; there rewards come one
    decision later.
    """
    P = transitions[Glucose.CORRECTED]
    assert P[:3, 0, 0] == pytest.approx([0.6561, 0.729, 0.729], abs=1e-12)
    assert P[:3, 1, 2] == pytest.approx([0.243, 0.27, 0.243], abs=1e-12)
    assert P[:3, 2, 1] == pytest.approx([0.2187, 0.2187, 0.243], abs=1e-12)
    assert P[-3:, 5, -2] == pytest.approx([0.4275, 0.4275, 0.4275], abs=1e-12)
    assert P[-3:, 6, -3] == pytest.approx([0.175, 0.16625, 0.16625], abs=1e-12)
    assert P[-3:, 7, -1] == pytest.approx([0.475, 0.475, 0.475], abs=1e-12)
    uniform_start = np.where(model.TERMINAL, 0.0, np.where(model.DIABETIC == 1, 0.2, 0.8)) / 303
    assert 0.99 * (uniform_start @ make("sepsis-os").optimum.V) == pytest.approx(0.6775418119368787, abs=1e-12)


def test_the_two_behaviours_of_glucose_differ_where_the_bug_is(transitions):
    differ = np.any(transitions[Glucose.CORRECTED] != transitions[Glucose.ORIGINAL], axis=2)
    at_risk = (model.DIABETIC == 0) & (model.GLUCOSE > 0)
    assert np.array_equal(differ, at_risk[:, None] & (model.GIVE_VASOPRESSOR == 0))
    # with the bug nothing rises but from the lowest level
    by_glucose = transitions[Glucose.ORIGINAL].reshape(model.N_STATES, 8, 36, 5, 8).sum(axis=(2, 4))
    rises = (by_glucose > 0) & (np.arange(5) > model.GLUCOSE[:, None, None])
    assert not rises[at_risk].any()


# --------------------------------------------------------------------------- states and start


def test_states_and_their_ends_are_the_published_ones():
    assert (model.DEAD.sum(), model.DISCHARGED.sum(), len(LIVE)) == (832, 2, 606)
    assert list(np.flatnonzero(model.DISCHARGED)) == [376, 720 + 376]  # printed by Tang et al.
    assert [a.model_dump() for a in ACTIONS[4:6]] == [
        {"antibiotics": 1, "ventilation": 0, "vasopressor": 0},
        {"antibiotics": 1, "ventilation": 0, "vasopressor": 1},
    ]


def test_the_first_state_is_drawn_until_it_is_no_end():
    glucose = [[0.05, 0.15, 0.6, 0.15, 0.05], [0.01, 0.05, 0.15, 0.6, 0.19]]
    draws = {}
    for d, hr, bp, o2, g in product(range(2), range(3), range(3), range(2), range(5)):
        p = [0.8, 0.2][d] * [0.25, 0.5, 0.25][hr] * [0.25, 0.5, 0.25][bp] * [0.2, 0.8][o2] * glucose[d][g]
        if (hr != 1) + (bp != 1) + (o2 != 1) + (g != 2) in (1, 2):
            draws[np.ravel_multi_index((d, hr, bp, o2, g, 0, 0, 0), model.SHAPE)] = p
    start = model.start()
    assert start[model.TERMINAL].sum() == 0
    assert set(np.flatnonzero(start)) == set(draws)
    assert len(draws) == 74  # printed by Tang et al.
    kept = sum(draws.values())
    assert all(start[state] == pytest.approx(p / kept, abs=1e-15) for state, p in draws.items())
    diabetic = sum(p for state, p in draws.items() if state >= 720)
    assert start[model.DIABETIC == 1].sum() == pytest.approx(diabetic / kept, abs=1e-15)
    assert start[model.DIABETIC == 1].sum() == pytest.approx(0.1897, abs=5e-5)  # 0.2 before rejection


# --------------------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("name", "corrected", "original"),
    [
        ("optimal", 0.7437, 0.4756),
        ("achievable", 0.7131, 0.4429),
        ("until well", 0.3193, 0.0579),
        ("everything", -0.1273, -0.1273),
        ("by sign", -0.1786, -0.3813),
        ("nothing", -0.7366, -0.7847),
        ("random", -0.7668, -0.8096),
        ("worst", -0.9686, -0.9688),
    ],
)
def test_values_are_those_of_the_documentation(name, corrected, original):
    for behaviour, expected in (("corrected", corrected), ("original", original)):
        env = make("sepsis-os-hidden", glucose=behaviour)
        table = uniform(env.mdp.legal)
        if name != "random":
            actions = {
                "optimal": env.optimum.actions,
                "worst": solve(env.mdp, worst=True).actions,
                "achievable": env.achievable.actions,
                "until well": policies.until_well(),
                "everything": policies.everything(),
                "by sign": policies.by_sign(),
                "nothing": policies.nothing(),
            }[name]
            table = deterministic(env.mdp, actions)
        assert round(evaluate(env.mdp, table).J, 4) == expected


def test_the_optimum_bounds_what_is_achievable_from_above(hidden):
    optimum, found = hidden.optimum, hidden.achievable
    alike = found.actions[LIVE][: len(LIVE) // 2]
    assert np.array_equal(alike, found.actions[LIVE][len(LIVE) // 2 :])
    assert optimum.J > found.J > evaluate(hidden.mdp, uniform(hidden.mdp.legal)).J
    assert np.all(optimum.V >= found.V - 1e-9)
    for half in (LIVE[: len(LIVE) // 2], LIVE[len(LIVE) // 2 :]):  # blind to diabetes, but right about one of the two
        guess = optimum.actions.copy()
        guess[LIVE] = np.tile(optimum.actions[half], 2)
        assert evaluate(hidden.mdp, deterministic(hidden.mdp, guess)).J < found.J


@pytest.mark.parametrize(("behaviour", "kept"), [("corrected", 0.0318), ("original", 0.4192)])
def test_the_optimum_keeps_some_patients_for_ever(behaviour, kept):
    env = make("sepsis-os", glucose=behaviour)
    P, _ = system(env.mdp, deterministic(env.mdp, env.optimum.actions))
    alive = env.mdp.start[LIVE]
    for _ in range(3_000):
        alive = alive @ P
    assert alive.sum() == pytest.approx(kept, abs=5e-5)


def test_a_cut_after_20_decisions_is_another_task_and_after_1000_the_same():
    mdp = make("sepsis-os").mdp
    assert mdp.start @ backward_induction(mdp, 20)[0][0] == pytest.approx(0.5357, abs=5e-5)
    assert 2 * mdp.discount**HORIZON < 1e-4
    assert mdp.start @ backward_induction(mdp, HORIZON)[0][0] == pytest.approx(make("sepsis-os").optimum.J, abs=1e-4)


# --------------------------------------------------------------------------- playing


@pytest.mark.parametrize("env_id", ["sepsis-os", "sepsis-os-hidden"])
async def test_episodes_end_in_death_or_discharge(env_id):
    env = make(env_id)
    scores = set()
    for episode in range(30):
        events = []
        end = await play(env, make_agent("random", env), episode=episode, seed=100_000 + episode, tell=events.append)
        outcome = events[-2].observation["outcome"]
        reward = {"died": -1.0, "discharged": 1.0}[outcome]
        assert end.status == "terminated"
        assert [step.reward for step in events[1:-1]] == [0.0] * (end.steps - 1) + [reward]
        assert end.episode_return == pytest.approx(reward * 0.99 ** (end.steps - 1))
        assert all(step.regret >= 0 for step in events[1:-1])
        assert {step.regret_kind for step in events[1:-1]} == {env.reference_kind}
        scores.add((outcome, end.grade.score))
    assert scores == {("died", 0.0), ("discharged", 1.0)}


def test_what_the_references_are_is_said(hidden):
    assert make("sepsis-os").reference.kind is ReferenceKind.EXACT
    assert make("sepsis-os").achievable_reference is None
    hidden.reset(100_000)
    informed, achievable = hidden.reference, hidden.achievable_reference
    assert (informed.kind, achievable.kind) == (ReferenceKind.INFORMED, ReferenceKind.ACHIEVABLE)
    assert informed.value() >= achievable.value()
    assert max(informed.action_value(a) for a in ACTIONS) == pytest.approx(informed.value())
    chosen = ACTIONS[hidden.achievable.actions[hidden.reset(100_000).state]]
    assert achievable.action_value(chosen) == pytest.approx(achievable.value())


@pytest.mark.parametrize(("env_id", "observations"), [("sepsis-os", 1440), ("sepsis-os-hidden", 720)])
def test_they_are_gymnasium_environments(env_id, observations):
    import gymnasium

    import harness.envs.gymnasium  # noqa: F401 - registers

    env = gymnasium.make(f"harness/{env_id}-v1")
    check_env(env.unwrapped, skip_render_check=True)
    assert env.observation_space.n == observations
    seen = [env.reset(seed=100_000 + i)[0] for i in range(60)]
    states = [make(env_id).reset(100_000 + i).state for i in range(60)]
    assert seen == [state % observations for state in states]
    assert max(states) >= 720


@pytest.mark.parametrize("env_id", ["sepsis-os", "sepsis-os-hidden"])
def test_an_unknown_behaviour_is_named(env_id):
    with pytest.raises(
        UsageError, match=r"^'fixed' is no behaviour of glucose; expected one of: corrected, original.$"
    ):
        make(env_id, glucose="fixed")


# --------------------------------------------------------------------------- what is shown


def rendered(env, state):
    prompt = load(env.spec.id, "direct")
    observation = env.observe(state)
    fields = {name: getattr(observation, name) for name in type(observation).model_fields}
    return prompt.observation_message({"env": env.spec, "reply": ""}, fields).content


def test_prompts_show_everything_but_what_is_hidden():
    known, unknown = make("sepsis-os"), make("sepsis-os-hidden")
    assert len({rendered(known, state) for state in LIVE}) == 606
    hidden_texts = {state: rendered(unknown, state) for state in LIVE}
    assert len(set(hidden_texts.values())) == 303
    assert all(hidden_texts[state] == hidden_texts[state + 720] for state in LIVE if state < 720)
    assert not any("diabet" in text for text in hidden_texts.values())
    assert rendered(known, 376 + 1 + 720 - 8) == (
        "Heart rate normal, systolic blood pressure normal, oxygen saturation normal, glucose low.\n"
        "Antibiotics not running, ventilation running, vasopressor not running.\n"
        "The patient has diabetes."
    )


def test_hidden_observations_hold_nothing_of_diabetes_but_the_index():
    env = make("sepsis-os-hidden")
    for state in LIVE[LIVE < 720]:
        one, other = (env.observe(s).model_dump(exclude={"state"}) for s in (state, state + 720))
        assert one == other
    assert np.array_equal(env.seen, SEEN)


@pytest.mark.parametrize("env_id", ["sepsis-os", "sepsis-os-hidden"])
def test_the_static_part_says_how_to_answer_and_that_is_understood(env_id):
    env = make(env_id)
    for form in (ReplyFormat.JSON, ReplyFormat.SHORT):
        contract = ReplyContract(SepsisOSAction, form)
        system = load(env_id, "direct").system_message({"env": env.spec, "reply": contract.instruction()}).content
        assert "discharged as soon as" in system
        assert ("not known" in system) == (env_id == "sepsis-os-hidden")
        assert system.endswith("}")
    contract = ReplyContract(SepsisOSAction, ReplyFormat.JSON)
    for action in ACTIONS:
        abx, vent, vaso = action.model_dump().values()
        for reply in (
            action.model_dump_json(),
            f'{{"abx":{abx},"vent":{vent},"vaso":{vaso}}}',
            f"Antibiotics: {abx}, ventilation: {vent}, vasopressor: {vaso}.",
        ):
            assert contract.parse(reply).action == action
    assert contract.parse('{"antibiotics":2,"ventilation":0,"vasopressor":0}').action is None
