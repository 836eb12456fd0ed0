"""Files at the form, and the page that says which are read."""

import gzip

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.keys import issue_key
from accounts.models import Event
from predictions.formats import formats
from predictions.intake.detection import READERS
from predictions.models import Prediction
from tests import lab_files
from tests.panels import values_of

pytestmark = pytest.mark.django_db

FORM = "/predictions/new/"


@pytest.fixture
def send(release, alice, browser_of):
    client = browser_of(alice)

    def post(content, name="file", **fields):
        data = {"pasted": "", "unit": "log2_intensity", **fields, "file": SimpleUploadedFile(name, content)}
        return client.post(FORM, data)

    return post


@pytest.mark.parametrize(
    "content",
    [lab_files.gene_values(), lab_files.xlsx(), gzip.compress(lab_files.gene_values())],
    ids=["two columns", "workbook", "gzip"],
)
def test_one_sample_in_any_file_gives_its_prediction_with_what_was_recognised(send, content):
    assert send(content).status_code == 302
    panel = Prediction.objects.get().panel
    rounded = {symbol: round(value, 6) for symbol, value in values_of(0).items()}
    assert panel["values"] == rounded
    assert "format_found" in [step["code"] for step in panel["steps"]]


def test_one_sample_among_columns_brings_its_name_and_its_age(send):
    header, first, *_ = lab_files.samples_in_rows().decode().splitlines()
    assert send(f"{header}\n{first}\n".encode()).status_code == 302
    prediction = Prediction.objects.get()
    assert (prediction.sample_id, prediction.age_years) == ("S000", 57)


def test_an_age_that_the_file_contradicts_is_refused(send):
    header, first, *_ = lab_files.samples_in_rows().decode().splitlines()
    response = send(f"{header}\n{first}\n".encode(), age_years="58")
    assert [problem.code for problem in response.context["problems"]] == ["age_contradicted"]


def test_the_unit_that_a_format_states_needs_no_declaring_and_is_not_contradicted(send):
    said = send(lab_files.salmon(), unit="").context["problems"]
    assert "unit_missing" not in {problem.code for problem in said}
    assert any("TPM" in problem.detail for problem in said)
    said = send(lab_files.salmon(), unit="raw_counts").context["problems"]
    assert "unit_contradicted" in {problem.code for problem in said}


def test_the_person_chooses_the_strand_with_the_reads_in_view(send):
    asked = send(lab_files.star(), unit="")
    page = " ".join(asked.content.decode().split())
    assert asked.status_code == 422
    assert "Reverse strand, column 4: 259,063 reads (proposed)" in page
    assert "N_unmapped" in page  # nothing has to be chosen again
    assert not Event.objects.filter(action="prediction.refused").exists()
    chosen = send(lab_files.star(), unit="", part="reverse")
    assert any("raw counts" in problem.detail for problem in chosen.context["problems"])


def test_the_person_chooses_the_format_with_the_reasons_in_view(send):
    page = send(b"sample,IL18,POLQ\nPLK1,7,8\nC3,6,5\n").content.decode()
    assert "The first line names genes of the panel: IL18, POLQ." in page
    assert "The first column names genes of the panel: PLK1, C3." in page
    assert 'name="reader"' in page


def test_a_file_of_several_samples_becomes_a_cohort(send):
    response = send(lab_files.gct())
    assert response.status_code == 302
    assert "/cohorts/" in response["Location"]
    assert not Prediction.objects.exists()


def test_problems_name_row_and_column(send):
    header, first, *_ = lab_files.samples_in_rows().decode().splitlines()
    page = send(f"{header}\n{first.rpartition(',')[0]},six\n".encode()).content.decode()
    assert header.rpartition(",")[2] in page
    assert "<code>six</code>" in page


def test_the_page_of_the_formats_offers_a_file_of_each(alice, browser_of):
    client = browser_of(alice)
    page = client.get("/predictions/formats/").content.decode()
    for reader in formats():
        address = f"/predictions/formats/{reader.CODE}/"
        assert address in page
        assert client.get(address).content == lab_files.FILES[reader.SAMPLE]()
    assert client.get("/predictions/formats/other/").status_code == 404
    assert Client().get("/predictions/formats/").status_code == 302


@pytest.mark.parametrize("scopes", [["predict"], ["read"]])
def test_systems_learn_the_formats_with_any_key(clinic, scopes):
    headers = {"Authorization": f"Api-Key {issue_key(clinic, 'Lab system', scopes)[1]}"}
    found = Client().get("/api/v1/formats", headers=headers).json()["formats"]
    assert [entry["code"] for entry in found] == list(READERS)
    sample = Client().get(found[0]["sample"], headers=headers)
    assert sample.content == lab_files.gene_values()
    assert Client().get("/api/v1/formats/other/sample", headers=headers).status_code == 404
    assert Client().get("/api/v1/formats").status_code == 401
