"""Stand-ins: the published marginals, nothing left to chance but the seed, and a truth that can be learnt."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UsageError
from harness.data.catalogue import SCHEMAS
from harness.data.source import STAND_IN_PATIENTS
from harness.data.stand_ins import hiv
from harness.data.stand_ins.catalogue import process
from harness.data.stand_ins.marginals import LogNormal, Normal, Ordered, Quantiles, ordered_probit
from harness.data.stand_ins.process import Situation
from harness.data.stand_ins.simulate import simulate
from harness.data.stand_ins.truth import true_value

NAMES = tuple(SCHEMAS)
PATIENTS = 2_000

MEAN_TOLERANCE = 0.08
"""Of a mean and of quantiles, in standard deviations of the column, or of its score. Some scores hardly change within a
patient, so 2,000 patients estimate them to 0.022."""
SD_TOLERANCE = 0.12
"""Of a standard deviation, relative."""
SHARE_TOLERANCE = 0.025


@lru_cache(maxsize=3)
def cohort(name):
    return simulate(process(name), PATIENTS, 3)


def constant(action):
    return lambda situation: np.full(len(situation.previous), action)


# --------------------------------------------------------------------------- marginals


@pytest.mark.parametrize("name", NAMES)
def test_the_marginals_are_the_published_ones(name):
    made, found = process(name), cohort(name)
    marginals = {column.name: column.marginal for column in made.observed}
    compared = 0
    for column in made.schema.columns:
        published, values = column.published, found.columns[column.name]
        if published is None:
            continue
        marginal = marginals.get(column.name)
        if published.shares is not None:
            shares = [(values == float(category.code)).mean() for category in column.categories]
            assert shares == pytest.approx(published.shares, abs=SHARE_TOLERANCE), column.name
        elif published.q1 is not None:
            scores = marginal.score(np.quantile(values, (0.25, 0.5, 0.75)))
            expected = marginal.score(np.array([published.q1, published.median, published.q3]))
            assert scores == pytest.approx(expected, abs=MEAN_TOLERANCE), column.name
            assert values.mean() == pytest.approx(published.mean, rel=0.15), column.name
            assert values.min() >= published.minimum
            assert values.max() <= published.maximum
        else:
            assert values.std() == pytest.approx(published.sd or values.std(), rel=SD_TOLERANCE), column.name
            if published.mean is not None:
                assert values.mean() == pytest.approx(published.mean, abs=MEAN_TOLERANCE * values.std()), column.name
        if published.median is not None and published.q1 is None:
            assert np.median(values) == pytest.approx(published.median, rel=0.08), column.name
        compared += 1
    assert compared >= 12


def test_the_mode_of_the_arterial_pressure_is_the_published_one():
    counts, edges = np.histogram(cohort("hypotension").columns["MAP"], bins=np.arange(30, 120, 3))
    middle = (edges[counts.argmax()] + edges[counts.argmax() + 1]) / 2
    assert middle == pytest.approx(65.5, abs=3)


@pytest.mark.parametrize("name", NAMES)
def test_usual_care_leaves_the_marginals_as_they_are_from_the_first_step_to_the_last(name):
    made, found = process(name), cohort(name)
    for column in made.observed[: {"hypotension": 9, "sepsis": 30, "hiv": 3}[name]]:
        values = column.marginal.score(found.columns[column.name].reshape(PATIENTS, made.steps))
        assert values[:, 0].mean() == pytest.approx(values[:, -1].mean(), abs=0.15), column.name
        assert values[:, -1].std() == pytest.approx(1, abs=0.1), column.name


def test_the_mean_codes_of_the_regimens_are_the_published_ones():
    made = process("hiv")
    for column in ("Base Drug Combo", "Comp. INI", "Comp. NNRTI", "Extra PI"):
        assert cohort("hiv").columns[column].mean() == pytest.approx(
            made.schema.column(column).published.mean, abs=0.07
        )


@given(score=st.floats(-3, 3))
def test_a_score_is_found_again_from_its_value(score):
    for marginal in (
        Normal(81, 9.3),
        LogNormal.of_mean(126, 84),
        LogNormal.of_mode(65.5, 9.1),
        Quantiles.of(SCHEMAS["hiv"].column("VL").published),
    ):
        value = marginal.value(np.array([score]))
        assert marginal.score(value) == pytest.approx([score], abs=1e-6)


def test_log_normals_have_the_moments_asked_for():
    rng = np.random.default_rng(0)
    values = LogNormal.of_mean(126, 84).value(rng.standard_normal(400_000))
    assert values.mean() == pytest.approx(126, rel=0.01)
    assert values.std() == pytest.approx(84, rel=0.02)
    assert np.median(values) == pytest.approx(105, rel=0.01)  # also published, and not asked for


def test_codes_have_the_shares_asked_for():
    values = Ordered((3.0, 4.0, 9.0), (0.2, 0.0, 0.8)).value(np.random.default_rng(0).standard_normal(100_000))
    assert [(values == code).mean() for code in (3, 4, 9)] == pytest.approx([0.2, 0.0, 0.8], abs=0.005)


@given(slope=st.floats(0, 3), shares=st.lists(st.floats(0.01, 1), min_size=2, max_size=5))
def test_an_ordered_probit_has_the_shares_on_average(slope, shares):
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    found = ordered_probit(nodes, shares, slope)
    assert found.sum(axis=1) == pytest.approx(np.ones(len(nodes)))
    assert weights @ found / weights.sum() == pytest.approx(np.array(shares) / sum(shares), abs=2e-3)


# --------------------------------------------------------------------------- trajectories


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_says_it_all(name):
    made = process(name)
    first, again, other = (simulate(made, 30, seed) for seed in (5, 5, 6))
    assert all(np.array_equal(first.columns[c], again.columns[c]) for c in first.columns)
    assert np.array_equal(first.actions, again.actions)
    changing = made.observed[0].name
    assert not np.array_equal(first.columns[changing], other.columns[changing])


@pytest.mark.parametrize("name", NAMES)
def test_two_policies_meet_the_same_patients(name):
    made = process(name)
    one, other = (simulate(made, 20, 1, constant(a)) for a in (0, 3))
    for column in made.observed:
        by_step = [c.columns[column.name].reshape(20, made.steps) for c in (one, other)]
        assert np.array_equal(by_step[0][:, 0], by_step[1][:, 0])


@pytest.mark.parametrize(("name", "column"), [("hypotension", "MAP"), ("sepsis", "Lactate"), ("hiv", "CD4")])
def test_values_of_a_patient_resemble_the_ones_before(name, column):
    made = process(name)
    values = np.log(cohort(name).columns[column].reshape(PATIENTS, made.steps))
    following = np.corrcoef(values[:, :-1].ravel(), values[:, 1:].ravel())[0, 1]
    later = np.corrcoef(values[:, :-8].ravel(), values[:, 8:].ravel())[0, 1]
    assert 0.5 < following < 0.98
    assert later < following


def test_pressures_are_in_their_order():
    for name, (low, mean, high) in {
        "hypotension": ("diastolic_bp", "MAP", "systolic_bp"),
        "sepsis": ("DiaBP", "MeanBP", "SysBP"),
    }.items():
        columns = cohort(name).columns
        assert (columns[low] < columns[mean]).all()
        assert (columns[mean] < columns[high]).all()


def test_totals_are_sums():
    steps = process("sepsis").steps
    columns = {name: column.reshape(PATIENTS, steps) for name, column in cohort("sepsis").columns.items()}
    assert np.diff(columns["InputTotal"], axis=1) == pytest.approx(columns["Input4H"][:, :-1], abs=0.011)
    assert np.diff(columns["OutputTotal"], axis=1) == pytest.approx(columns["Output4H"][:, 1:], abs=0.011)


@pytest.mark.parametrize("name", NAMES)
def test_the_action_is_found_again_from_the_columns(name):
    assert np.array_equal(process(name).numbered(cohort(name).columns), cohort(name).actions.ravel())


def test_a_treatment_that_is_no_action_has_no_number():
    columns = {name: np.array([0, 0]) for name in ("Base Drug Combo", *hiv.THIRD_COLUMNS)}
    columns["Comp. NNRTI"] = np.array([0, 3])  # two third agents; then one
    columns["Extra PI"] = np.array([5, 5])
    assert hiv.numbered(columns).tolist() == [-1, 0]


def test_what_never_changes_does_not():
    for name, column in (("sepsis", "Age"), ("sepsis", "Gender"), ("hiv", "Ethnic")):
        values = cohort(name).columns[column].reshape(PATIENTS, -1)
        assert (values == values[:, :1]).all()


def test_patients_are_numbered_as_those_of_a_stand_in():
    assert cohort("hiv").columns["PatientID"].min() == STAND_IN_PATIENTS


# --------------------------------------------------------------------------- policies


@pytest.mark.parametrize("name", NAMES)
def test_the_probabilities_of_usual_care_are_known_and_leave_no_action_out(name):
    made = process(name)
    seen = []

    def usual(situation):
        seen.append(made.usual(situation))
        return seen[-1]

    found = simulate(made, 200, 2, usual)
    chances = np.stack(seen, axis=1)
    assert chances.sum(axis=2) == pytest.approx(np.ones(chances.shape[:2]))
    assert (chances > 0).all()
    taken = np.take_along_axis(chances, found.actions[:, :, None], axis=2)[:, :, 0]
    assert np.array_equal(taken, found.probabilities)
    counts = np.bincount(found.actions.ravel(), minlength=made.n_actions)
    expected = chances.sum(axis=(0, 1))
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected.max())


def test_importance_weighting_by_the_known_probabilities_finds_the_truth():
    """The mean arterial pressure of hour 1, had half of the patients got vasopressors in hour 0."""
    made = process("hypotension")
    treated = np.zeros(16)
    treated[[0, 1]] = 0.5

    def tried(situation: Situation):
        return np.tile(treated, (len(situation.previous), 1)) if situation.step == 0 else made.usual(situation)

    n = 20_000
    short = replace(made, schema=made.schema.model_copy(update={"steps": 2}))
    logged, truth = simulate(short, n, 11), simulate(short, n, 12, tried)
    after = logged.columns["MAP"].reshape(n, 2)[:, 1]
    weights = treated[logged.actions[:, 0]] / logged.probabilities[:, 0]
    assert weights.mean() == pytest.approx(1, abs=4 * weights.std() / np.sqrt(n))
    estimate = (weights * after).sum() / weights.sum()
    error = np.sqrt(((weights * (after - estimate)) ** 2).sum()) / weights.sum()
    true = truth.columns["MAP"].reshape(n, 2)[:, 1]
    assert abs(estimate - true.mean()) < 4 * np.hypot(error, true.std() / np.sqrt(n))


@pytest.mark.parametrize(("name", "reward"), [("hypotension", "MAP"), ("sepsis", "MeanBP")])
def test_whole_trajectories_are_weighted_to_the_truth_of_a_policy_near_usual_care(name, reward):
    made, n = process(name), PATIENTS

    def tried(situation):
        """Usual care as if the pressure were 1 mmHg lower: everybody is treated a little more."""
        columns = {**situation.columns, reward: situation.columns[reward] - 1}
        return made.usual(replace(situation, columns=columns))

    logged = cohort(name)
    by_step = {column: values.reshape(n, made.steps) for column, values in logged.columns.items()}
    log = np.zeros(n)
    for step in range(made.steps - 1):
        previous = logged.actions[:, step - 1] if step else np.full(n, -1)
        situation = Situation({c: values[:, step] for c, values in by_step.items()}, previous, step)
        chance = tried(situation)[np.arange(n), logged.actions[:, step]]
        log += np.log(chance) - np.log(logged.probabilities[:, step])
    weights = np.exp(log)
    assert weights.mean() == pytest.approx(1, abs=4 * weights.std() / np.sqrt(n))
    effective = weights.sum() ** 2 / (weights**2).sum()
    assert effective > 100
    returns = by_step[reward].mean(axis=1)
    estimate = (weights * returns).sum() / weights.sum()
    error = np.sqrt(((weights * (returns - estimate)) ** 2).sum()) / weights.sum()
    true = simulate(made, n, 99, tried).columns[reward].reshape(n, made.steps).mean(axis=1)
    assert abs(estimate - true.mean()) < 4 * np.hypot(error, true.std() / np.sqrt(n))


def pressure_reward(now, then):
    return np.interp(then["MAP"], [40, 55, 60, 65], [-1, -0.15, -0.05, 0])


def perfusion_reward(now, then):
    return np.interp(then["MeanBP"], [45, 65], [-1, 0]) - 0.3 * np.maximum(then["Lactate"] - 2, 0)


def viral_reward(now, then):
    return np.where(then["VL"] >= 40, -0.7 * np.log(then["VL"]), 5) + 0.6 * np.log(then["CD4"])


POTENT = int(np.argmax((hiv.BASE_POTENCY[:, None] + hiv.THIRD_POTENCY).reshape(-1)))
LEARNABLE = {
    "hypotension": (pressure_reward, lambda s: np.where(s.columns["MAP"] < 65, 15, 0), constant(15), constant(0)),
    "sepsis": (perfusion_reward, lambda s: np.where(s.columns["MeanBP"] < 75, 24, 0), constant(24), constant(0)),
    "hiv": (viral_reward, constant(POTENT), constant(95 - POTENT), None),
}


@pytest.mark.parametrize("name", NAMES)
def test_treatment_by_need_is_better_than_usual_care_and_than_always_or_never(name):
    reward, good, *others = LEARNABLE[name]
    made = process(name)
    best = true_value(made, good, reward, n=400, seed=100_000)
    for policy in (None, *others):
        other = true_value(made, policy, reward, n=400, seed=100_000)
        gain = best.returns - other.returns
        assert gain.mean() > 5 * gain.std() / np.sqrt(len(gain))


def test_a_true_value_is_found_to_the_precision_asked_for():
    made = process("hypotension")
    few, many = (true_value(made, constant(2), pressure_reward, n=n, seed=100_000) for n in (100, 2_500))
    assert many.standard_error < few.standard_error / 2
    assert many.n == len(many.returns) == 2_500
    halved = true_value(made, constant(2), pressure_reward, n=100, seed=100_000, discount=0.5)
    assert halved.mean > few.mean  # returns are losses


@pytest.mark.parametrize(
    "policy",
    [
        constant(16),
        constant(-1),
        lambda s: np.zeros((len(s.previous), 16)),
        lambda s: np.ones((len(s.previous), 4)) / 4,
        lambda s: np.full((len(s.previous), 16), np.nan),
    ],
)
def test_what_is_no_policy_is_refused(policy):
    with pytest.raises(UsageError, match="The policy"):
        simulate(process("hypotension"), 5, 0, policy)


def test_no_patients_are_refused():
    with pytest.raises(UsageError, match="at least 1"):
        simulate(process("hiv"), 0, 0)
