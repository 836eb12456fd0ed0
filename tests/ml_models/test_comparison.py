"""The estimators of the comparison learn what can be learned and say what can be said."""

from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from ml_models import comparison
from ml_models.challengers import CHALLENGERS, Patients, normal_scores
from ml_models.estimators import DAYS_A_YEAR
from ml_models.measures import Outcomes, harrell_c

NEVER_RISING = {"logistic"}  # each year is a model of its own


@pytest.fixture(scope="module")
def planted():
    """120 patients whose hazard six of 20 genes drive, and 100 more to try on; age has nothing to say."""
    random = np.random.default_rng(4)
    values = random.normal(8, 1, (220, 20))
    hazard = 0.05 * np.exp(0.8 * (values[:, :6] - 8).sum(axis=1))
    event_time, censoring = random.exponential(1 / hazard), random.uniform(6, 14, 220)
    outcomes = Outcomes(event_time <= censoring, np.minimum(event_time, censoring) * DAYS_A_YEAR)
    signs = np.where(np.arange(20) < 6, 1.0, -1.0)
    patients = Patients(values, random.uniform(30, 60, 220), outcomes, values[:, 7] > 8, signs)
    known = np.arange(220) < 120
    return patients.of(known), patients.of(~known)


@pytest.fixture(scope="module", params=list(CHALLENGERS))
def fitted(request, planted):
    with threadpool_limits(1):
        return request.param, CHALLENGERS[request.param][1]().fit(planted[0], 0)


def test_a_planted_signal_is_found_and_age_finds_nothing(fitted, planted):
    name, challenger = fitted
    unseen = planted[1]
    log_hazard, _ = challenger.predict(unseen.values, unseen.age)
    concordance = harrell_c(log_hazard, unseen.outcomes, np.ones((1, 100)))[0]
    assert concordance < 0.6 if name == "age alone" else concordance > 0.62


def test_every_risk_is_a_probability_that_never_falls_with_time(fitted, planted):
    name, challenger = fitted
    _, risk = challenger.predict(planted[1].values, planted[1].age)
    assert risk.shape == (100, 10)
    assert ((risk >= 0) & (risk <= 1)).all()
    assert (np.diff(risk, axis=1) >= 0).all() or name in NEVER_RISING


def test_what_is_said_of_one_does_not_depend_on_the_others(fitted, planted):
    _, challenger = fitted
    values, age = planted[1].values, planted[1].age
    together, alone = challenger.predict(values, age), challenger.predict(values[:1], age[:1])
    np.testing.assert_allclose(together[1][:1], alone[1], rtol=1e-9)


def test_normal_scores_are_blind_to_the_scale():
    values = np.random.default_rng(1).normal(8, 2, (5, 69))
    np.testing.assert_array_equal(normal_scores(values), normal_scores(2**values))
    assert abs(normal_scores(values).sum(axis=1)).max() < 1e-9


def test_no_estimator_is_told_the_outcome_of_whom_it_predicts(transbig, monkeypatch):
    """With shuffled outcomes there is nothing to find; a leak would find something."""
    order = np.random.default_rng(0).permutation(198)
    shuffled = replace(transbig, outcomes=transbig.outcomes.of(order))
    few = ("ridge", "receptor-aware ridge on ranks", "published signs")
    monkeypatch.setattr(comparison, "BOOTSTRAPS", 50)
    monkeypatch.setattr(comparison, "CHALLENGERS", {name: CHALLENGERS[name] for name in few})
    told: list[str] = []
    compared = comparison.compare(shuffled, 1, told.append, repeats=1)
    assert told == list(few)
    for candidate in compared.candidates:
        assert candidate.figures.auc_5y.value < 0.6, candidate.name
        assert candidate.figures.brier_gain_5y.value < 0.03, candidate.name
    assert compared.candidates[0].brier_gain_difference_5y.value == 0
