"""What reference samples teach, whatever is wrong with some, and whether they are consecutive cases."""

import csv
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_models.cohorts import RECEPTOR_POSITIVE
from ml_models.consecutive_cases import look_consecutive, receptor_variance
from ml_models.platform_profiles import learn_scale, to_training_scale


@pytest.fixture(scope="module")
def batch(transbig):
    return transbig.values[:30]


def test_ordinary_samples_teach_their_mean_and_standard_deviation(batch):
    learned = learn_scale(batch)
    ordinary = (np.abs(batch - np.median(batch, axis=0)) < 3).all(axis=0)
    np.testing.assert_allclose(learned.location[ordinary], batch.mean(axis=0)[ordinary], atol=0.05)
    np.testing.assert_allclose(learned.scale[ordinary], batch.std(axis=0, ddof=1)[ordinary], rtol=0.1)
    assert learned.kept.all()


def test_the_order_of_the_samples_does_not_matter(batch):
    backwards = learn_scale(batch[::-1])
    np.testing.assert_allclose(backwards.location, learn_scale(batch).location, rtol=1e-12)
    np.testing.assert_allclose(backwards.scale, learn_scale(batch).scale, rtol=1e-12)


@settings(max_examples=25, deadline=None)
@given(failed=st.sets(st.integers(0, 29), min_size=1, max_size=6), by=st.sampled_from([-6.0, 5.0, 9.0]))
def test_samples_that_failed_are_left_out_whichever_they_are(batch, failed, by):
    spoilt = batch.copy()
    spoilt[list(failed)] += by
    learned = learn_scale(spoilt)
    assert set(np.flatnonzero(~learned.kept)) == failed
    good = learn_scale(np.delete(batch, list(failed), axis=0))
    np.testing.assert_allclose(learned.location, good.location, atol=0.2)


def test_one_absurd_value_does_not_carry_a_gene_away(batch):
    spoilt = batch.copy()
    spoilt[0, 0] = 1e6
    assert abs(learn_scale(spoilt).location[0] - batch[:, 0].mean()) < 1


def test_a_gene_that_cannot_be_told_has_no_scale_and_counts_as_missing(batch, release):
    spoilt = batch.copy()
    spoilt[:16, 1] = 0.0  # one value in half of the samples
    spoilt[:8, 2] = np.nan  # not measured in a quarter
    spoilt[:, 3] = np.nan
    spoilt[:7, 4] = np.nan
    learned = learn_scale(spoilt)
    assert np.flatnonzero(np.isnan(learned.scale)).tolist() == [1, 2, 3]
    mapped = to_training_scale(batch[:1], learned.location, learned.scale, release.manifest)
    assert np.flatnonzero(np.isnan(mapped[0])).tolist() == [1, 2, 3]


def test_the_direction_of_the_receptor_is_that_of_transbig(transbig):
    text = files("ml_models").joinpath("receptor_direction.csv").read_text()
    kept = {row["symbol"]: float(row["difference"]) for row in csv.DictReader(text.splitlines())}
    z = (transbig.values - transbig.values.mean(axis=0)) / transbig.values.std(axis=0)
    positive = transbig.subgroups[RECEPTOR_POSITIVE]
    difference = z[positive].mean(axis=0) - z[~positive].mean(axis=0)
    assert kept == pytest.approx(
        {g.symbol: d for g, d in zip(transbig.panel, difference, strict=True)}, abs=1e-4
    )


def test_a_whole_cohort_looks_consecutive_and_one_kind_of_it_does_not(transbig, release):
    positive = transbig.subgroups[RECEPTOR_POSITIVE]
    ratios = {}
    for name, who in {"all": positive | ~positive, "positive": positive, "negative": ~positive}.items():
        learned = learn_scale(transbig.values[who])
        kept = transbig.values[who][learned.kept]
        ratio = receptor_variance(kept, learned.location, learned.scale, release.manifest)
        assert ratio is not None
        ratios[name] = ratio
    assert ratios["all"] == pytest.approx(1, abs=0.1)
    assert not look_consecutive(ratios["positive"], 40)
    assert not look_consecutive(ratios["negative"], 40)


def test_nothing_is_said_of_a_batch_with_too_few_genes(batch, release):
    few = np.where(np.arange(batch.shape[1]) < 20, batch, np.nan)
    learned = learn_scale(few)
    assert receptor_variance(few, learned.location, learned.scale, release.manifest) is None
