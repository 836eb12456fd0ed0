"""The report on paper says what the API says, can be checked by anybody, and is on record."""

import hashlib
import json
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from unittest import mock

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone, translation

from accounts import ledger, sealer
from accounts.keys import issue_key
from accounts.models import Event
from predictions import erasure, events, report_document, reporting
from predictions.exceptions import ReportDiffers
from predictions.glyphs import drawable
from predictions.models import Prediction, Review, Verdict
from predictions.presentation import horizon_words
from predictions.report_records import MadeReport
from predictions.review import record_review
from predictions.tasks import confirm_predictions
from tests.panels import values_of
from tests.paper import flat, needs_poppler, pages_of, poppler, reader_of, root_of, tags_of

pytestmark = pytest.mark.django_db

SCRIPT = Path(settings.BASE_DIR) / "static" / "verify_ledger.py"
A_DOZEN = dict.fromkeys(list(values_of(0))[:12])
REAL_CASES = [
    (5, {}, {}),
    (0, A_DOZEN, {"age_years": None}),
    (150, {"NOT-A-GENE": 1.0}, {"age_years": 90}),
    (23, {}, {"case_reference": "", "age_years": None}),
]
HOSTILE = [
    "W" * 100,
    "w i " * 25,
    "\N{GRINNING FACE}" * 100,
    "عبد الله 中文 \N{GRINNING FACE}",
    '#eval("1") *b* _i_ $x$ @ref <label> \\u{41} `raw` // no',
    '"]) #panic() ([',
    "{number} {total} {reference}",
    "<script>alert(1)</script>",
    "e\u0301" * 50,
]


@pytest.fixture
def made(release, submit):
    return submit(5, case_reference="P-0042", sample_id="S-17-0031")


@pytest.fixture
def fetch(alice, browser_of):
    client = browser_of(alice)

    def get(prediction):
        return client.get(f"/predictions/{prediction.id}/report.pdf")

    return get


@pytest.fixture
def ask(key):
    def get(path, **headers):
        headers = {"Authorization": f"Api-Key {key}", **headers}
        return Client(raise_request_exception=False).get(f"/api/v1/predictions/{path}", headers=headers)

    return get


def bodies(action):
    return [event.facts for event in Event.objects.filter(action=action).order_by("id")]


def uploaded(content):
    return SimpleUploadedFile("report.pdf", content, "application/pdf")


def receipt_page(prediction):
    return f"/receipts/{prediction.event_id}/{bytes(prediction.event.leaf).hex()}/"


@pytest.mark.parametrize(("patient", "changed", "options"), REAL_CASES)
def test_the_numbers_on_paper_are_those_of_the_api(release, submit, fetch, ask, patient, changed, options):
    made = submit(patient, changed, **options)
    pages, facts = pages_of(fetch(made).content), ask(made.id).json()
    assert len(pages) == 2
    clinician, technical = pages
    for words in map(horizon_words, facts["result"]["horizons"]):
        assert f"{words.had_it} out of 100 people" in clinician
        assert f"{words.did_not} out of 100 did not" in clinician
        assert f"Likely range {words.interval} out of 100" in clinician
        assert f"Average of the cohort: {words.cohort_average} out of 100" in clinician
    curve = [horizon_words(point) for point in facts["result"]["curve"]]
    for row in ("years", "had_it", "interval", "cohort_average"):
        assert " ".join(str(getattr(point, row)) for point in curve) in clinician
    for part in facts["contributions"]:
        if part["of"] != "age" and part["value"] is not None:
            numbers = f"{part['value']:.4f} {part['standard_deviations_from_mean']:+.2f} "
            numbers += f"{part['log_hazard']:+.4f}"
            assert f"{part['of']} {numbers}" in technical.replace("\N{MINUS SIGN}", "-")
    for warning in facts["warnings"]:
        assert flat(warning["detail"]) in clinician
        assert warning["code"] in technical
    for exact in (facts["model"]["sha256"], facts["input"]["sha256"], facts["audit"]["event"]):
        assert exact in technical.replace(" ", "")


@pytest.mark.parametrize("case_reference", ["P-0042", ""])
def test_every_page_says_whose_it_is_what_made_it_and_what_it_is_for(release, submit, fetch, case_reference):
    made = submit(5, case_reference=case_reference)
    pages = pages_of(fetch(made).content)
    for number, page in enumerate(pages, 1):
        for said in (
            f"Case {case_reference}" if case_reference else "No case reference",
            f"Prediction {made.id}",
            "Model rotterdam76-ridge 1.0.0",
            "Research use only",
            f"Page {number} of {len(pages)}",
        ):
            assert said in page


def test_it_is_tagged_for_screen_readers(made, fetch):
    pdf = fetch(made).content
    root, tags = root_of(pdf), tags_of(pdf)
    assert root["/MarkInfo"]["/Marked"].value
    assert root["/ViewerPreferences"]["/DisplayDocTitle"].value
    assert root["/Lang"] == "en-GB"
    kinds = [tag["/S"] for tag in tags]
    assert kinds.count("/H1") == 2
    assert {"/H2", "/P", "/L", "/LI", "/Table", "/TR", "/TH", "/TD"} <= set(kinds)
    described = [str(tag.get("/Alt", "")) for tag in tags if tag["/S"] == "/Figure"]
    assert len(described) >= 4
    assert all(described)
    assert any("had a distant metastasis within 5 years" in words for words in described)
    assert any("The risk rises from 0 at surgery" in words for words in described)
    metadata = root["/Metadata"].get_data().decode()
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata
    assert "<pdfaid:part>3</pdfaid:part>" in metadata
    assert "Risk of distant metastasis: case P-0042" in metadata
    assert all("/StructParents" in page for page in reader_of(pdf).pages)


def test_it_is_in_the_language_that_is_active(made, alice_acting):
    with translation.override("de"):
        pdf = reporting.disclose_report(alice_acting, made.id, str).pdf
    assert root_of(pdf)["/Lang"] == "de"
    assert MadeReport.objects.get().language == "de"


@needs_poppler
def test_poppler_reads_the_same(made, fetch):
    pdf = fetch(made).content
    about = poppler("pdfinfo", pdf)
    assert "Tagged:          yes" in about
    assert "Page size:       595.276 x 841.89 pts (A4)" in about
    assert f"Prediction {made.id}" in flat(poppler("pdftotext", pdf))
    assert "12 out of 100 people with a tumour profile" in flat(poppler("pdftotext", pdf))


def test_it_names_what_the_page_of_receipts_asks_for(made, fetch):
    asked = Client().get("/receipts/").content.decode()
    technical = pages_of(fetch(made).content)[1]
    for label in ("Audit event", "Digest of the event"):
        assert label in asked
        assert label in technical


@needs_poppler
def test_what_is_copied_from_it_is_what_stands_there(release, submit, fetch):
    made = submit(5)
    text = poppler("pdftotext", fetch(made).content)
    leaf = bytes(made.event.leaf).hex()
    for exact in (made.id, made.event_id, leaf, made.input_sha256, f"/receipts/{made.event_id}/{leaf}/"):
        assert str(exact) in text


@pytest.mark.parametrize("reference", HOSTILE)
def test_a_hostile_reference_is_set_as_it_is_or_by_its_code_points(release, submit, fetch, reference):
    pages = pages_of(fetch(submit(5, case_reference=reference)).content)
    shown = drawable(reference.strip()).replace(" ", "")
    assert all(shown in page.replace(" ", "") for page in pages)


@needs_poppler
@pytest.mark.parametrize("reference", HOSTILE[:4])
def test_nothing_leaves_the_page(release, submit, fetch, reference):
    boxes = poppler("pdftotext", fetch(submit(5, case_reference=reference)).content, "-bbox")
    ends = [float(part.split('"')[1]) for part in boxes.split() if part.startswith(('xMax="', 'yMax="'))]
    assert max(part for part in ends[::2]) < 595.3
    assert 'xMin="-' not in boxes
    assert 'yMin="-' not in boxes
    assert max(ends) < 842


def test_what_became_of_the_second_reading_is_said_with_its_time(release, submit, fetch):
    made = submit(5)
    assert "Waiting for the second reading" in pages_of(fetch(made).content)[1]
    confirm_predictions()
    made.refresh_from_db()
    at = f"{made.second_reading_at:%Y-%m-%d %H:%M:%S} UTC"
    assert f"Confirmed by a second reading {at}" in pages_of(fetch(made).content)[1]


def test_what_was_decided_is_said_with_who_and_when_and_its_reason_stands_behind(made, fetch, alice_acting):
    before = fetch(made).content
    record_review(alice_acting, made.id, Verdict.AGREE, "")
    record_review(alice_acting, made.id, Verdict.DISAGREE, "The sample was mixed up #eval(1)")
    record_review(alice_acting, made.id, Verdict.NOTE, "Asked the laboratory")
    assert fetch(made).content != before
    clinician, technical = pages_of(fetch(made).content)
    disagreed = Review.objects.get(verdict=Verdict.DISAGREE)
    said = f"Disagree: Alice, {disagreed.event.recorded_at:%Y-%m-%d %H:%M:%S} UTC"
    assert said in clinician
    assert "Agree:" not in clinician
    assert "The sample was mixed up #eval(1)" in technical
    assert "Asked the laboratory" in technical


def test_a_disputed_result_says_on_paper_not_to_use_it(made, fetch):
    Prediction.objects.filter(id=made.id).update(
        second_reading_at=timezone.now(), second_reading_difference=0.1
    )
    assert "Do not use this result" in pages_of(fetch(made).content)[0]


def test_the_same_report_has_the_same_bytes_and_is_on_record_once(made, fetch):
    first, again = fetch(made), fetch(made)
    assert first.content == again.content
    kept, digest = MadeReport.objects.get(), hashlib.sha256(first.content).hexdigest()
    assert (kept.sha256, kept.prediction_id, kept.language) == (digest, made.id, "en-gb")
    assert kept.template == report_document.template()
    (recorded,) = bodies(events.REPORT_MADE)
    assert (recorded["sha256"], recorded["prediction"]) == (digest, str(made.id))
    assert kept.event_id == Event.objects.get(action=events.REPORT_MADE).id
    assert [body["sha256"] for body in bodies(events.REPORT_DISCLOSED)] == [digest, digest]


def test_what_changes_makes_another_report_and_both_stay_on_record(made, fetch):
    waiting = fetch(made).content
    sealer.seal_waiting()
    sealed = fetch(made).content
    confirm_predictions()
    confirmed = fetch(made).content
    ledger.record("test.later")
    sealer.seal_waiting()
    assert fetch(made).content == confirmed
    assert MadeReport.objects.count() == len({waiting, sealed, confirmed}) == 3


def test_both_doors_hand_out_the_same_bytes_with_their_digest_and_a_name_that_tells_nothing(made, fetch, ask):
    browser, api = fetch(made), ask(f"{made.id}/report")
    assert browser.content == api.content
    digest = b64encode(hashlib.sha256(api.content).digest()).decode()
    for answer in (browser, api):
        assert answer["Content-Type"] == "application/pdf"
        assert answer["Content-Disposition"] == f'attachment; filename="report-{made.id}.pdf"'
        assert answer["Repr-Digest"] == f"sha-256=:{digest}:"
        assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("failing", [events.REPORT_MADE, events.REPORT_DISCLOSED])
def test_without_its_audit_event_no_report_is_made_or_handed_out(made, alice_acting, failing):
    record = ledger.record

    def refuse(action, *who, **facts):
        if action == failing:
            raise DatabaseError(action)
        return record(action, *who, **facts)

    with mock.patch.object(ledger, "record", refuse), pytest.raises(DatabaseError):
        reporting.disclose_report(alice_acting, made.id, str)
    assert not MadeReport.objects.exists()
    assert not bodies(events.REPORT_MADE)


def test_other_bytes_of_the_same_are_not_handed_out(made, fetch, alice_acting):
    pdf = fetch(made).content
    with (
        mock.patch.object(report_document, "typeset", return_value=pdf + b"\n"),
        pytest.raises(ReportDiffers),
    ):
        reporting.disclose_report(alice_acting, made.id, lambda path: f"http://testserver{path}")
    assert MadeReport.objects.count() == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE predictions_madereport SET sha256 = repeat('0', 64)",
        "DELETE FROM predictions_madereport",
        "TRUNCATE predictions_madereport",
    ],
)
def test_nobody_changes_what_is_on_record_of_a_report(made, fetch, statement):
    fetch(made)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert MadeReport.objects.count() == 1


@pytest.mark.parametrize(
    ("who", "expected"), [("alice", 200), ("audrey", 200), ("adam", 200), ("charlie", 404), ("nobody", 302)]
)
def test_the_report_is_for_members_of_the_organisation(
    made, alice, audrey, adam, charlie, browser_of, who, expected
):
    people = {"alice": alice, "audrey": audrey, "adam": adam, "charlie": charlie}
    client = browser_of(people[who]) if who in people else Client()
    assert client.get(f"/predictions/{made.id}/report.pdf").status_code == expected
    assert MadeReport.objects.exists() == (expected == 200)


@pytest.mark.parametrize(
    ("whose", "scopes", "expected"),
    [("clinic", ["read"], 200), ("clinic", ["predict"], 403), ("other", ["read"], 404), ("", [], 401)],
)
def test_the_report_is_for_keys_of_the_organisation_that_may_read(
    made, clinic, other_hospital, whose, scopes, expected
):
    owners = {"clinic": clinic, "other": other_hospital}
    key = issue_key(owners[whose], "System", scopes)[1] if whose else "none"
    headers = {"Authorization": f"Api-Key {key}"}
    answer = Client().get(f"/api/v1/predictions/{made.id}/report", headers=headers)
    assert answer.status_code == expected


def test_who_accepts_no_pdf_is_told(made, ask):
    answer = ask(f"{made.id}/report", Accept="application/json")
    assert (answer.status_code, answer.json()["type"]) == (406, "/problems/not-acceptable/")


def test_of_an_erased_case_there_is_no_report_and_what_was_made_stays_on_record(made, fetch, ask):
    fetch(made)
    erasure.decide_again(made.case_key_id)
    erasure.finish_all()
    assert fetch(made).status_code == 410
    assert ask(f"{made.id}/report").json()["type"] == "/problems/case-erased/"
    assert len(bodies(events.REPORT_DISCLOSED)) == MadeReport.objects.count() == 1


def test_the_receipt_in_the_file_convinces_the_stand_alone_program(made, fetch, tmp_path):
    assert "Not sealed yet" in pages_of(fetch(made).content)[1]
    sealer.seal_waiting()
    pdf = fetch(made).content
    (receipt,) = reader_of(pdf).attachments["receipt.json"]
    file = tmp_path / "receipt.json"
    file.write_bytes(receipt)
    key = settings.LEDGER_PUBLIC_KEYS[0]
    checked = subprocess.run(
        [sys.executable, "-I", SCRIPT, "receipt", file, "--key", key], capture_output=True, check=False
    )
    assert checked.returncode == 0
    said = pages_of(pdf)[1].replace(" ", "")
    proven = json.loads(receipt)
    for part in (proven["leaf_sha256"], *proven["proof"], *proven["checkpoint"].split()):
        assert part in said
    assert f"http://testserver{receipt_page(made)}" in said


def test_anybody_can_see_which_reports_were_made_and_nothing_of_the_patient(made, fetch):
    fetch(made)
    page = Client().get(receipt_page(made)).content.decode()
    assert MadeReport.objects.get().sha256 in page
    assert "P-0042" not in page


def test_anybody_can_compare_a_file_with_what_was_made(made, fetch):
    pdf = fetch(made).content
    for content, status, said in (
        (pdf, 200, "The file is a report of ours"),
        (pdf + b"\n", 200, "not one of the reports"),
        (b"", 422, "The submitted file is empty"),
        (b"x" * 2_000_001, 422, "larger than any report"),
        (b"x" * 5_000_001, 422, "larger than any report"),
    ):
        answer = Client().post(receipt_page(made), {"file": uploaded(content)})
        assert (answer.status_code, said in answer.content.decode()) == (status, True)
    assert Client().post(receipt_page(made)).status_code == 422
    assert Client(enforce_csrf_checks=True).post(receipt_page(made)).status_code == 403


def test_the_report_of_one_prediction_is_not_one_of_another(release, submit, fetch):
    first, other = submit(5), submit(6)
    pdf, _made_too = fetch(first).content, fetch(other)
    sealer.seal_waiting()
    page = Client().post(receipt_page(other), {"file": uploaded(pdf)}).content.decode()
    assert "not one of the reports" in page
    assert "The receipt is genuine, the file is not" in page
    assert "This receipt is genuine" not in page


def test_who_knows_the_patient_but_not_the_key_of_the_ledger_cannot_tell_the_report_by_its_digest(
    made, alice_acting, settings
):
    """Else the digest on record would confirm a guess of who an erased case was."""
    digest = reporting.disclose_report(alice_acting, made.id, str).digest
    settings.LEDGER_KEY = "another"
    assert reporting.disclose_report(alice_acting, made.id, str).digest != digest
