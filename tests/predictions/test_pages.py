"""The form and the pages around it."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.ledger import case_digest
from accounts.models import Event
from predictions.forms import MOST_UPLOADED
from predictions.models import Prediction
from predictions.selectors import PAGE
from tests.cast import sign_in
from tests.panels import as_text, values_of

pytestmark = pytest.mark.django_db

FORM = "/predictions/new/"


@pytest.fixture
def send(release, alice, browser_of):
    client = browser_of(alice)

    def post(pasted="", file=None, **fields):
        data = {"pasted": pasted, "unit": "log2_intensity", **fields}
        if file is not None:
            data["file"] = SimpleUploadedFile("panel.csv", file)
        return client.post(FORM, data)

    return post


def test_a_pasted_panel_leads_to_its_result(send):
    response = send(as_text(values_of(0)), case_reference="P-0042", age_years=50)
    prediction = Prediction.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/predictions/{prediction.id}/")
    assert (prediction.case_reference, prediction.age_years, prediction.door) == ("P-0042", 50, "form")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_an_uploaded_file_gives_the_bits_of_the_pasted_text(send, encoding):
    send(as_text(values_of(0)))
    send(file=("gene,value\n" + as_text(values_of(0), ",")).encode(encoding))
    pasted, uploaded = Prediction.objects.order_by("id")
    assert pasted.result == uploaded.result


def test_the_result_page_says_it_in_words_with_interval_average_and_version(send, alice, browser_of):
    response = browser_of(alice).get(send(as_text(values_of(5)), age_years=58)["Location"])
    page = " ".join(response.content.decode().split())
    for words in (
        "out of 100",
        "within",
        "10 years",
        "5 years",
        "rotterdam76-ridge",
        "1.0.0",
        "Research use",
    ):
        assert words in page, words


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Paste the panel or choose a file"),
        ({"pasted": "IL18\t6", "file": b"IL18,6"}, "not both"),
        ({"pasted": "IL18\t6", "unit": ""}, "unit of the values was not given"),
        ({"pasted": "IL18\t6", "unit": "furlong"}, "is not a unit that is known here"),
        ({"pasted": "IL18\t6", "age_years": "fifty"}, "Age in years: Enter a whole number"),
        ({"pasted": "IL18\t6", "age_years": "\u0665\u0667"}, "Age in years: Enter a whole number"),
        ({"pasted": "IL18\t6", "age_years": "5_7"}, "Age in years: Enter a whole number"),
        ({"pasted": "IL18\t6", "age_years": "57.0"}, "Age in years: Enter a whole number"),
        ({"pasted": "IL18\t6", "age_years": "9" * 5_000}, "Age in years: Enter a whole number"),
        ({"pasted": "IL18\t6", "age_years": "-57"}, "The age is given in whole years"),
        ({"pasted": ",,,\n,,,"}, "There is no gene in it"),
        ({"pasted": "IL18\t6", "case_reference": "x" * 101}, "Case reference: Ensure this value has at most"),
        ({"pasted": "IL18\tsix"}, "six"),
        ({"file": b""}, "There is no table in it"),
        ({"file": b"PK\x03\x04\xff\xfe"}, "damaged"),
        ({"file": b"x" * (MOST_UPLOADED + 1)}, "larger than"),
        ({"pasted": as_text({"IL18": 6.0})}, "1 of the 69 genes"),
    ],
)
def test_what_cannot_be_read_is_said_and_on_record(send, fields, said):
    response = send(**fields)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert Event.objects.filter(action="prediction.refused").count() == 1
    assert not Prediction.objects.exists()


def test_everything_wrong_with_a_form_and_its_panel_is_told_at_once(send):
    panel = as_text({"C11orf9": 7.0, "plk1": 6.0}) + "\nIL18\tsix\nPOLQ"
    response = send(panel, unit="", age_years="fifty", case_reference="P-0042")
    found = [(problem.code, problem.row) for problem in response.context["problems"]]
    assert found == [
        ("form_incomplete", None),
        ("not_a_number", 3),
        ("wrong_column_count", 4),
        ("former_symbol", 1),
        ("unit_missing", None),
        ("too_few_genes", None),
    ]
    too_few = response.context["problems"][-1]
    assert "IL18" not in too_few.detail
    assert "plk1 (is it PLK1?)" in too_few.mend


def test_a_refusal_is_found_by_its_case(send, alice):
    send("", case_reference="P-0042")
    digest = case_digest(alice.memberships.get().organisation_id, "P-0042")
    assert Event.objects.get(action="prediction.refused").case_digest == digest


def test_of_very_many_problems_the_first_are_shown(send):
    page = send("A\n" * 5_000).content.decode()
    assert "5001 problems to mend" in page
    assert len(page) < 200_000


def test_nothing_that_was_typed_or_uploaded_is_lost_with_a_refusal(send):
    typed = send("IL18\tsix", case_reference="P-0042", age_years=57).content.decode()
    for kept in ("IL18\tsix", "P-0042", "57"):
        assert kept in typed
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert "POLQ,siebenä" in send(file="POLQ,siebenä".encode(encoding)).content.decode()
    assert "\ufffd" not in send(file=b"POLQ,\xff").content.decode()


def test_no_browser_cuts_off_what_is_pasted_into_the_form(alice, browser_of):
    page = browser_of(alice).get("/predictions/new/").content.decode()
    assert 'name="case_reference"' in page
    assert "maxlength" not in page


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", 'x"><img src=x onerror=alert(1)>', "{{ 7*7 }}"]
)
def test_names_and_references_are_inert_on_every_page(send, alice, browser_of, hostile):
    client = browser_of(alice)
    refused = send(f"{hostile}\tsix", case_reference=hostile).content.decode()
    location = send(as_text({**values_of(0), hostile[:60]: 1.0}), case_reference=hostile)["Location"]
    for page in (
        refused,
        client.get(location).content.decode(),
        client.get("/predictions/").content.decode(),
    ):
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "49" not in page or hostile != "{{ 7*7 }}" or "{{ 7*7 }}" in page


def test_the_example_is_a_panel_that_is_read(send, alice, browser_of):
    form = browser_of(alice).get(FORM + "?example=1").context["form"]
    assert send(form.initial["pasted"]).status_code == 302


def test_the_example_is_also_a_file_that_is_read(send, alice, browser_of):
    file = browser_of(alice).get("/predictions/sample.csv")
    assert file["Content-Disposition"] == 'attachment; filename="sample.csv"'
    assert file.content.startswith(b"gene,value\n")
    assert send(file=file.content).status_code == 302


def test_the_form_says_so_while_no_release_can_be_read(alice, browser_of):
    page = browser_of(alice).get(FORM + "?example=1")
    assert page.status_code == 200
    assert "No release of the model can be read" in page.content.decode()
    assert browser_of(alice).get("/predictions/sample.csv").status_code == 503


def test_an_empty_list_says_what_it_is_for_and_leads_to_the_example(alice, audrey, browser_of):
    assert "?example=1" in browser_of(alice).get("/predictions/").content.decode()
    page = browser_of(audrey).get("/predictions/").content.decode()
    assert "?example=1" not in page
    assert "clinicians ask for them" in page


def test_a_long_list_is_shown_page_by_page_without_loss(send, alice, browser_of):
    first = send(as_text(values_of(0)))
    assert first.status_code == 302
    made = Prediction.objects.get()
    for _ in range(PAGE):
        send(as_text(values_of(0)))
    client = browser_of(alice)
    newest = client.get("/predictions/")
    assert len(newest.context["rows"]) == PAGE
    rest = client.get(f"/predictions/?before={newest.context['following']}")
    assert [row.id for row in rest.context["rows"]] == [made.id]
    assert rest.context["following"] is None
    assert client.get("/predictions/?before=x").status_code == 404


def test_a_form_without_the_csrf_token_is_refused(release, alice):
    client = sign_in(Client(enforce_csrf_checks=True), alice)
    assert client.post(FORM, {"pasted": as_text(values_of(0)), "unit": "log2_intensity"}).status_code == 403
    assert not Prediction.objects.exists()


def test_a_receipt_that_is_asked_for_before_the_event_is_sealed_says_when(submit, alice, browser_of):
    answer = browser_of(alice).get(f"/predictions/{submit(0).id}/receipt.json", follow=True)
    assert "ready in a few seconds" in answer.content.decode()
