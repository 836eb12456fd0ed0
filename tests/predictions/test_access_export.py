"""All that is held on a case, for whoever asks what is known of them."""

import json
import re
import zlib
from io import BytesIO

import pytest
import typst
from django.utils import translation
from pypdf import PdfReader

from accounts.actors import Actor
from accounts.models import Event
from predictions import cases, erasure, lifecycle
from predictions.access_export import export_case
from predictions.case_document import DOCUMENT, as_json, as_pdf, inputs_of
from predictions.exceptions import NotEntitled
from predictions.tasks import confirm_predictions
from tests.panels import age_of

pytestmark = pytest.mark.django_db

HOSTILE = [
    '#panic("x")',
    '#read("/etc/passwd") *bold* _it_ $x^2$ <label> @ref \\ `raw` // comment',
    '] #let x = 1 [ "; #sys.inputs',
    "<script>alert(1)</script>",
    "\u202eevil \u0645\u0631\u062d\u0628\u0627 \u60a8\u597d \U0001f600",
    "x" * 100,
    "= heading",
]


@pytest.fixture
def audrey_acting(audrey, clinic):
    return Actor(clinic, "form", person=audrey)


@pytest.fixture
def page(release, submit, clinic):
    made = submit(0, case_reference="P-0042", sample_id="S-7")
    return f"/admin/predictions/erasurerequest/case/{clinic.id}/{made.case_key_id}/"


def exported(made, actor):
    case = cases.find_case(actor.organisation, made.case_key_id)
    assert case is not None
    return export_case(case, actor)


def pages_of(pdf):
    return len(re.findall(rb"/Type\s*/Page\b", b"".join(unpacked(pdf))))


def unpacked(pdf):
    """The file, and each of its streams that is deflated."""
    yield pdf
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            yield zlib.decompress(stream)
        except zlib.error:
            continue


def test_an_export_holds_every_value_every_answer_and_who_saw_it(
    release, candidate, proposer, submit, alice, browser_of, audrey_acting
):
    lifecycle.shadow(candidate, proposer)
    first = submit(0, case_reference="P-0042", sample_id="S-7")
    submit(5, case_reference="P-0042")
    submit(7, case_reference="P-0043")
    confirm_predictions()
    browser_of(alice).get(f"/predictions/{first.id}/")
    found = exported(first, audrey_acting)
    assert found["case"]["reference"] == "P-0042"
    assert [row["age_years"] for row in found["predictions"]] == [age_of(0), age_of(5)]
    assert found["predictions"][0]["panel"]["values"] == first.panel["values"]
    assert found["predictions"][0]["result"]["risk"] == first.result["risk"]
    assert found["predictions"][0]["shadow_readings"][0]["result"]["risk"]
    assert [(seen["by"], seen["prediction"]) for seen in found["disclosures"]] == [("Alice", str(first.id))]
    actions = [event["action"] for event in found["events"]]
    assert actions == ["prediction.made", "prediction.made", "prediction.disclosed", "case.exported"]
    assert found["export_event"] == str(Event.objects.get(action="case.exported").id)


@pytest.mark.parametrize("page", ["compare/?release=rotterdam76-ridge/1.1.0", "report.pdf", ""])
def test_whoever_saw_a_result_in_any_form_is_named(
    release, candidate, submit, alice, browser_of, audrey_acting, page
):
    made = submit(0, case_reference="P-0042")
    assert browser_of(alice).get(f"/predictions/{made.id}/{page}").status_code == 200
    assert [seen["by"] for seen in exported(made, audrey_acting)["disclosures"]] == ["Alice"]


def test_the_pages_are_tagged_and_in_the_language_of_the_reader(release, submit, audrey_acting):
    found = exported(submit(0, case_reference="P-0042 \u4e2d"), audrey_acting)
    with translation.override("de"):
        pdf = PdfReader(BytesIO(as_pdf(found)))
    assert str(pdf.root_object["/Lang"]) == "de"
    assert "/StructTreeRoot" in pdf.root_object
    text = " ".join(page.extract_text() for page in pdf.pages)
    assert "P-0042 \u2039U+4E2D\u203a" in text
    assert "All that is held" not in text


def test_the_events_of_a_case_without_a_reference_are_those_of_its_prediction(release, submit, audrey_acting):
    made, _ = submit(0), submit(0)
    found = exported(made, audrey_acting)
    assert [event["prediction"] for event in found["events"]] == [str(made.id)]
    assert found["case"]["reference"] is None


def test_of_an_erased_case_there_is_what_an_erasure_leaves(release, submit, audrey_acting):
    made = submit(0, case_reference="P-0042", sample_id="S-7")
    erasure.decide_again(made.case_key_id)
    erasure.finish_all()
    found = exported(made, audrey_acting)
    text = as_json(found).decode()
    assert "P-0042" not in text
    assert "S-7" not in text
    assert "panel" not in found["predictions"][0]
    assert "decision" in found["case"]["erased"]
    assert "case.erased" in text
    assert as_pdf(found).startswith(b"%PDF")


def test_a_clinician_gets_no_export(release, submit, alice_acting):
    with pytest.raises(NotEntitled):
        exported(submit(0), alice_acting)
    assert not Event.objects.filter(action="case.exported").exists()


def test_the_same_data_give_the_same_pages_bit_for_bit(release, submit, audrey_acting):
    found = exported(submit(0, case_reference="P-0042"), audrey_acting)
    first = as_pdf(found)
    assert first == as_pdf(json.loads(as_json(found)))
    assert pages_of(first) == 2


@pytest.mark.parametrize("name", HOSTILE)
def test_what_people_wrote_is_never_markup(release, submit, clinic, audrey, audrey_acting, name):
    clinic.name = audrey.name = name
    clinic.save()
    audrey.save()
    name_of_case = name.replace("\u202e", "")  # no reference may hold that one
    made = submit(0, case_reference=name_of_case, sample_id=name_of_case)
    found = exported(made, audrey_acting)
    assert [found["organisation"], found["exported_by"], found["case"]["reference"]] == [
        name,
        name,
        name_of_case,
    ]
    assert as_pdf(found).startswith(b"%PDF")
    headings = json.loads(
        typst.query(DOCUMENT, "heading", sys_inputs=inputs_of(found), ignore_system_fonts=True)
    )
    assert len(headings) == 4


@pytest.mark.parametrize("kind", ["pdf", "json"])
def test_an_auditor_downloads_a_file_that_is_not_named_after_the_case(page, audrey, browser_of, kind):
    answer = browser_of(audrey).post(f"{page}export.{kind}")
    assert answer.status_code == 200
    assert answer["Content-Type"] == f"application/{kind}"
    assert "no-store" in answer["Cache-Control"]
    assert "P-0042" not in answer["Content-Disposition"]


@pytest.mark.parametrize(
    ("who", "kind", "expected"), [("audrey", "doc", 404), ("ada", "pdf", 404), ("alice", "pdf", 302)]
)
def test_nobody_else_and_nothing_else_is_exported(page, audrey, ada, alice, browser_of, who, kind, expected):
    people = {"audrey": audrey, "ada": ada, "alice": alice}
    assert browser_of(people[who]).post(f"{page}export.{kind}").status_code == expected
    assert browser_of(audrey).get(f"{page}export.pdf").status_code == 404
    assert not Event.objects.filter(action="case.exported").exists()
