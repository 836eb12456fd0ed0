"""Files of many samples through both doors: what is taken, how far it is, and what comes out."""

import csv
import io
import json
import zipfile

import polars as pl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from predictions import cohort_work, sealed_uploads
from predictions.cohort_records import Cohort, InputPart
from predictions.cohort_results import COLUMNS
from tests.predictions.test_cohorts import as_csv, patients

pytestmark = pytest.mark.django_db
QUERY = "/api/v1/cohorts?unit=log2_intensity"


@pytest.fixture
def api(key, release):
    client = Client(raise_request_exception=False)

    def ask(method, path, body=b"", **more):
        headers = {"Authorization": f"Api-Key {key}", **more.pop("headers", {})}
        return getattr(client, method)(path, body, headers=headers, **more)

    return ask


@pytest.fixture
def rows():
    """Twelve samples, of which some are refused, and one is named like a formula."""
    rows = list(patients(12))
    return [("=1+1", *rows[0][1:]), *rows[1:]]


@pytest.fixture
def done(api, rows):
    """The address of a cohort that is read."""
    answer = api("post", QUERY, as_csv(rows), content_type="text/csv")
    cohort_work.work()
    return answer.headers["Location"]


def text_of(answer):
    return b"".join(answer.streaming_content)


def test_a_file_is_taken_with_202_and_an_address_that_says_how_far_it_is(api, rows):
    answer = api("post", QUERY, as_csv(rows), content_type="text/csv")
    assert answer.status_code == 202
    waiting = api("get", answer.headers["Location"]).json()
    assert (waiting["status"], waiting["received"], waiting["queue_place"]) == ("waiting", 0, 0)
    cohort_work.work()
    read = api("get", answer.headers["Location"]).json()
    assert (read["status"], read["terminal"], read["percent_read"]) == ("finished", True, 100)
    assert read["received"] == read["predicted"] + read["refused"] == 12


def test_a_form_with_a_file_is_taken_too_and_never_touches_the_disk(api, rows):
    file = SimpleUploadedFile("lab.csv", as_csv(rows))
    answer = api("post", "/api/v1/cohorts", {"file": file, "unit": "log2_intensity"})
    assert answer.status_code == 202
    assert InputPart.objects.count() == 1


@pytest.mark.parametrize(
    ("query", "body", "codes"),
    [
        ("?unit=tpm", None, {"unit_not_supported"}),
        ("", None, {"unit_missing"}),
        ("?unit=log2_intensity&allias_policy=accept", None, {"unknown_key"}),
        ("?unit=log2_intensity&alias_policy=yes", None, {"unknown_option"}),
        ("?unit=log2_intensity&model=nobody/1.0.0", None, {"model_unknown"}),
        ("?unit=log2_intensity", b"hello", {"format_unknown"}),
        ("?unit=log2_intensity", b"sample,ABC,DEF\n1,2,3\n", {"format_unknown"}),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reasons_and_not_kept(api, rows, query, body, codes):
    answer = api("post", f"/api/v1/cohorts{query}", body or as_csv(rows), content_type="text/csv")
    assert answer.status_code == 422
    assert {problem["code"] for problem in answer.json()["errors"]} == codes
    assert not Cohort.objects.exists()
    assert not InputPart.objects.exists()


def test_results_come_in_four_forms_with_the_same_rows_and_each_is_on_record(api, done):
    plain = list(csv.DictReader(io.StringIO(text_of(api("get", f"{done}/results")).decode())))
    lines = [json.loads(line) for line in text_of(api("get", f"{done}/results?format=jsonl")).splitlines()]
    parquet = pl.read_parquet(text_of(api("get", f"{done}/results?format=parquet"))).to_dicts()
    xlsx = text_of(api("get", f"{done}/results?format=xlsx"))
    assert [row["number"] for row in plain] == [str(number) for number in range(1, 13)]
    assert lines == parquet
    assert [list(row) for row in (plain[0], lines[0])] == [list(COLUMNS)] * 2
    assert {row["status"] for row in lines} == {"predicted", "refused"}
    assert [row["risk_5_years_percent"] for row in plain] == [
        "" if row["risk_5_years_percent"] is None else str(row["risk_5_years_percent"]) for row in lines
    ]
    sheet = zipfile.ZipFile(io.BytesIO(xlsx)).read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<row ") == 13
    assert "<f>" not in sheet
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit.event WHERE action = 'cohort.disclosed'")
        assert cursor.fetchone() == (4,)


def test_a_name_that_looks_like_a_formula_is_quoted_in_csv_and_kept_elsewhere(api, done):
    plain = text_of(api("get", f"{done}/results", headers={"Accept": "text/csv"})).decode()
    assert "1,'=1+1," in plain
    lines = text_of(api("get", f"{done}/results", headers={"Accept": "application/x-ndjson"}))
    assert json.loads(lines.splitlines()[0])["sample_id"] == "=1+1"


def test_a_form_that_is_not_served_is_406(api, done):
    assert api("get", f"{done}/results?format=pdf").status_code == 406
    assert api("get", f"{done}/results", headers={"Accept": "image/png"}).status_code == 406


def test_problems_name_the_sample_its_row_and_how_to_mend_it(api, done):
    page = api("get", f"{done}/problems").json()
    assert page["next"] is None
    assert page["samples"][0]["row"] == page["samples"][0]["number"] + 1
    assert page["samples"][0]["problems"][0]["mend"]


def test_nobody_else_finds_it_and_a_key_without_the_scope_may_not(api, done, browser_of, charlie):
    assert browser_of(charlie).get(done.replace("/api/v1", "") + "/").status_code == 404
    assert Client().get(done).status_code == 401
    assert api("get", "/api/v1/cohorts").status_code == 405


def test_the_pages_lead_from_the_file_to_what_was_refused_and_read_it_again(
    browser_of, alice, release, rows, monkeypatch
):
    monkeypatch.setattr("django.conf.settings.FILE_UPLOAD_MAX_MEMORY_SIZE", 1)
    browser = browser_of(alice)
    file = SimpleUploadedFile("lab.csv", as_csv(rows))
    sent = browser.post("/cohorts/", {"file": file, "unit": "log2_intensity"})
    address = sent.headers["Location"]
    assert "hx-get" in browser.get(address).content.decode()
    assert browser.get(f"{address}progress/").status_code == 200
    cohort_work.work()
    last = browser.get(f"{address}progress/")
    assert (last.status_code, last.headers["HX-Refresh"]) == (286, "true")
    assert "What is wrong" in browser.get(f"{address}problems/").content.decode()
    annotated = text_of(browser.get(f"{address}annotated.csv")).decode().splitlines()
    assert annotated[0].endswith(",problem")
    refused = [line for line in annotated[1:] if not line.endswith(",")]
    again = browser.post(f"{address}again/", {"unit": "log2_intensity"}).headers["Location"]
    cohort_work.work()
    assert Cohort.objects.get(id=again.split("/")[2]).refused == len(refused)
    assert Cohort.objects.get(id=again.split("/")[2]).predicted == 0
    assert browser.get("/cohorts/").content.decode().count("Finished") == 2


def test_the_form_for_a_panel_hands_a_file_of_many_samples_on(browser_of, alice, release, rows):
    browser = browser_of(alice)
    sent = {"file": SimpleUploadedFile("lab.csv", as_csv(rows)), "unit": "log2_intensity"}
    assert browser.post("/predictions/new/", sent).headers["Location"].startswith("/cohorts/")
    sent = {"pasted": as_csv(rows).decode(), "unit": "log2_intensity", "age_years": "50"}
    refused = browser.post("/predictions/new/", sent)
    assert (refused.status_code, Cohort.objects.count()) == (422, 1)


def test_a_large_file_to_a_page_that_takes_none_is_not_stored(browser_of, alice, rows, monkeypatch):
    monkeypatch.setattr("django.conf.settings.FILE_UPLOAD_MAX_MEMORY_SIZE", 1)
    file = SimpleUploadedFile("lab.csv", as_csv(rows))
    for client in (Client(), browser_of(alice)):
        client.post("/accounts/login/", {"file": file})
        assert not InputPart.objects.exists()
    Client().post("/cohorts/", {"file": file})
    assert not InputPart.objects.exists()


def test_a_file_without_end_is_cut_off(browser_of, alice, release, rows, monkeypatch):
    monkeypatch.setattr("django.conf.settings.FILE_UPLOAD_MAX_MEMORY_SIZE", 1)
    monkeypatch.setattr(sealed_uploads, "LARGEST_FILE", 100)
    file = SimpleUploadedFile("lab.csv", as_csv(rows))
    assert browser_of(alice).post("/cohorts/", {"file": file, "unit": "log2_intensity"}).status_code == 422
    assert not InputPart.objects.exists()
