import numpy as np
import pytest
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_array
from sksurv.linear_model import CoxPHSurvivalAnalysis

from ml_models import partial_likelihood
from ml_models.estimators import ConditionalMeanImputer, RidgeCox, outcome
from ml_models.partial_likelihood import NotConvergedError


def survival(event, time):
    y = np.empty(len(time), dtype=[("event", bool), ("time", float)])
    y["event"], y["time"] = event, time
    return y


class CoxOnPlainNumbers(RidgeCox):
    """RidgeCox for scikit-learn's own checks, whose y is a column of numbers: everyone has an event."""

    def fit(self, X, y):
        times = check_array(y, ensure_2d=False, dtype=float, input_name="y").ravel()
        return super().fit(X, survival(np.ones(len(times), bool), times - times.min() + 1))


@pytest.mark.parametrize("alpha", [1.0, 50.0, 1000.0])
def test_ridge_cox_finds_the_coefficients_of_scikit_survival(transbig, alpha):
    X = (transbig.values - transbig.values.mean(0)) / transbig.values.std(0)
    y = transbig.outcomes.structured
    peer = CoxPHSurvivalAnalysis(alpha=alpha, ties="breslow", tol=1e-12).fit(X, y)
    ours = RidgeCox(alpha=alpha).fit(X, y)
    np.testing.assert_allclose(ours.coef_, peer.coef_, atol=1e-9)
    at_5_years = peer.cum_baseline_hazard_(5 * 365.25) * np.exp(X.mean(0) @ peer.coef_)
    assert ours.baseline_at(np.array([5 * 365.25])) == pytest.approx(at_5_years, rel=1e-9)


def test_ridge_cox_agrees_with_scikit_survival_when_many_times_are_tied(transbig):
    X, outcomes = transbig.values[:, :5] - 8, transbig.outcomes
    y = survival(outcomes.event, np.ceil(outcomes.time / 365.25))
    peer = CoxPHSurvivalAnalysis(alpha=3.0, ties="breslow", tol=1e-12).fit(X, y)
    np.testing.assert_allclose(RidgeCox(alpha=3.0).fit(X, y).coef_, peer.coef_, atol=1e-9)


def test_a_slope_multiplies_the_coefficients_and_keeps_the_expected_events(transbig):
    X, y = transbig.values, transbig.outcomes.structured
    whole, half = RidgeCox(alpha=200.0).fit(X, y), RidgeCox(alpha=200.0, slope=0.5).fit(X, y)
    np.testing.assert_allclose(half.coef_, whole.coef_ / 2)
    # Breslow's baseline makes expected events equal observed ones whatever the coefficients.
    expected = half.baseline_at(y["time"]) * np.exp(half.predict(X))
    assert expected.sum() == pytest.approx(51)


EXCEPTIONS = {"check_estimators_pickle": "it is given NaN to fit, which we only transform"}


@pytest.mark.parametrize(
    ("estimator", "exceptions"),
    [(CoxOnPlainNumbers(), {}), (ConditionalMeanImputer(), EXCEPTIONS)],
    ids=["cox", "imputer"],
)
def test_the_estimators_keep_the_contract_of_scikit_learn(estimator, exceptions):
    check_estimator(estimator, expected_failed_checks=exceptions, on_skip=None, on_fail="raise")


@pytest.mark.parametrize(
    "y",
    [
        np.array([1.0, 2.0]),
        survival([True], [1.0]),
        survival([False, False], [1.0, 2.0]),
        survival([True, False], [-1.0, 2.0]),
        survival([True, False], [np.nan, 2.0]),
        np.array([(1, 1.0), (0, 2.0)], dtype=[("event", int), ("time", float)]),
    ],
)
def test_an_outcome_that_is_not_one_is_refused(y):
    with pytest.raises(ValueError):  # noqa: PT011 - each says something else
        outcome(y, 2)


def test_a_negative_penalty_is_refused(transbig):
    with pytest.raises(ValueError, match="alpha"):
        RidgeCox(alpha=-1.0).fit(transbig.values, transbig.outcomes.structured)


def test_a_fit_that_does_not_converge_is_an_error_and_not_a_number(transbig, monkeypatch):
    monkeypatch.setattr(partial_likelihood, "MAXIMUM_STEPS", 1)
    with pytest.raises(NotConvergedError):
        RidgeCox(alpha=1.0).fit(transbig.values, transbig.outcomes.structured)


def test_a_missing_gene_is_filled_from_those_that_go_with_it():
    random = np.random.default_rng(0)
    first = random.normal(size=500)
    X = np.column_stack([first, first + 0.3 * random.normal(size=500), random.normal(size=500)])
    imputer = ConditionalMeanImputer().fit(X)
    high, low = imputer.transform(np.array([[2.0, np.nan, 0.0], [-2.0, np.nan, 0.0]]))
    assert high[1] > 1.5
    assert low[1] < -1.5


def test_with_nothing_observed_every_gene_takes_its_mean(transbig):
    imputer = ConditionalMeanImputer().fit(transbig.values)
    np.testing.assert_array_equal(imputer.transform(np.full((1, 69), np.nan))[0], imputer.mean_)
