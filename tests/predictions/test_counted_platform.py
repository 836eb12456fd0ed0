"""A laboratory that sends raw counts of all genes: its profile, its samples one by one, and its cohorts."""

import io
import json

import pytest
from django.urls import reverse

from predictions import cohort_work
from predictions.cohort_records import Cohort
from predictions.models import Prediction
from predictions.profile_records import PlatformProfile
from predictions.replay import replay
from predictions.rereading import panel_for_another
from tests.panels import as_body
from tests.predictions.test_totals import PANEL, counts_of, feature_counts, htseq, samples_in_rows

pytestmark = pytest.mark.django_db

PLATFORM = "our-counts"


def named(content, name):
    file = io.BytesIO(content)
    file.name = name
    return file


@pytest.fixture(scope="module")
def reference():
    return feature_counts([counts_of(patient) for patient in range(20)])


@pytest.fixture
def profile(release, adam, browser_of, reference):
    """Learned from the file as the lab has it; its format states the unit."""
    given = {"platform": PLATFORM, "unit": "", "file": named(reference, "counts.txt")}
    assert browser_of(adam).post(reverse("new_profile"), given).status_code == 302
    return PlatformProfile.objects.get()


def test_counts_of_all_genes_are_answered_alone_and_in_a_cohort_alike(profile, alice, browser_of, manifest):
    assert (profile.unit, profile.samples) == ("log2_cpm", 20)
    browser = browser_of(alice)
    given = {
        "unit": "",
        "platform": PLATFORM,
        "age_years": 50,
        "file": named(htseq([counts_of(60)]), "c.txt"),
    }
    assert browser.post(reverse("new_prediction"), given).status_code == 302
    alone = Prediction.objects.get()
    assert alone.panel["total"] == sum(counts_of(60))
    assert not replay(alone)
    assert panel_for_another(alone, manifest).sha256 == alone.input_sha256

    file = named(samples_in_rows([counts_of(60, 3), counts_of(61)]), "counts.tsv")
    given = {"unit": "raw_counts", "platform": PLATFORM, "file": file}
    assert browser.post(reverse("cohorts"), given).status_code == 302
    cohort_work.work()
    cohort = Cohort.objects.get()
    assert (cohort.state, cohort.predicted) == ("finished", 2)
    deeper = Prediction.objects.get(cohort=cohort, cohort_number=1)
    assert deeper.panel["total"] == 3 * sum(counts_of(60))
    assert deeper.contents["result"] == alone.contents["result"]


def test_counts_of_the_panel_only_are_refused_at_every_door(profile, alice, browser_of, post):
    body = as_body(dict(zip(PANEL, counts_of(60)[: len(PANEL)], strict=True)))
    body["expression"] |= {"unit": "raw_counts", "identifiers": "ensembl_gene_id"}
    answer = post(json.dumps({**body, "sample": {"platform": PLATFORM}}))
    assert [problem["code"] for problem in answer.json()["errors"]] == ["totals_unknown"]
    lines = feature_counts([counts_of(60), counts_of(61)]).splitlines(keepends=True)
    file = named(b"".join(lines[: 2 + len(PANEL)]), "panel.txt")
    given = {"pasted": "", "unit": "", "platform": PLATFORM, "file": file}
    for form in ("new_prediction", "cohorts"):
        file.seek(0)
        page = browser_of(alice).post(reverse(form), given)
        assert page.status_code == 422
        assert "the sum over all genes of the sample has to be known" in page.content.decode()
    assert not Cohort.objects.exists()


def test_no_profile_is_learned_from_counts_of_the_panel_only(release, adam, browser_of, reference):
    file = named(b"".join(reference.splitlines(keepends=True)[: 2 + len(PANEL)]), "panel.txt")
    page = browser_of(adam).post(
        reverse("new_profile"), {"platform": PLATFORM, "unit": "raw_counts", "file": file}
    )
    assert page.status_code == 422
    assert "the sum over all genes of the sample has to be known" in page.content.decode()
