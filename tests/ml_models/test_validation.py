"""External validation: what is right is found right, what is not is not, and the report says so."""

import json
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from ml_models import validation
from ml_models.measures import Outcomes
from ml_models.validation import ExternalCohort, profile, validate
from ml_models.validation_report import FIGURES, as_markdown, calibration_svg

YEAR = 365.25


@pytest.fixture(scope="module", autouse=True)
def _few_bootstraps():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validation, "BOOTSTRAPS", 60)
        yield


@pytest.fixture(scope="module")
def simulated(release, transbig):
    """400 patients like those of TRANSBIG, whose outcomes follow the release's own risks exactly."""
    random = np.random.default_rng(2)
    values = transbig.values[random.integers(198, size=400)] + random.normal(0, 0.3, (400, 69))
    age = np.where(random.random(400) < 0.5, random.uniform(30, 60, 400), np.nan)
    risk = np.hstack([np.zeros((400, 1)), release.portable.score(values, age).risk])
    uniform = random.random(400)
    time = np.array(
        [np.interp(u, row, np.arange(11), right=11.0) for u, row in zip(uniform, risk, strict=True)]
    )
    censoring = random.uniform(4, 14, 400)
    outcomes = Outcomes(
        (time <= censoring) & (time < 11), np.maximum(np.minimum(time, censoring), 0.01) * YEAR
    )
    return ExternalCohort("Simulated & sound", values, age, outcomes, {"younger": age < 45}, ("a note",))


def validated(release, cohort, **options):
    return validate(
        release.manifest, release.portable.score, cohort, **{"profiled": False, "seed": 1} | options
    )


@pytest.fixture(scope="module")
def sound(release, simulated):
    return validated(release, simulated)


def test_a_model_that_is_right_is_found_to_be_right(sound):
    figures = sound.everyone.figures
    assert set(figures) == set(FIGURES)
    assert figures["calibration_slope"].value == pytest.approx(1, abs=0.35)
    assert figures["observed_expected_5y"].lower < 1 < figures["observed_expected_5y"].upper
    assert figures["c_index_harrell"].value > 0.6
    assert figures["brier_gain_5y"].value > 0
    for figure in figures.values():
        assert figure.lower <= figure.value <= figure.upper


def test_a_gain_is_what_the_two_scores_beside_it_say(sound):
    figures = sound.everyone.figures
    for gain, score in (("brier_gain_5y", "brier_5y"), ("brier_gain_10y", "brier_10y"), ("ibs_gain", "ibs")):
        ratio = figures[score].value / figures[f"{score}_kaplan_meier"].value
        assert figures[gain].value == pytest.approx(1 - ratio)


def test_years_that_the_follow_up_does_not_reach_have_no_figures(release, simulated):
    time = np.minimum(simulated.outcomes.time, 7.5 * YEAR)
    ended = Outcomes(simulated.outcomes.event & (simulated.outcomes.time < time.max()), time)
    found = validated(release, replace(simulated, outcomes=ended))
    assert found.everyone.years == 7
    assert "auc_5y" in found.everyone.figures
    assert not any("10y" in name for name in found.everyone.figures)
    assert "beyond 7 years: there are no figures at 10 years" in as_markdown(found)


def test_samples_that_the_product_refuses_are_counted_and_the_figures_given_without_them(release, simulated):
    values = simulated.values.copy()
    values[:30] = 2 ** values[:30]
    values[30:50, :40] = np.nan
    values[50:60] = values[50:60, ::-1]
    found = validated(release, replace(simulated, values=values))
    assert found.refused["unit_contradicted"] == 30
    assert found.refused["too_few_genes"] == 20
    assert found.refused["wrong_values"] + found.refused.get("other_platform", 0) >= 10
    assert found.everyone.patients == 400
    assert found.answered.patients == 400 - sum(found.refused.values())


def test_where_nobody_would_be_answered_the_report_says_so(release, simulated):
    found = validated(release, replace(simulated, values=simulated.values - 8))
    assert found.answered is None
    assert "would refuse 400 of 400" in as_markdown(found)
    assert "too few for any figure" in as_markdown(found)


def test_genes_that_were_never_measured_are_named(release, simulated):
    values = simulated.values.copy()
    values[:, 0] = np.nan
    found = validated(release, replace(simulated, values=values))
    assert found.genes_missing == (release.manifest.symbols[0],)


def test_a_profile_undoes_any_scale_and_shift_of_a_platform(release, simulated):
    stretched = simulated.values * np.linspace(0.5, 2, 69) - np.linspace(0, 9, 69)
    mapped = profile(stretched, release.manifest)
    np.testing.assert_allclose(mapped, profile(simulated.values, release.manifest), atol=1e-9)
    np.testing.assert_allclose(np.median(mapped, axis=0), release.manifest.means, atol=1e-9)


def test_a_profile_leaves_out_a_gene_without_spread_and_looks_at_no_outcome(release, simulated):
    values = simulated.values.copy()
    values[:, 3] = 7.0
    values[:, 4] = np.nan
    assert np.isnan(profile(values, release.manifest)[:, [3, 4]]).all()
    assert np.isfinite(profile(values, release.manifest)[:, 5:]).all()


def test_the_report_holds_every_figure_with_its_interval_and_the_profile(release, simulated):
    found = validated(release, simulated, profiled=True)
    text = as_markdown(found)
    assert "median and interquartile range" in text
    assert "a note" in text
    assert len(re.findall(r"\d\.\d{3} \(-?\d\.\d{3} to \d\.\d{3}\)", text)) >= 2 * len(FIGURES)
    assert json.loads(found.model_dump_json())["everyone"]["figures"]["auc_5y"]["value"] > 0.5


def test_the_drawing_is_an_image_with_a_title_and_every_number_in_words(sound):
    root = ET.fromstring(str(calibration_svg(sound)))  # noqa: S314 - our own text
    space = {"svg": "http://www.w3.org/2000/svg"}
    assert root.get("role") == "img"
    assert "Simulated & sound" in str(root.findtext("svg:title", namespaces=space))
    assert str(root.findtext("svg:desc", namespaces=space)).count("predicted") == 5
    assert len(root.findall("svg:circle", space)) == 5


def test_the_same_files_give_the_same_report(release, simulated, sound):
    assert validated(release, simulated) == sound
