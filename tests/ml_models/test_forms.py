"""The pickle and the ONNX form: the same numbers, and the same bits for a patient in any company."""

import os
import subprocess
import sys
from dataclasses import fields
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_models.portable import PortableModel
from ml_models.scores import Scores, percentile_interval
from ml_models.training import ParityError, largest_difference, require_parity, with_missing

SERVING = ("manifest", "scores", "imputation", "applicability", "portable", "sealing", "registry")
HEAVY = ("sklearn", "joblib", "sksurv", "onnx", "pandas", "scipy", "threadpoolctl")


@pytest.fixture(params=["portable", "pickled"])
def form(request, release):
    return getattr(release, request.param)


@pytest.fixture(scope="module")
def company(transbig):
    """Sixty patients: with and without age, some with missing genes, different ones."""
    random = np.random.default_rng(1)
    values = transbig.values[:60].copy()
    values[40:][random.random((20, 69)) < 0.1] = np.nan
    return values, np.where(random.random(60) < 0.5, transbig.age[:60], np.nan)


def assert_same_bits(some: Scores, whole: Scores, rows):
    for field in fields(Scores):
        assert getattr(some, field.name).tobytes() == getattr(whole, field.name)[rows].tobytes(), field.name


def test_a_patient_gets_the_same_bits_alone_as_in_a_batch(form, company):
    values, age = company
    together = form.score(values, age)
    for row in range(len(age)):
        assert_same_bits(form.score(values[[row]], age[[row]]), together, [row])


@pytest.mark.parametrize("name", ["portable", "pickled"])
def test_a_patient_gets_the_same_bits_in_any_batch_in_any_order(name, release, company):
    form, (values, age) = getattr(release, name), company
    together = form.score(values, age)

    @settings(max_examples=40, deadline=None, database=None)
    @given(st.lists(st.integers(0, len(age) - 1), min_size=1, max_size=90))
    def holds(rows):
        assert_same_bits(form.score(values[rows], age[rows]), together, rows)

    holds()


@pytest.mark.parametrize("missing", [0, 3, 7, 20, 69])
@pytest.mark.parametrize("aged", [True, False])
def test_the_two_forms_agree(release, transbig, missing, aged):
    values = with_missing(transbig.values, missing, np.random.default_rng(missing))
    age = transbig.age if aged else np.full(198, np.nan)
    assert largest_difference(release.pickled.score(values, age), release.portable.score(values, age)) < 1e-9


def test_a_release_whose_forms_differ_is_not_made(release, transbig):
    class Off:
        def score(self, values, age):
            scores = release.portable.score(values, age)
            scores.risk[0, 4] += 2e-9
            return scores

    with pytest.raises(ParityError):
        require_parity(release.pickled, cast(PortableModel, Off()), transbig, 0)


def test_contributions_sum_to_the_log_hazard(form, company):
    scores = form.score(*company)
    np.testing.assert_allclose(scores.contributions.sum(axis=1), scores.log_hazard, atol=1e-12)


def test_an_unknown_age_contributes_nothing_and_a_known_one_something(form, company):
    scores, unknown = form.score(*company), np.isnan(company[1])
    assert (scores.contributions[unknown, 69] == 0).all()
    assert (scores.contributions[~unknown, 69] != 0).all()


def test_the_risk_and_its_interval_never_fall_with_the_years(form, company):
    scores = form.score(*company)
    for curve in (scores.risk, scores.lower, scores.upper):
        assert (np.diff(curve, axis=1) >= 0).all()
        assert ((curve >= 0) & (curve <= 1)).all()


def test_the_interval_contains_the_risk(form, company):
    scores = form.score(*company)
    inside = (scores.lower <= scores.risk) & (scores.risk <= scores.upper)
    assert inside.mean() > 0.95


def test_missing_genes_widen_the_interval(form, transbig):
    unknown = np.full(198, np.nan)
    whole = form.score(transbig.values, unknown)
    thinned = form.score(with_missing(transbig.values, 20, np.random.default_rng(5)), unknown)
    width, wider = (np.median(scores.upper[:, 4] - scores.lower[:, 4]) for scores in (whole, thinned))
    assert wider > width


def test_mean_values_score_as_the_baseline(form, release):
    scores = form.score(release.manifest.means[None], np.array([np.nan]))
    assert scores.log_hazard[0] == pytest.approx(0, abs=1e-12)


def test_even_absurd_values_give_finite_numbers(form):
    scores = form.score(np.full((1, 69), 1e6), np.array([np.nan]))
    assert np.isfinite(scores.log_hazard).all()
    for curve in (scores.risk, scores.lower, scores.upper):
        assert np.isfinite(curve).all()


def test_percentiles_are_those_of_numpy():
    random = np.random.default_rng(2)
    log_hazards, hazards = random.normal(size=(600, 200)), random.random((200, 10))
    risk = 1 - np.exp(-np.exp(log_hazards)[:, :, None] * hazards)
    expected = np.quantile(risk, [0.025, 0.975], axis=1, method="weibull")
    np.testing.assert_allclose(percentile_interval(log_hazards, hazards), expected, atol=1e-12)


@pytest.mark.parametrize("module", SERVING)
def test_what_serves_imports_nothing_of_what_trains(module):
    code = f"import sys, ml_models.{module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_the_runtime_leaves_nothing_behind_and_so_calls_nobody(tmp_path):
    code = "import ml_models.portable, onnxruntime; print(onnxruntime.get_available_providers())"
    environment = {"HOME": str(tmp_path), "PATH": os.defpath, "ORT_DISABLE_TELEMETRY": "0"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)
    assert list(tmp_path.rglob("*")) == []
