"""Cox, its baseline, Kaplan-Meier and C beside lifelines, which shares no code with scikit-survival."""

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.utils import concordance_index

from ml_models import measures
from ml_models.estimators import DAYS_A_YEAR, HORIZON_DAYS, RidgeCox

pytestmark = pytest.mark.filterwarnings("ignore")  # of lifelines' own dependencies


@pytest.fixture(scope="module")
def few_genes(transbig):
    """Eight genes, with times that are all different: Breslow's ties and Efron's are then one.

    Standardised as lifelines does it before it penalises, with n - 1 in the denominator.
    """
    values = transbig.values[:, :8]
    z = (values - values.mean(axis=0)) / values.std(axis=0, ddof=1)
    time = transbig.outcomes.time + np.linspace(0, 1e-3, 198)
    y = np.empty(198, dtype=[("event", bool), ("time", float)])
    y["event"], y["time"] = transbig.outcomes.event, time
    frame = pd.DataFrame(z, columns=[f"g{i}" for i in range(8)]).assign(event=y["event"], time=time)
    return z, y, frame


@pytest.mark.parametrize("penalty", [0.0, 20.0])
def test_coefficients_and_baseline_are_those_of_lifelines(few_genes, penalty):
    z, y, frame = few_genes
    # lifelines divides the log likelihood by the patients: its penalty is ours over their number.
    peer = CoxPHFitter(penalizer=penalty / len(y)).fit(
        frame, "time", "event", fit_options={"precision": 1e-10}
    )
    ours = RidgeCox(alpha=penalty).fit(z, y)
    np.testing.assert_allclose(ours.coef_, peer.params_.to_numpy(), atol=1e-5)
    baseline = peer.baseline_cumulative_hazard_["baseline cumulative hazard"]
    np.testing.assert_allclose(ours.baseline_at(baseline.index.to_numpy()), baseline, rtol=1e-5)


def test_kaplan_meier_is_that_of_lifelines(transbig):
    outcomes = transbig.outcomes
    peer = KaplanMeierFitter().fit(outcomes.time, outcomes.event)
    theirs = peer.survival_function_at_times(HORIZON_DAYS).to_numpy()
    np.testing.assert_allclose(
        measures.survival_at(outcomes, np.ones((1, 198)), HORIZON_DAYS)[0], theirs, atol=1e-12
    )
    at = peer.confidence_interval_.index.get_indexer([5 * DAYS_A_YEAR], method="ffill")[0]
    lower, upper = sorted(1 - peer.confidence_interval_.iloc[at].to_numpy())
    ((_, low, high, _),) = measures.cumulative_incidence_curve(outcomes, np.array([5 * DAYS_A_YEAR]))
    assert (low, high) == pytest.approx((lower, upper), abs=1e-9)


def test_concordance_is_that_of_lifelines(transbig):
    marker = transbig.values[:, 0]
    peer = concordance_index(transbig.outcomes.time, -marker, transbig.outcomes.event)
    ours = measures.harrell_c(marker, transbig.outcomes, np.ones((1, 198)))[0]
    assert ours == pytest.approx(peer, abs=1e-12)
