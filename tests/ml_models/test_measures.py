"""Measures of a prediction, against other implementations, textbooks and simulated truth."""

import numpy as np
import pytest
from sksurv.metrics import integrated_brier_score as peer_integrated

from ml_models import measures
from ml_models.estimators import DAYS_A_YEAR, HORIZON_DAYS
from ml_models.measures import Outcomes

FIVE_YEARS = 5 * DAYS_A_YEAR
ONCE = np.ones((1, 198))


@pytest.fixture(scope="module")
def risk():
    """A risk that grows with time, (198, 10)."""
    random = np.random.default_rng(5)
    return 1 - np.exp(-np.outer(random.exponential(0.05, 198), np.arange(1, 11)))


def simulate(patients, hazard_ratio=1.0):
    """Patients whose yearly hazards are known, and outcomes of ``hazard_ratio`` times those, censored too."""
    random = np.random.default_rng(11)
    hazard = random.uniform(0.02, 0.2, patients)
    event_time = random.exponential(1 / (hazard * hazard_ratio)) * DAYS_A_YEAR
    censoring = random.uniform(0, 15, patients) * DAYS_A_YEAR
    outcomes = Outcomes(event_time <= censoring, np.minimum(event_time, censoring))
    return 1 - np.exp(-np.outer(hazard, np.arange(1, 11))), outcomes


def test_the_integrated_brier_score_is_that_of_scikit_survival(transbig, risk):
    y = transbig.outcomes.structured
    ours = measures.integrated_brier_score(risk, transbig.outcomes, ONCE, HORIZON_DAYS)
    np.testing.assert_allclose(ours, peer_integrated(y, y, 1 - risk, HORIZON_DAYS), rtol=1e-10)


@pytest.mark.parametrize("ratio", [1.0, 0.5, 2.0])
def test_the_calibration_intercept_is_the_logarithm_of_the_true_hazard_ratio(ratio):
    risk, outcomes = simulate(40_000, ratio)
    weights = np.ones((1, len(risk)))
    intercept = measures.calibration_intercept(risk, outcomes, weights, HORIZON_DAYS)
    assert intercept[0] == pytest.approx(np.log(ratio), abs=0.03)


def test_without_censoring_the_net_benefit_is_the_textbooks():
    """Vickers & Elkin 2006: true positives less false positives times the odds, for each patient."""
    risk = np.array([0.9, 0.6, 0.4, 0.3, 0.1])
    outcomes = Outcomes(np.ones(5, bool), np.array([1.0, 9.0, 2.0, 8.0, 7.0]) * DAYS_A_YEAR)
    benefit = measures.net_benefit(risk, outcomes, np.ones((1, 5)), FIVE_YEARS, 0.25)
    assert benefit[0] == pytest.approx(2 / 5 - 2 / 5 * (0.25 / 0.75))


def test_acting_on_nobody_has_no_net_benefit(transbig):
    benefit = measures.net_benefit(np.zeros(198), transbig.outcomes, ONCE, FIVE_YEARS, 0.1)
    assert benefit.tolist() == [0.0]


def test_the_area_under_the_curve_is_the_auc(transbig, risk):
    marker = np.round(risk[:, 4], 1)  # ties too
    false, true = measures.roc_curve(marker, transbig.outcomes, FIVE_YEARS)
    assert (false[0], true[0]) == (0, 0)
    assert (false[-1], true[-1]) == pytest.approx((1, 1))
    auc = measures.dynamic_auc(marker, transbig.outcomes, ONCE, FIVE_YEARS)[0]
    assert np.trapezoid(true, false) == pytest.approx(auc, rel=1e-10)


def test_the_evaluation_is_of_the_cohort_and_adds_up(release):
    evaluation = release.manifest.evaluation
    assert sum(point.patients for point in evaluation.calibration_5y) == 198
    predicted = [point.predicted for point in evaluation.calibration_5y]
    assert predicted == sorted(predicted)
    assert sum(group.patients for group in evaluation.subgroups if "aged" in group.name) == 198
    positive, negative = (group for group in evaluation.subgroups if "receptor" in group.name)
    assert (positive.patients, negative.patients) == (134, 64)  # Desmedt 2007
    assert positive.distant_metastases + negative.distant_metastases == 51


def test_the_advantage_of_acting_on_the_model_is_over_the_better_of_everybody_and_nobody(release):
    for at in release.manifest.evaluation.decision_5y:
        assert at.advantage.value == at.model.value - max(at.everybody.value, 0)
        for benefit in (at.model, at.everybody, at.advantage):
            assert benefit.lower <= benefit.value <= benefit.upper
