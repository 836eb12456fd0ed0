import io
import json
import pickle

import joblib
import numpy as np
import pytest
from sksurv.metrics import brier_score as peer_brier
from sksurv.metrics import concordance_index_censored, concordance_index_ipcw, cumulative_dynamic_auc
from sksurv.nonparametric import kaplan_meier_estimator

from ml_models import measures, training
from ml_models.cohorts import load_panel
from ml_models.manifest import Manifest
from ml_models.measures import Outcomes
from ml_models.partial_likelihood import RiskSets, fit
from ml_models.registry import ReleaseStore
from ml_models.sealing import generate_keys, open_part
from ml_models.training import keys_from, train_release
from ml_models.tuning import tune
from tests.ml_models.test_sealing import expected, stored

FIVE_YEARS = 5 * 365.25
TEN_YEARS = 10 * 365.25


def test_the_panel_has_69_genes_of_74_probe_sets():
    panel = load_panel()
    assert len(panel) == 69
    assert sum(len(gene.probe_sets) for gene in panel) == 74
    twice = [gene.symbol for gene in panel if len(gene.probe_sets) == 2]
    assert twice == ["CD44", "DUSP4", "HDGFL3", "SMC4", "TNFSF13"]
    renamed = [gene for gene in panel if gene.former_symbols]
    # 14 probe sets, two of which measure HDGFL3.
    assert len(renamed) == 13


def test_transbig_is_the_cohort_that_was_published(transbig):
    """Desmedt 2007: 198 patients, 51 distant metastases."""
    assert transbig.values.shape == (198, 69)
    assert transbig.outcomes.event.sum() == 51
    assert (transbig.age.min(), transbig.age.max()) == (24, 60)


def test_the_same_data_and_seed_give_the_same_release(release, transbig, tmp_path):
    again = train_release(transbig, generate_keys(), ReleaseStore(tmp_path))
    assert again.canonical_bytes() == release.manifest.canonical_bytes()


def test_another_seed_gives_another_release(release, transbig, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "REPEATS", 1)
    other = train_release(transbig, release.keys, ReleaseStore(tmp_path), seed=1, version="1.0.1")
    assert other.parts.pickle.sha256 != release.manifest.parts.pickle.sha256


def test_a_manifest_survives_its_bytes(release):
    text = release.manifest.canonical_bytes()
    assert Manifest.from_bytes(text).sha256 == release.manifest.sha256
    assert (
        text
        == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    )


def test_a_manifest_whose_panel_does_not_fit_is_refused(release):
    content = release.manifest.model_dump()
    with pytest.raises(ValueError, match="sorted"):
        Manifest.model_validate(content | {"genes": content["genes"][::-1]})
    with pytest.raises(ValueError, match="triangle"):
        Manifest.model_validate(content | {"correlation": content["correlation"][1:]})


def test_the_pickle_needs_nothing_but_our_estimators_scikit_learn_and_numpy(release):
    content, _ = open_part("pickle", *stored(release, "model.joblib.sealed"), expected(release), release.keys)
    found = set()

    class Watching(pickle.Unpickler):
        def find_class(self, module, name):
            found.add(module.split(".")[0])
            return super().find_class(module, name)

    # joblib writes arrays between the opcodes; pickled plainly, they are among them.
    Watching(io.BytesIO(pickle.dumps(joblib.load(io.BytesIO(content))))).load()
    assert found == {"ml_models", "sklearn", "numpy"}


@pytest.fixture(scope="module")
def resampled(transbig):
    """A bootstrap sample both ways: as weights of the cohort and as patients written out."""
    random = np.random.default_rng(3)
    drawn = random.integers(198, size=198)
    marker = transbig.values[:, 0] + random.normal(size=198)
    risk = random.random(198)
    outcomes = transbig.outcomes
    weights = np.vstack([np.ones(198), np.bincount(drawn, minlength=198)]).astype(float)
    rows = (np.arange(198), drawn)
    written = [(Outcomes(outcomes.event[r], outcomes.time[r]), marker[r], risk[r]) for r in rows]
    return outcomes, marker, risk, weights, written


def peers(measure, resampled, of):
    """Apply a measure of scikit-survival to both cohorts written out: ``of`` marker (0) or risk (1)."""
    return [measure(outcomes.structured, numbers[of]) for outcomes, *numbers in resampled[4]]


def test_harrells_c_is_that_of_scikit_survival(resampled):
    outcomes, marker, _, weights, _ = resampled
    peer = peers(lambda y, m: concordance_index_censored(y["event"], y["time"], m)[0], resampled, 0)
    np.testing.assert_allclose(measures.harrell_c(marker, outcomes, weights), peer, rtol=1e-10)


def test_unos_c_is_that_of_scikit_survival(resampled):
    outcomes, marker, _, weights, _ = resampled
    peer = peers(lambda y, m: concordance_index_ipcw(y, y, m, tau=TEN_YEARS)[0], resampled, 0)
    np.testing.assert_allclose(measures.uno_c(marker, outcomes, weights, TEN_YEARS), peer, rtol=1e-10)


@pytest.mark.parametrize("at", [FIVE_YEARS, TEN_YEARS])
def test_the_dynamic_auc_is_that_of_scikit_survival(resampled, at):
    outcomes, marker, _, weights, _ = resampled
    peer = peers(lambda y, m: cumulative_dynamic_auc(y, y, m, at)[0][0], resampled, 0)
    np.testing.assert_allclose(measures.dynamic_auc(marker, outcomes, weights, at), peer, rtol=1e-10)


def test_the_brier_score_is_that_of_scikit_survival(resampled):
    outcomes, _, risk, weights, _ = resampled
    peer = peers(lambda y, risk: peer_brier(y, y, 1 - risk, FIVE_YEARS)[1][0], resampled, 1)
    np.testing.assert_allclose(measures.brier_score(risk, outcomes, weights, FIVE_YEARS), peer, rtol=1e-10)


def test_the_calibration_slope_is_a_cox_coefficient(resampled):
    outcomes, marker, _, weights, written = resampled
    sets = [measures_risk_sets(out, m) for out, m, _ in written]
    np.testing.assert_allclose(measures.calibration_slope(marker, outcomes, weights), sets, rtol=1e-6)


def measures_risk_sets(outcomes, marker):
    return fit(RiskSets.of(marker[:, None] - marker.mean(), outcomes.event, outcomes.time), 0.0)[0]


def test_the_observed_incidence_is_kaplan_meiers_with_a_log_log_interval(transbig):
    outcomes = transbig.outcomes
    times, survival, band = kaplan_meier_estimator(outcomes.event, outcomes.time, conf_type="log-log")
    at = np.searchsorted(times, FIVE_YEARS, side="right") - 1
    ((incidence, lower, upper, _),) = measures.cumulative_incidence_curve(outcomes, np.array([FIVE_YEARS]))
    np.testing.assert_allclose(
        [incidence, lower, upper], 1 - np.array([survival[at], band[1, at], band[0, at]]), atol=1e-9
    )


def test_nobody_relapsed_yet_is_not_a_risk_of_zero_for_certain():
    outcomes = Outcomes(np.zeros(15, bool), np.full(15, 4000.0))
    ((incidence, lower, upper, at_risk),) = measures.cumulative_incidence_curve(
        outcomes, np.array([FIVE_YEARS])
    )
    assert (incidence, lower, at_risk) == (0.0, 0.0, 15)
    # Exact binomial (Clopper-Pearson) upper bound of 0 of 15: 21.8 %.
    assert upper == pytest.approx(0.218, abs=5e-4)


def test_noise_is_penalised_more_heavily_than_a_signal():
    def penalty(seed, effect):
        random = np.random.default_rng(seed)
        X, event = random.normal(size=(150, 20)), random.random(150) < 0.7
        return tune(X, event, random.exponential(np.exp(-effect * X[:, :5].sum(axis=1))), 0).penalty

    noise, signal = (np.median([penalty(seed, effect) for seed in range(5)]) for effect in (0.0, 1.0))
    assert noise > 10 * signal


def test_cross_validated_discrimination_is_where_other_studies_put_it(release):
    """Cheng 2013, same patients: AUC at 5 years .65 for the published signature; above .78 suspect a leak."""
    for figures in (release.manifest.performance.without_age, release.manifest.performance.with_age):
        assert 0.65 < figures.auc_5y.value < 0.78
        for figure in figures:
            assert figure[1].lower < figure[1].value < figure[1].upper


def test_categories_share_out_the_cohort_and_their_observed_rates_rise(release):
    bands = release.manifest.classification.categories
    assert [band.minimum for band in bands] == [0.0, 0.1, 0.2]
    assert sum(band.share for band in bands) == pytest.approx(1)
    observed = [band.observed_5y.value for band in bands]
    assert observed == sorted(observed)


def test_more_missing_genes_cost_more(release):
    cost = [row.mean_absolute_change_5y for row in release.manifest.missing.cost]
    assert cost == sorted(cost)
    assert 0.3 < cost[0] < 2


def test_keys_come_from_variables_or_from_files(release, tmp_path):
    keys = release.keys
    (tmp_path / "kek").write_text(keys.encryption_text + "\n")
    environment = {
        "MODEL_SIGNING_KEY": keys.signing_text,
        "MODEL_PUBLIC_KEYS": keys.public_text,
        "MODEL_ENCRYPTION_KEY_FILE": str(tmp_path / "kek"),
    }
    assert keys_from(environment) == keys
