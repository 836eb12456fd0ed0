"""A simulated truth is found by the pipeline, and its intervals hold it as often as they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.coverage import Truth, coverage
from ml_models.estimators import DistantMetastasisRisk, Replicates
from ml_models.measures import harrell_c
from ml_models.partial_likelihood import RiskSets, baseline_hazard, fit
from ml_models.posterior import draw

GENES = 15
CORRELATION = 0.3 + 0.7 * np.eye(GENES)
COHORTS = 24


def planted(seed, spread=0.9):
    return Truth.planted(CORRELATION, 1.0, spread, np.random.default_rng(seed))


def sampled(truth, patients, seed):
    random = np.random.default_rng(seed)
    values = truth.values(patients, random)
    return values, truth.outcomes(values, random)


def test_the_intervals_hold_the_true_risk_93_to_97_times_in_100():
    """benchmarks/coverage.py is the large version; 24 cohorts are wrong by about 1 %, hence the margin."""
    held = np.array([coverage(planted(seed), 150, seed)[0].mean(axis=0) for seed in range(COHORTS)])
    assert 0.93 - 0.02 < held[:, 4].mean() < 0.97 + 0.02
    assert 0.93 - 0.02 < held[:, 9].mean() < 0.97 + 0.02


def test_a_planted_signal_is_found_by_the_whole_pipeline():
    truth = planted(1, spread=1.2)
    values, outcomes = sampled(truth, 600, 2)
    unknown = np.full(600, np.nan)
    model = DistantMetastasisRisk(replicates=10).fit(values, unknown, outcomes.structured)
    new, after = sampled(truth, 600, 3)
    log_hazard, risk = model.predict(new, unknown)
    assert np.corrcoef(log_hazard, np.log(truth.hazard(new)))[0, 1] > 0.9
    assert np.abs(risk - truth.risk(new)).mean() < 0.06
    everyone = np.ones((1, 600))
    best = harrell_c(truth.hazard(new), after, everyone)[0]
    assert harrell_c(log_hazard, after, everyone)[0] > best - 0.03


def test_twice_the_patients_give_narrower_intervals():
    few, many = (coverage(planted(4), patients, 4)[1][:, 4] for patients in (150, 600))
    assert np.median(many) < 0.7 * np.median(few)


def test_with_many_patients_the_draws_lie_around_the_unpenalised_fit_as_its_information_says():
    """Bernstein and von Mises: then the prior no longer matters, and Cox's own errors are right."""
    values, outcomes = sampled(planted(5), 4000, 6)
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    sets = RiskSets.of(values, outcomes.event, outcomes.time)
    coef = fit(sets, 0.0)
    draws = draw(sets, 2000, 0)
    error = draws.coef.std(axis=0)
    assert np.abs((draws.coef.mean(axis=0) - coef) / error).max() < 0.3
    refits = np.array(
        [fit(RiskSets.of(values[i], outcomes.event[i], outcomes.time[i]), 0.0) for i in halves(4000)]
    )
    np.testing.assert_allclose(refits.std(axis=0) / np.sqrt(2), error, rtol=0.45)
    breslow = baseline_hazard(sets, sets.X @ coef)[-1]
    assert np.median(draws.jumps.sum(axis=1)) == pytest.approx(breslow, rel=0.1)


def halves(patients):
    random = np.random.default_rng(1)
    return [random.permutation(patients)[: patients // 2] for _ in range(40)]


def test_the_same_seed_gives_the_same_draws_and_another_seed_others():
    values, outcomes = sampled(planted(7), 100, 8)
    first, again, other = (Replicates(20, seed).fit(values, outcomes.structured) for seed in (1, 1, 2))
    assert first.coef_.tobytes() == again.coef_.tobytes()
    assert not np.array_equal(first.coef_, other.coef_)


def test_the_answer_does_not_depend_on_the_order_of_the_genes():
    values, outcomes = sampled(planted(9), 120, 10)
    order, unknown = np.random.default_rng(0).permutation(GENES), np.full(120, np.nan)
    scores, shuffled = (
        DistantMetastasisRisk(replicates=400).fit(table, unknown, outcomes.structured).score(table, unknown)
        for table in (values, values[:, order])
    )
    np.testing.assert_allclose(shuffled.risk, scores.risk, atol=1e-6)
    np.testing.assert_allclose(shuffled.contributions[:, :-1], scores.contributions[:, order], atol=1e-6)
    # The draws are others, so the intervals agree only as well as 400 draws can.
    np.testing.assert_allclose(shuffled.upper, scores.upper, atol=0.12)


def test_whatever_the_values_the_risk_is_a_probability_that_never_falls(release):
    genes, means, sds = len(release.manifest.genes), release.manifest.means, release.manifest.sds

    @settings(max_examples=60, deadline=None, database=None)
    @given(
        st.lists(st.one_of(st.none(), st.floats(-6, 6)), min_size=genes, max_size=genes), st.integers(18, 110)
    )
    def holds(z, age):
        row = np.array([[np.nan if value is None else value for value in z]]) * sds + means
        scores = release.portable.score(row, np.array([float(age)]))
        for curve in (scores.lower, scores.risk, scores.upper):
            assert ((curve >= 0) & (curve <= 1)).all()
            assert (np.diff(curve, axis=1) >= 0).all()
        assert scores.contributions.sum() == pytest.approx(scores.log_hazard[0], abs=1e-9)

    holds()
