"""The card of a release says what its manifest says, to every member, in words that are explained."""

import re
from html import unescape

import pytest
from django.test import Client

from accounts.models import Person
from ml_models.manifest import Candidate, Comparison, Estimate, Figures
from predictions import lifecycle, releases
from predictions.documents import Document, Figure, Paragraph, Section, Table, as_markdown
from predictions.model_card.document import document_of
from predictions.model_card.gathering import Card, Listed
from predictions.model_card.limits import PUBLICATIONS, limits_of
from predictions.model_card.measures import MEASURES
from predictions.model_card.origin import comparison
from predictions.model_card.purpose import fairness
from predictions.models import Release
from tests.panels import as_text, values_of

pytestmark = pytest.mark.django_db

CARD = "/models/rotterdam76-ridge/1.0.0/"
PAGES = ("/models/", CARD, f"{CARD}card.md")
ESTIMATE = re.compile(r"(?:\d|\u2212)[\d.]* \((?:\d|\u2212)[\d.]* to (?:\d|\u2212)[\d.]*\)")


@pytest.fixture
def read(release, alice, browser_of):
    client = browser_of(alice)

    def text(path=CARD):
        response = client.get(path)
        assert response.status_code == 200
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())

    return text


@pytest.fixture
def document(release, manifest):
    return document_of(Card(release, manifest, (Listed(release, manifest),)))


def shown(estimate, decimals=2, times=1):
    value, lower, upper = (
        f"{times * number:.{decimals}f}".replace("-", "\N{MINUS SIGN}")
        for number in (estimate.value, estimate.lower, estimate.upper)
    )
    return f"{value} ({lower} to {upper})"


def blocks(document, kind):
    return [block for section in document.sections for block in section.blocks if isinstance(block, kind)]


def first(section, kind):
    return next(block for block in section.blocks if isinstance(block, kind))


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("who", ["alice", "audrey", "charlie"])
def test_every_member_of_an_organisation_reads_it(release, request, browser_of, path, who):
    assert browser_of(request.getfixturevalue(who)).get(path).status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_nobody_reads_it_without_signing_in(release, path):
    assert Client().get(path)["Location"] == f"/accounts/login/?next={path}"


def test_who_belongs_to_no_organisation_does_not_read_it(release, browser_of):
    outsider = Person.objects.create_user("outside@clinic.example", "correct horse battery")
    assert browser_of(outsider).get(CARD).status_code == 403


def test_every_figure_of_the_manifest_is_on_the_page_with_its_interval(read, manifest):
    page = read()
    for figures in (manifest.performance.without_age, manifest.performance.with_age):
        for measure in MEASURES:
            estimate = getattr(figures, measure.key)
            assert shown(estimate, *((1, 100) if measure.is_share else ())) in page, measure.key
    assert {measure.key for measure in MEASURES} == set(Figures.model_fields)


def test_what_was_observed_is_on_the_page(read, manifest):
    page = read()
    for point in manifest.evaluation.calibration_5y:
        assert shown(point.observed, 0, 100) in page
    for group in manifest.evaluation.subgroups:
        assert shown(group.c_index_harrell) in page
        assert shown(group.observed_expected_5y) in page
    for at in manifest.evaluation.decision_5y:
        assert shown(at.model, 1, 100) in page
        assert shown(at.advantage, 1, 100) in page
    for category in manifest.classification.categories:
        assert shown(category.observed_5y, 0, 100) in page
    assert f"more than {100 * manifest.classification.crossing_maximum:.0f} out of 100 beyond it" in page


def test_all_that_identifies_the_release_is_on_the_page(read, manifest):
    page = read()
    for said in (
        manifest.intended_use,
        manifest.cohort.citation,
        manifest.sha256,
        manifest.training.data_sha256,
        manifest.parts.onnx.sha256,
        f"{manifest.gate.passed} of {manifest.gate.of}",
        *(gene.ensembl_id for gene in manifest.genes),
        *(probe_set for gene in manifest.genes for probe_set in gene.probe_sets),
    ):
        assert said in page, said


def test_no_c_index_auc_or_ratio_stands_without_its_interval(document):
    names = r"(?:C-index of|AUC is|C-index) (?=\d)"
    words = as_markdown(document)
    for found in re.finditer(names, words):
        assert ESTIMATE.match(words, found.end()), words[found.start() : found.end() + 30]


def test_every_figure_has_a_title_a_description_and_a_table(document):
    figures = blocks(document, Figure)
    assert [figure.chart.key for figure in figures] == ["calibration", "roc", "categories", "decision"]
    for figure in figures:
        svg = figure.chart.svg
        assert f'role="img" aria-labelledby="{figure.chart.key}-title {figure.chart.key}-desc"' in svg
        assert f'<title id="{figure.chart.key}-title">{figure.chart.title}</title>' in svg
        assert re.search(r"<desc [^>]+>[^<]{40,}</desc>", svg)
        assert "style=" not in svg
        assert len(figure.table.rows) >= 5


def test_every_table_is_whole(document):
    for table in [*blocks(document, Table), *(figure.table for figure in blocks(document, Figure))]:
        assert table.labelled_rows
        assert all(cell.text for row in table.rows for cell in row)


def test_the_limits_are_those_of_the_numbers(manifest):
    said = " ".join(limits_of(manifest))
    c_index = manifest.performance.without_age.c_index_harrell
    assert "198, of whom 51" in said
    assert f"{c_index.upper - c_index.lower:.2f} wide" in said
    assert "Aged 24 to 60 only" in said
    assert manifest.cohort.name in PUBLICATIONS


def test_a_cohort_that_is_not_known_here_is_not_described_as_the_known_one(manifest):
    other = manifest.cohort.model_copy(update={"name": "Another hospital"})
    said = " ".join(limits_of(manifest.model_copy(update={"cohort": other})))
    assert "Desmedt" not in said
    assert "the manifest does not say" in said


def test_a_group_that_may_be_no_better_than_chance_is_named(manifest):
    sentence = first(fairness(manifest), Paragraph).text
    for group in manifest.evaluation.subgroups:
        assert (group.name in sentence) == (group.c_index_harrell.lower <= 0.5)


def test_a_group_with_too_few_events_has_no_figure(manifest):
    few = manifest.evaluation.subgroups[0].model_copy(
        update={"c_index_harrell": None, "observed_expected_5y": None}
    )
    evaluation = manifest.evaluation.model_copy(update={"subgroups": (few,)})
    table = first(fairness(manifest.model_copy(update={"evaluation": evaluation})), Table)
    assert [cell.text for cell in table.rows[0][3:]] == ["too few", "too few"]


def test_other_estimators_stand_beside_it_or_it_says_how_to_get_them(manifest):
    assert "--compare" in first(comparison(manifest), Paragraph).text
    figures = manifest.performance.without_age
    nothing, better = (Estimate(value=v, lower=v, upper=v) for v in (0.0, 0.031))
    compared = Comparison(
        folds=5,
        repeats=1,
        bootstraps=500,
        candidates=(
            Candidate(name="ridge", description="A", figures=figures, brier_gain_difference_5y=nothing),
            Candidate(name="forest", description="B", figures=figures, brier_gain_difference_5y=better),
        ),
    )
    table = first(comparison(manifest.model_copy(update={"comparison": compared})), Table)
    assert [row[-1].text for row in table.rows] == ["reference", "3.1"]


def test_a_quarantined_release_keeps_its_card_and_says_that_it_is_out_of_use(release, read):
    lifecycle.quarantine(release, "for a test")
    page = read()
    assert "This release is out of use" in page
    assert shown(releases.manifest_of(release).performance.without_age.auc_5y) in page


@pytest.fixture
def unreadable(release):
    """Another release on record, whose files are gone."""
    return Release.objects.create(name=release.name, version="9.0.0", sha256="0" * 64)


def test_a_card_that_cannot_be_read_is_a_503_that_says_so(unreadable, alice, browser_of):
    response = browser_of(alice).get("/models/rotterdam76-ridge/9.0.0/")
    assert response.status_code == 503
    assert "The card of rotterdam76-ridge 9.0.0 cannot be read now" in response.content.decode()
    assert browser_of(alice).get("/models/rotterdam76-ridge/9.0.0/card.md").status_code == 503


def test_a_release_that_cannot_be_read_does_not_hide_the_others(unreadable, read):
    for page in (read("/models/"), read()):
        assert "rotterdam76-ridge 9.0.0 Callable cannot be read" in page
        assert "rotterdam76-ridge 1.0.0 Live" in page


@pytest.mark.parametrize(
    "path",
    [
        "/models/rotterdam76-ridge/1.0.1/",
        "/models/other/1.0.0/",
        "/models/rotterdam76-ridge/1.0.0%00/",
        "/models/%3Cscript%3Ealert(1)%3C/1.0.0/",
        "/models/rotterdam76-ridge/1.0.1/card.md",
        "/models/rotterdam76-ridge/../",
    ],
)
def test_a_release_that_is_not_on_record_is_a_404(release, alice, browser_of, path):
    response = browser_of(alice).get(path)
    assert response.status_code == 404
    assert "<script>alert" not in response.content.decode()


def test_what_stands_on_record_is_inert_on_every_page(release, alice, browser_of):
    Release.objects.create(name="<script>alert(1)", version="<img src=x>", sha256="1" * 64)
    client = browser_of(alice)
    for path in ("/models/", "/models/%3Cscript%3Ealert(1)/%3Cimg%20src=x%3E/"):
        page = client.get(path).content.decode()
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>" not in page
        assert "<img src=x" not in page


def test_the_result_leads_to_the_card_of_its_release(release, alice, browser_of):
    client = browser_of(alice)
    made = client.post("/predictions/new/", {"pasted": as_text(values_of(0)), "unit": "log2_intensity"})
    assert f'href="{CARD}"' in client.get(made["Location"]).content.decode()
    assert 'href="/models/"' in client.get("/predictions/").content.decode()


def test_the_file_is_markdown_with_everything_of_the_page(release, alice, browser_of, document):
    response = browser_of(alice).get(f"{CARD}card.md")
    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="rotterdam76-ridge-1.0.0.md"'
    text = response.content.decode()
    for section in document.sections:
        assert f"## {section.title}" in text
    assert "200965\\_s\\_at" in text


def test_what_means_something_in_markdown_is_escaped():
    hostile = Table("<b>*x*</b>", ("a|b",), ())
    text = as_markdown(Document("# `title`", (Section("key", "[link](x)", (hostile,)),)))
    for escaped in ("\\`title\\`", "\\[link\\](x)", "\\<b>\\*x\\*\\</b>", "a\\|b"):
        assert escaped in text
