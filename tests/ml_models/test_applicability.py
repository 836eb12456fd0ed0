import numpy as np
import pytest
from scipy.stats import spearmanr

from ml_models.applicability import assess, resemblance


def verdicts(values, manifest):
    return [assess(row, manifest).verdict for row in values]


def z_scores(values):
    return (values - values.mean(axis=0)) / values.std(axis=0)


def test_the_gate_passes_196_of_198_training_samples(release, transbig):
    passed = [verdict == "ok" for verdict in verdicts(transbig.values, release.manifest)]
    assert (sum(passed), len(passed)) == (196, 198)
    assert (release.manifest.gate.passed, release.manifest.gate.of) == (196, 198)


@pytest.mark.parametrize(
    ("unit", "transform", "verdict"),
    [
        ("intensities before the logarithm", lambda values: 2.0**values, "wrong_scale"),
        ("natural logarithms", lambda values: values * np.log(2), "wrong_scale"),
        ("common logarithms", lambda values: values * np.log10(2), "wrong_scale"),
        ("z-scores", z_scores, "wrong_values"),
        ("log ratios to the mean", lambda values: values - values.mean(axis=0), "wrong_values"),
        ("ratios", lambda values: 2.0 ** (values - values.mean(axis=0)), "wrong_values"),
        ("zeros", np.zeros_like, "wrong_values"),
        ("the same value everywhere", lambda values: np.full_like(values, 8.0), "wrong_values"),
    ],
)
def test_values_in_another_unit_are_refused(release, transbig, unit, transform, verdict):
    found = verdicts(transform(transbig.values), release.manifest)
    assert "ok" not in found
    assert max(set(found), key=found.count) == verdict


def test_counts_and_tpm_of_an_unlike_platform_are_refused(release):
    random = np.random.default_rng(0)
    # RNA-seq orders these genes otherwise: about .6 with the array's means.
    manifest = release.manifest
    expression = z_scores(manifest.means) + 1.2 * random.normal(size=(50, 69))
    counts = random.poisson(np.exp(expression + 5)).astype(float)
    tpm = 1e6 * counts / counts.sum(axis=1, keepdims=True)
    for values in (counts, tpm, np.log2(tpm + 1)):
        found = verdicts(values, manifest)
        assert "ok" not in found
        assert found.count("other_platform") > len(found) / 2


def test_shuffled_genes_are_refused(release, transbig):
    shuffled = np.random.default_rng(0).permuted(transbig.values, axis=1)
    assert set(verdicts(shuffled, release.manifest)) == {"wrong_values"}


def test_rho_is_that_of_scipy_with_ties_and_missing_genes(release, transbig):
    manifest, values = release.manifest, np.round(transbig.values[:20])
    values[:, :9] = np.nan
    rho, _ = resemblance(values, manifest.means, manifest.sds)
    expected = [spearmanr(row[9:], manifest.means[9:]).statistic for row in values]
    np.testing.assert_allclose(rho, expected, atol=1e-12)


@pytest.mark.parametrize("observed", [0, 1])
def test_a_sample_with_hardly_a_gene_is_refused_without_a_number(release, transbig, observed):
    values = np.full(69, np.nan)
    values[:observed] = transbig.values[0, :observed]
    found = assess(values, release.manifest)
    assert (found.state, found.verdict, found.spearman) == ("not_computed", "wrong_values", None)
    assert found.observed == observed


def test_a_fifth_of_the_genes_missing_does_not_change_the_verdict(release, transbig):
    thinned = transbig.values.copy()
    thinned[:, ::5] = np.nan
    passed = [verdict == "ok" for verdict in verdicts(thinned, release.manifest)]
    assert np.mean(passed) > 0.9
