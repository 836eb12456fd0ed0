"""From a declared unit to the scale of a release: contradicted, converted or mapped, one by one."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_models.platform_profiles import learn_scale
from ml_models.units import LOOKS, detect_unit, looks_of
from predictions.exceptions import PanelRefused
from predictions.intake.conversions import WAYS, convert, way
from predictions.intake.measurements import Measurement, PanelRequest
from predictions.intake.panel import build_panel
from predictions.intake.scales import Profile, to_scale
from predictions.intake.units import FITTING, UNITS, contradicted, declared_problem
from tests.panels import transbig, values_of

SAMPLES = st.lists(
    st.lists(
        st.just(np.nan) | st.floats(-20, 70_000) | st.integers(0, 70_000).map(float), min_size=5, max_size=5
    ),
    min_size=1,
    max_size=4,
).map(lambda rows: np.array(rows, dtype=np.float64))


def learned(values, manifest, unit="log2_tpm"):
    scale = learn_scale(values)
    genes = {
        symbol: (float(a), float(b))
        for symbol, a, b in zip(manifest.symbols, scale.location, scale.scale, strict=True)
        if np.isfinite(a)
    }
    return Profile("0", "rnaseq", 1, unit, len(values), None, "", genes)


def foreign(values):
    """As another platform might have measured it: each gene on a scale of its own."""
    random = np.random.default_rng(5)
    return 2 + random.uniform(0.5, 1.5, values.shape[1]) * values + random.normal(0, 1, values.shape[1])


def request_of(values, unit, **options):
    measurements = tuple(Measurement(name, value) for name, value in values.items())
    return PanelRequest(measurements, unit, **options)


def codes_of(manifest, values, unit, **options):
    with pytest.raises(PanelRefused) as caught:
        build_panel(request_of(values, unit), manifest, **options)
    return [problem.code for problem in caught.value.problems]


@pytest.fixture(scope="module")
def profile(manifest):
    return learned(foreign(transbig().values[:40]), manifest)


@settings(max_examples=150, deadline=None)
@given(SAMPLES)
def test_a_sample_looks_alone_as_it_does_among_others(samples):
    together = looks_of(samples)
    assert together.tolist() == [str(looks_of(row[None])[0]) for row in samples]
    for row, look in zip(samples, together, strict=True):
        if len(values := row[np.isfinite(row)].tolist()):
            assert detect_unit(values).code == look
            assert detect_unit(values).evidence


def test_every_unit_has_a_look_and_every_way_leads_between_units():
    assert FITTING.keys() == UNITS.keys()
    assert set().union(*FITTING.values()) <= LOOKS.keys()
    assert {unit for pair in WAYS for unit in pair} <= UNITS.keys()


def test_a_whole_chunk_is_contradicted_sample_by_sample():
    looks = np.array(["linear", "raw_counts", "log_scale"])
    assert contradicted("tpm", looks).tolist() == [False, True, True]
    assert contradicted("intensity", looks).tolist() == [False, False, True]


def test_intensities_are_logged_on_record_and_give_the_same_panel(manifest):
    linear = {symbol: 2**value for symbol, value in values_of(0).items()}
    panel = build_panel(request_of(linear, "intensity"), manifest)
    assert panel.values == pytest.approx(values_of(0), abs=1e-12)
    assert panel.measured == linear
    assert [step.code for step in panel.steps] == ["converted_log2"]


@pytest.mark.parametrize("value", [0.0, -3.5])
def test_a_value_that_has_no_logarithm_is_refused_by_name(manifest, value):
    linear = {symbol: 2**value for symbol, value in values_of(0).items()} | {"IL18": value}
    with pytest.raises(PanelRefused, match="value_out_of_scale") as caught:
        build_panel(request_of(linear, "intensity"), manifest)
    assert "IL18" in caught.value.problems[0].detail


def test_fpkm_become_the_tpm_that_counts_and_lengths_give():
    """Two genes, the second twice as long: 100 and 200 reads are as many transcripts of each."""
    counts, lengths = np.array([[100.0, 200.0]]), np.array([1_000.0, 2_000.0])
    tpm = np.array([[500_000.0, 500_000.0]])
    fpkm = counts / lengths * 1e3 / counts.sum() * 1e6
    steps = WAYS["fpkm", "log2_tpm"]
    np.testing.assert_allclose(convert(fpkm, steps, fpkm.sum(axis=1)), np.log2(tpm + 1).astype(np.float64))


def test_a_share_of_the_sample_needs_the_whole_sample(manifest):
    other = manifest.model_copy(update={"unit": "log2_cpm"})
    assert way("raw_counts", other.unit) is None
    assert declared_problem("raw_counts", other.unit, "", has_totals=True) is None
    counts = np.full((1, 69), 50.0)
    scaled = to_scale(counts, "raw_counts", other, totals=np.array([1e6]))
    np.testing.assert_allclose(scaled.values, np.log2(51))


def test_a_profile_brings_back_what_a_platform_did_to_each_gene(manifest, profile):
    values = transbig().values[40:60]
    mapped = to_scale(foreign(values), "log2_tpm", manifest, profile).values
    own = learned(transbig().values[:40], manifest)
    np.testing.assert_allclose(mapped, to_scale(values, "log2_tpm", manifest, own).values, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_sample_is_mapped_alone_as_it_is_among_any_others(manifest, profile, data):
    cohort = foreign(transbig().values)
    order = data.draw(st.permutations(range(20)))
    chosen = order[: data.draw(st.integers(1, 20))]
    values = cohort[chosen].copy()
    values[
        np.array(data.draw(st.lists(st.booleans(), min_size=69, max_size=69)))[None].repeat(len(values), 0)
    ] = np.nan
    unit, given_values = data.draw(st.sampled_from([("log2_tpm", values), ("tpm", 2.0**values)]))
    together = to_scale(given_values, unit, manifest, profile)
    for index, row in enumerate(given_values):
        alone = to_scale(row[None], unit, manifest, profile)
        assert alone.values[0].tobytes() == together.values[index].tobytes()
        assert alone.looks[0] == together.looks[index]


def test_one_panel_is_mapped_as_a_file_is_and_the_profile_is_on_record(manifest, profile):
    values = 2 ** foreign(transbig().values[50:51])
    panel = build_panel(
        request_of(dict(zip(manifest.symbols, values[0].tolist(), strict=True)), "tpm", platform="rnaseq"),
        manifest,
        profile,
    )
    assert panel.vector.tobytes() == to_scale(values, "tpm", manifest, profile).values[0].tobytes()
    assert [step.code for step in panel.steps] == ["converted_log2_plus_1", "profile_mapped"]
    assert "version 1" in panel.steps[-1].detail


def test_a_unit_that_the_profile_was_not_learned_in_is_refused(manifest, profile):
    assert codes_of(manifest, values_of(0), "log2_intensity", profile=profile) == ["unit_not_supported"]


def test_a_gene_that_the_profile_does_not_know_counts_as_missing(manifest, profile):
    some = replace(profile, genes=dict(list(profile.genes.items())[:60]))
    values = dict(zip(manifest.symbols, foreign(transbig().values[50:51])[0].tolist(), strict=True))
    panel = build_panel(request_of(values, "log2_tpm"), manifest, some)
    assert panel.missing == manifest.symbols[60:]
    few = replace(profile, genes=dict(list(profile.genes.items())[:40]))
    assert codes_of(manifest, values, "log2_tpm", profile=few) == ["too_few_genes"]
